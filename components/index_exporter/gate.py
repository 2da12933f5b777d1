"""Whether an approximate index may be exported."""

from schemas.settings import IndexSettings

_RAISES_RECALL = {"ivf": "", "scann": "; a larger index.scann.searched_share raises it"}
_IS_FASTER = {"ivf": "a lower index.min_recall", "scann": "a smaller index.scann.searched_share"}


def too_few_items(num_items: int, settings: IndexSettings) -> list[str]:
    """Returns the reason not to build the index in a list, empty if there are enough items."""
    if num_items >= settings.min_items:
        return []
    return [
        f"expected at least {settings.min_items} items (index.min_items), got {num_items}: "
        "with so few, exact retrieval is as fast"
    ]


def shortcomings(measures: dict[str, float], settings: IndexSettings) -> list[str]:
    """Returns the reasons not to export the index, an empty list if it passes.

    Args:
      measures: `recall`, in [0, 1], and `latency_p50_ms`, milliseconds.
      settings: the thresholds.
    """
    recall, latency = measures["recall"], measures["latency_p50_ms"]
    reasons = []
    if not recall >= settings.min_recall:
        reasons.append(
            f"expected recall@{settings.recall_k} against exact retrieval of at least {settings.min_recall:g} "
            f"(index.min_recall), got {recall:.4f}{_RAISES_RECALL[settings.kind]}"
        )
    if not latency <= settings.max_latency_ms:
        reasons.append(
            f"expected a median latency of at most {settings.max_latency_ms:g} ms (index.max_latency_ms), "
            f"got {latency:.2f} ms; {_IS_FASTER[settings.kind]} makes it faster"
        )
    return reasons

"""Whether an approximate index may be exported."""

from schemas.settings import IndexSettings

_RAISES_RECALL = {"ivf": "", "scann": "; a larger index.scann.searched_share raises it"}
_IS_FASTER = {"ivf": "a lower index.min_recall", "scann": "a smaller index.scann.searched_share"}


def too_few_items(num_items: int, settings: IndexSettings) -> list[str]:
    """The reason not even to build the index, or none."""
    if num_items >= settings.min_items:
        return []
    return [
        f"{num_items} items, at least {settings.min_items} are needed (index.min_items): "
        "the exact index is as fast on so few"
    ]


def shortcomings(measures: dict[str, float], settings: IndexSettings) -> list[str]:
    """The reasons not to export the index; none if there are none.

    Args:
      measures: `recall`, in [0, 1], and `latency_p50_ms`, milliseconds.
      settings: the thresholds.
    """
    recall, latency = measures["recall"], measures["latency_p50_ms"]
    reasons = []
    if not recall >= settings.min_recall:
        reasons.append(
            f"recall@{settings.recall_k} against the exact index is {recall:.4f}, at least {settings.min_recall:g} "
            f"is asked for (index.min_recall){_RAISES_RECALL[settings.kind]}"
        )
    if not latency <= settings.max_latency_ms:
        reasons.append(
            f"the median call takes {latency:.2f} ms, at most {settings.max_latency_ms:g} ms are allowed "
            f"(index.max_latency_ms); {_IS_FASTER[settings.kind]} is faster"
        )
    return reasons

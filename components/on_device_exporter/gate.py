"""Whether an on-device model, and which of its files, may be exported."""

import math

from schemas.on_device_record import SliceRecord, VariantRecord
from schemas.settings import OnDeviceSettings


def below_popularity(overall: SliceRecord) -> list[str]:
    """The reasons not to export any file of a model; none if it beats recommending what is popular.

    Args:
      overall: what was measured of float32 over all windows.
    """
    if not overall.windows:
        return ["there are no evaluation windows: no event of eval has an earlier one of its user in train"]
    reasons = []
    model, popularity = overall.model.recall_at_10.value, overall.popularity.recall_at_10.value
    if not model > popularity:
        reasons.append(f"recall@10 is {model:.4f}, it must be above {popularity:.4f}, that of the most popular items")
    above = overall.ndcg_above_popularity
    if not above.lower > 0.0:
        reasons.append(
            f"NDCG@10 is {above.value:+.4f} (95 % interval {above.lower:+.4f} to {above.upper:+.4f}) against that of "
            "the most popular items, all of the interval must be above 0"
        )
    return reasons


def shortcomings(variant: VariantRecord, float32: VariantRecord | None, settings: OnDeviceSettings) -> list[str]:
    """The reasons not to export a file; none if there are none.

    Args:
      variant: what was measured of it.
      float32: the same of float32, None where that could not be made.
      settings: the thresholds.
    """
    reasons = []
    if variant.variant != "float32":
        reasons += _lost(_known(variant.recall_at_10), _known(float32.recall_at_10 if float32 else None), settings)
    num_bytes, latency = _known(variant.bytes), _known(variant.latency_us)
    if settings.max_bytes is not None and not num_bytes <= settings.max_bytes:
        reasons.append(
            f"it has {num_bytes:,.0f} bytes, at most {settings.max_bytes:,} are allowed (on_device.max_bytes)"
        )
    if settings.max_latency_us is not None and not latency <= settings.max_latency_us:
        reasons.append(
            f"the median call takes {latency:.1f} microseconds, at most {settings.max_latency_us:g} are allowed "
            "(on_device.max_latency_us)"
        )
    return reasons


def _lost(recall: float, float32: float, settings: OnDeviceSettings) -> list[str]:
    """As a share of float32's; where a number is missing, nothing shows that the loss is small."""
    least = (1.0 - settings.max_recall_loss) * float32
    if recall >= least:
        return []
    return [
        f"recall@10 is {recall:.4f}, at least {least:.4f} is asked for: {float32:.4f} of float32 less a share of "
        f"{settings.max_recall_loss:g} (on_device.max_recall_loss)"
    ]


def _known(value: float | None) -> float:
    return math.nan if value is None else float(value)

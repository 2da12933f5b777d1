"""The gates for on-device models and for each of their files."""

import math

from schemas.on_device_record import SliceRecord, VariantRecord
from schemas.settings import OnDeviceSettings


def below_popularity(overall: SliceRecord) -> list[str]:
    """Returns the reasons not to export any file of a model, an empty list if it beats recommending popular items.

    Args:
      overall: measures of the float32 model over all windows.
    """
    if not overall.windows:
        return ["there are no evaluation windows: no event of eval has an earlier event of the same user in train"]
    reasons = []
    model, popularity = overall.model.recall_at_10.value, overall.popularity.recall_at_10.value
    if not model > popularity:
        reasons.append(f"expected recall@10 above that of the most popular items, {popularity:.4f}, got {model:.4f}")
    above = overall.ndcg_above_popularity
    if not above.lower > 0.0:
        reasons.append(
            "expected NDCG@10 above that of the most popular items with a 95 % interval entirely above 0, got a "
            f"difference of {above.value:+.4f} (interval {above.lower:+.4f} to {above.upper:+.4f})"
        )
    return reasons


def shortcomings(variant: VariantRecord, float32: VariantRecord | None, settings: OnDeviceSettings) -> list[str]:
    """Returns the reasons not to export a file, an empty list if it passes.

    Args:
      variant: measures of the file.
      float32: measures of the float32 file, None if it could not be made.
      settings: the thresholds.
    """
    reasons = []
    if variant.variant != "float32":
        reasons += _lost(_known(variant.recall_at_10), _known(float32.recall_at_10 if float32 else None), settings)
    num_bytes, latency = _known(variant.bytes), _known(variant.latency_us)
    if settings.max_bytes is not None and not num_bytes <= settings.max_bytes:
        reasons.append(f"expected at most {settings.max_bytes:,} bytes (on_device.max_bytes), got {num_bytes:,.0f}")
    if settings.max_latency_us is not None and not latency <= settings.max_latency_us:
        reasons.append(
            f"expected a median latency of at most {settings.max_latency_us:g} microseconds "
            f"(on_device.max_latency_us), got {latency:.1f}"
        )
    return reasons


def _lost(recall: float, float32: float, settings: OnDeviceSettings) -> list[str]:
    """Returns the reason if recall falls too far below that of float32; a missing number (NaN) counts as too far."""
    least = (1.0 - settings.max_recall_loss) * float32
    if recall >= least:
        return []
    return [
        f"expected recall@10 of at least {least:.4f}, the {float32:.4f} of float32 less a share of "
        f"{settings.max_recall_loss:g} (on_device.max_recall_loss), got {recall:.4f}"
    ]


def _known(value: float | None) -> float:
    return math.nan if value is None else float(value)

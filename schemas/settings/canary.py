"""The section `[canary]`."""

from schemas.settings.section import Positive, PositiveInt, Section


class CanarySettings(Section):
    """Limits that an exported model must keep in a fresh process to be pushed, in addition to correct answers."""

    latency_p50_ms: Positive = 100.0
    """Maximum median time of a call of `recommend` for one user, in milliseconds."""
    latency_p99_ms: Positive = 500.0
    """Maximum 99th percentile of these times, in milliseconds."""
    calls: PositiveInt = 200
    """Number of timed calls."""
    timeout_s: Positive = 600.0
    """Maximum time of the whole check, including TensorFlow's start, in seconds; a model that takes longer is refused.
    """

"""The metrics that the gate knows: names, direction and how they are written, in one table."""

from typing import NamedTuple


class Metric(NamedTuple):
    """One metric of the evaluation, a mean over the evaluation examples."""

    label: str
    """How a report writes it."""
    higher_is_better: bool


METRICS: dict[str, Metric] = {
    "top_1_accuracy": Metric("top-1 accuracy", True),
    "top_5_accuracy": Metric("top-5 accuracy", True),
    "top_10_accuracy": Metric("top-10 accuracy", True),
    "top_50_accuracy": Metric("top-50 accuracy", True),
    "top_100_accuracy": Metric("top-100 accuracy", True),
    "ndcg_at_10": Metric("NDCG@10", True),
    "mrr": Metric("MRR", True),
    "rmse": Metric("RMSE", False),
    "mae": Metric("MAE", False),
    "lift_over_popularity": Metric("NDCG@10 above popularity's", True),
    "lift_over_bias": Metric("RMSE below user + item bias's", True),
}

"""The metrics of the evaluation in one table: name, label, direction and baseline."""

from typing import NamedTuple


class Metric(NamedTuple):
    """One metric of the evaluation, computed over the evaluation examples."""

    label: str
    """Its name in reports."""
    higher_is_better: bool
    baseline: str | None = None
    """Name of the metric that measures the baseline in the same way."""
    of_ratings: bool = False
    """Whether it measures predicted ratings, which a model of events without ratings does not have."""


TOP_K = (1, 5, 10, 50, 100)
"""Cut-offs of top-K accuracy."""
NDCG_K = 10
"""Cut-off of NDCG."""
LIST_K = (10, 100)
"""Cut-offs of the measures per user."""


def _with_baselines() -> dict[str, Metric]:
    ranks = {f"top_{k}_accuracy": Metric(f"top-{k} accuracy", True) for k in TOP_K}
    ranks |= {f"ndcg_at_{NDCG_K}": Metric(f"NDCG@{NDCG_K}", True), "mrr": Metric("MRR", True)}
    errors = {name: Metric(name.upper(), False, of_ratings=True) for name in ("rmse", "mae")}
    table = {}
    for baseline, metrics in (("popularity", ranks), ("bias", errors)):
        for name, metric in metrics.items():
            table[name] = metric._replace(baseline=f"{baseline}_{name}")
            table[f"{baseline}_{name}"] = metric._replace(label=f"{metric.label} of {baseline}")
    table["lift_over_popularity"] = Metric(f"NDCG@{NDCG_K} above popularity's", True)
    table["lift_over_bias"] = Metric("RMSE below user + item bias's", True, of_ratings=True)
    return table


METRICS: dict[str, Metric] = _with_baselines()

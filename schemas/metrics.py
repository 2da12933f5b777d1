"""The metrics of the evaluation in one table: name, label, direction, group and baselines."""

from typing import Literal, NamedTuple

LIST_K = (10, 100)
"""Cut-offs of the measures per user."""
TOP_K = (1, 5, 10, 50, 100)
"""Cut-offs of the accuracy per event."""
EVENT_NDCG_K = 10
"""Cut-off of NDCG per event."""
LIST_BASELINES = {"popularity": "popularity", "recency_popularity": "recent popularity", "neighbours": "neighbours"}
"""Baselines of lists: the prefixes of their metrics, and their labels."""
BIAS = "bias"
"""The baseline of ratings: the prefix of its metrics."""
LIKED = "liked_"
"""Prefix of measures whose relevant items are those rated in the top quarter of the scale."""
RETRIEVE = "retrieve_"
"""Prefix of measures of the lists of the signature `retrieve`."""

Group = Literal["users", "lists", "liked", "retrieve", "lifts", "ratings", "concentration", "events", "baselines"]


class Metric(NamedTuple):
    """One metric of the evaluation."""

    label: str
    """Its name in reports."""
    group: Group
    higher_is_better: bool = True
    baselines: tuple[str, ...] = ()
    """Names of the metrics that measure baselines in the same way."""
    of_ratings: bool = False
    """Whether it needs ratings: there is none for a model of events without ratings."""


def _table() -> dict[str, Metric]:
    measures = {f"ndcg_at_{k}": f"NDCG@{k}" for k in LIST_K} | {f"recall_at_{k}": f"recall@{k}" for k in LIST_K}
    measures |= {"mrr": "MRR"}
    table = {"evaluated_users": Metric("evaluated users", "users")}
    table |= {name: Metric(label, "lists", baselines=_of(name)) for name, label in measures.items()}
    for name, label in measures.items():
        liked = f"{LIKED}{name}"
        table[liked] = Metric(f"{label}, liked items", "liked", baselines=_of(liked), of_ratings=True)
    table["lift_over_popularity"] = Metric("NDCG@10 above popularity", "lifts")
    table["lift_over_neighbours"] = Metric("NDCG@10 above neighbours", "lifts")
    table |= {f"{RETRIEVE}{name}": Metric(f"{label} of retrieval", "retrieve") for name, label in measures.items()}
    for name in ("rmse", "mae"):
        table[name] = Metric(name.upper(), "ratings", False, (f"{BIAS}_{name}",), of_ratings=True)
    table["rmse_at_time"] = Metric("RMSE at the time of each rating", "ratings", False, of_ratings=True)
    table["lift_over_bias"] = Metric("RMSE below biases", "ratings", of_ratings=True)
    table["coverage_at_10"] = Metric("share of the catalogue in the top 10", "concentration")
    table["gini_at_10"] = Metric("Gini coefficient of the top 10", "concentration", False)
    table["top_item_share"] = Metric("lists with the most shown item", "concentration", False)
    table["mean_popularity"] = Metric("events per shown item", "concentration", False)
    table["fallback_share"] = Metric("lists that fall back to popularity", "concentration", False)
    table |= {f"event_top_{k}_accuracy": Metric(f"top-{k} accuracy per event", "events") for k in TOP_K}
    table[f"event_ndcg_at_{EVENT_NDCG_K}"] = Metric(f"NDCG@{EVENT_NDCG_K} per event", "events")
    table["event_mrr"] = Metric("MRR per event", "events")
    labels = LIST_BASELINES | {BIAS: "biases"}
    for metric in [*table.values()]:
        for name in metric.baselines:
            label = labels[max((prefix for prefix in labels if name.startswith(f"{prefix}_")), key=len)]
            table[name] = metric._replace(label=f"{metric.label} of {label}", group="baselines", baselines=())
    return table


def _of(name: str) -> tuple[str, ...]:
    return tuple(f"{baseline}_{name}" for baseline in LIST_BASELINES)


METRICS: dict[str, Metric] = _table()

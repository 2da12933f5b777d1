from schemas.metrics import METRICS


def test_every_baseline_is_a_metric_and_measures_the_same() -> None:
    for metric in METRICS.values():
        for name in metric.baselines:
            baseline = METRICS[name]
            assert baseline.group == "baselines" and not baseline.baselines
            assert (baseline.higher_is_better, baseline.of_ratings) == (metric.higher_is_better, metric.of_ratings)
    assert METRICS["recency_popularity_liked_mrr"].label == "MRR, liked items of recent popularity"
    assert METRICS["bias_rmse"].label == "RMSE of biases"

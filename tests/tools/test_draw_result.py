import re

from tools.draw_result import WORDS, Measured, draw, read


def _record(metric: str, value: float, where: str = "") -> dict[str, object]:
    return {"metric": metric, "slice": where, "value": value, "lower": value - 0.1, "upper": value + 0.1}


def test_read_takes_the_values_over_all_ratings_and_each_metrics_own_baseline() -> None:
    records = [_record("rmse", 0.9), _record("rmse", 0.1, "user_activity=1-9"), _record("bias_rmse", 0.95)]
    for number, metric in enumerate(["ndcg_at_10", "recall_at_100", "liked_recall_at_100"], start=2):
        records += [_record(metric, number / 10), _record(f"popularity_{metric}", number / 20)]

    measured = read({"evaluation": {"metrics": records}})

    assert [(one.metric, one.value, one.baseline) for one in measured] == [
        ("ndcg_at_10", 0.2, 0.1),
        ("recall_at_100", 0.3, 0.15),
        ("liked_recall_at_100", 0.4, 0.2),
        ("rmse", 0.9, 0.95),
    ]


def test_bars_are_as_long_as_the_values_on_the_scale_of_the_longest() -> None:
    picture = draw("shop & co", [Measured("ndcg_at_10", 0.3, 0.2, 0.4, baseline=0.1)], WORDS["en"])

    # 420 pixels for 0.4, the upper bound of the interval.
    assert re.findall(r'width="([\d.]+)" height="20"', picture) == ["315.0", "105.0"]
    assert "shop &amp; co: " in picture and "most popular" in picture


def test_both_languages_have_all_words() -> None:
    assert WORDS["en"].keys() == WORDS["es"].keys()

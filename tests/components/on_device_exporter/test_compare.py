import numpy as np
import pytest

from components.on_device_exporter.compare import compare, compare_ids, merge

LOGITS = np.array([[4.0, 3.0, 2.0, 2.0, -1.0]])
NOTHING = np.array([[0]])


def _compare(items: list[int], scores: list[float], excluded: np.ndarray = NOTHING) -> tuple[float, float]:
    return tuple(compare(np.array([items]), np.array([scores]), LOGITS, excluded))  # type: ignore[return-value]


def test_the_same_list_is_no_difference() -> None:
    assert _compare([1, 2, 3], [4, 3, 2]) == (0.0, 1.0)
    assert _compare([2, 3, 4], [3, 2, 2], np.array([[1, 0]])) == (0.0, 1.0)


def test_of_ties_either_may_be_last() -> None:
    assert _compare([1, 2, 4], [4, 3, 2]) == (0.0, 1.0)


def test_another_item_than_the_best_does_not_agree() -> None:
    # Item 5 has -1 where 2 is the third best: 3 of the largest score, 4, is the difference.
    assert _compare([1, 2, 5], [4, 3, -1]) == pytest.approx((0.75, 2 / 3))


def test_a_wrong_order_and_a_wrong_score_are_differences() -> None:
    assert _compare([2, 1, 3], [3, 4, 2]) == pytest.approx((0.25, 1.0))
    assert _compare([1, 2, 3], [4, 3.2, 2]) == pytest.approx((0.05, 1.0))
    assert np.isnan(_compare([1, 2, 3], [4, float("nan"), 2])[0])


def test_padding_is_zero() -> None:
    excluded = np.array([[1, 2, 3]])
    assert _compare([4, 5, 0, 0], [2, -1, 0, 0], excluded) == (0.0, 1.0)
    assert _compare([0], [0], np.array([[1, 2, 3, 4, 5]])) == (0.0, 1.0)


@pytest.mark.parametrize("items", [[4, 1, 0], [4, 4, 0], [4, 0, 0], [4, 5, 3], [4, 5, -1], [4, 5, 6], [4, 0, 5]])
def test_lists_with_wrong_items_are_refused(items: list[int]) -> None:
    with pytest.raises(RuntimeError, match="1 of 1 answers hold excluded items"):
        _compare(items, [0.0, 0.0, 0.0], np.array([[1, 2, 3]]))


def test_merged_by_the_number_of_windows() -> None:
    one, other = (
        compare(np.array([[item]]), np.array([[score]]), LOGITS, NOTHING) for item, score in ((1, 4), (5, -1))
    )
    assert merge([(one, 3), (other, 1)]) == (1.25, 0.75)
    assert merge([]) == (0.0, 1.0)


def test_shortcomings_name_both_and_nan_is_one() -> None:
    assert compare(np.array([[1]]), np.array([[4.0]]), LOGITS, NOTHING).shortcomings() == []
    scores, items = compare(np.array([[5]]), np.array([[-1.0]]), LOGITS, NOTHING).shortcomings()
    assert "got a share of 1.25" in scores and "a share of 0.0000" in items
    [reason] = compare(np.array([[1]]), np.array([[np.nan]]), LOGITS, NOTHING).shortcomings()
    assert "got a share of nan" in reason


def test_ids_are_the_same_but_for_ties() -> None:
    def call(ids: str, *scores: float) -> dict[str, np.ndarray]:
        return {"item_id": np.array(ids.encode().split()), "score": np.array(scores)}

    expected = [call("a b c", 4, 2, 2), call("a b c", 4, 2, 1)]
    assert compare_ids(expected, expected).shortcomings() == []
    assert compare_ids([call("a c d", 4, 2, 2), expected[1]], expected).shortcomings() == []
    found = compare_ids([expected[0], call("a d c", 4, 2, 1)], expected)
    assert found.difference == 0.0 and found.agreement == pytest.approx(5 / 6)
    swapped = compare_ids([call("b a c", 4, 2, 2)], [call("a b c", 4, 2, 2)])
    assert swapped.difference == pytest.approx(0.5), "the scores of two ids were exchanged"


@pytest.mark.parametrize(
    ("ids", "scores"), [("a a c", (4, 4, 2)), ("a b c", (4, np.nan, 2)), ("a b", (4, 3))], ids=["twice", "NaN", "fewer"]
)
def test_broken_answers_by_ids_are_refused(ids: str, scores: tuple[float, ...]) -> None:
    found = {"item_id": np.array([*ids.encode().split(), b""][:3]), "score": np.array([*scores, 0.0][:3])}
    expected = {"item_id": np.array([b"a", b"b", b"c"]), "score": np.array([4.0, 3.0, 2.0])}
    with pytest.raises(RuntimeError, match="answer 0 by ids: expected 3 different ids with finite scores"):
        compare_ids([found], [expected])

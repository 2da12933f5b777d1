import numpy as np
import pytest

from components.tflite_exporter.compare import (
    Comparison,
    Limits,
    Shown,
    compare_ratings,
    compare_shown,
    limits,
    refuse_if_apart,
)

EXPECTED = Shown(np.array([b"a", b"b", b"c", b""]), np.array([10, 4, 2, 0], np.float32))
OWN = {b"a": 10.0, b"b": 4.0, b"c": 2.0, b"d": 1.9995, b"e": 1.0}


def shown(ids: str, *scores: float) -> Shown:
    return Shown(np.array([*ids.encode().split(), b""]), np.array([*scores, 0], np.float32))


def compare(found: Shown, tie: float = 1e-4) -> Comparison:
    return compare_shown([found], [EXPECTED], [OWN], tie)


def test_the_same_answer_is_no_difference() -> None:
    assert compare(EXPECTED) == Comparison(0.0, 1.0, 1)


def test_a_difference_is_a_share_of_the_largest_score() -> None:
    assert compare(shown("a b c", 10, 4.5, 2)).difference == pytest.approx(0.05)


def test_items_agree_that_are_as_good_as_the_last() -> None:
    tied, worse = compare(shown("a b d", 10, 4, 2)), compare(shown("a b e", 10, 4, 2))
    assert tied.agreement == 1.0 and tied.difference == pytest.approx(0.00005, rel=0.01)
    assert worse.agreement == pytest.approx(2 / 3) and worse.difference == pytest.approx(0.1)


def test_a_wrong_order_is_a_difference() -> None:
    swapped = compare(shown("b a c", 10, 4, 2))
    assert swapped.agreement == 1.0 and swapped.difference == pytest.approx(0.6)


@pytest.mark.parametrize("ids", ["a b b", "a b x", "a b"])
def test_other_items_than_the_server_has_are_refused(ids: str) -> None:
    found = Shown(np.array([*ids.encode().split(), b"", b""][:4]), EXPECTED.scores)
    with pytest.raises(RuntimeError, match="expected 3 different items"):
        compare(found)


def test_nothing_left_agrees() -> None:
    nothing = Shown(np.array([b"", b""]), np.zeros(2, np.float32))
    assert compare_shown([nothing], [nothing], [{}], 1e-4) == Comparison(0.0, 1.0, 1)


def test_ratings_by_their_largest_difference() -> None:
    found, expected = np.array([3.0, 4.5, 1.0]), np.array([3.25, 4.0, -1.0])
    assert compare_ratings(found, expected) == Comparison(0.5, 1.0, 3)


@pytest.mark.parametrize("scale", [5_000, 1e-3])
def test_ratings_may_differ_by_float32s_last_digits_whatever_their_scale(scale: float) -> None:
    expected = np.array([0.2, 1.0], np.float32) * np.float32(scale)
    compared = compare_ratings(np.nextafter(expected, np.float32(np.inf)), expected)
    refuse_if_apart("ranking.tflite", compared, limits("ranking", "float32", 1e-4))
    with pytest.raises(RuntimeError, match=r"up to 0\.\d+ of the largest"):
        refuse_if_apart("x", compare_ratings(expected * 1.001, expected), limits("ranking", "float32", 1e-4))


@pytest.mark.parametrize(
    ("difference", "agreement", "reason"),
    [
        (0.02, 1.0, r"up to 0\.02 .*expected at most 0\.01"),
        (float("nan"), 1.0, "up to nan"),
        (0.0, 0.5, r"0\.5000 .*0\.9"),
    ],
)
def test_limits_are_held(difference: float, agreement: float, reason: str) -> None:
    refuse_if_apart("x.tflite", Comparison(0.01, 0.9, 3), Limits(0.01, 0.9))
    with pytest.raises(RuntimeError, match=reason):
        refuse_if_apart("x.tflite", Comparison(difference, agreement, 3), Limits(0.01, 0.9))


def test_float32_is_held_to_the_settings_and_fewer_bits_to_less() -> None:
    for name in ("ranking", "retrieval"):
        exact, half, eighth = (limits(name, variant, 1e-4) for variant in ("float32", "float16", "dynamic_range"))
        assert exact == Limits(1e-4, 1.0)
        assert exact.difference < half.difference < eighth.difference
        assert name == "ranking" or exact.agreement > half.agreement > eighth.agreement

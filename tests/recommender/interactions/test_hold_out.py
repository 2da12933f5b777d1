import numpy as np
import pytest

from recommender.interactions.hold_out import hold_out
from recommender.interactions.interactions import Interactions
from schemas.errors import DataError
from small_interactions import interactions

NUM_USERS, NUM_ITEMS = 30, 40


def of(*rows: tuple[int, int, int]) -> Interactions:
    """Rows of user, item and time."""
    user, item, timestamp = zip(*rows, strict=True)
    return interactions(user, item, 3.0, timestamp)


def pairs(events: Interactions) -> set[tuple[int, int]]:
    return set(zip(events.user.tolist(), events.item.tolist(), strict=True))


@pytest.fixture
def events() -> Interactions:
    rng = np.random.default_rng(0)
    rows = [(user, int(item)) for user in range(NUM_USERS) for item in rng.choice(NUM_ITEMS, 12, replace=False)]
    return of(*((*pair, time) for time, pair in enumerate(rows)))


def test_a_random_cut_divides_the_pairs(events: Interactions) -> None:
    cut = hold_out(events, 0.2, "random", seed=3)
    fitted, held_out = pairs(cut.fitted), pairs(cut.held_out)
    assert fitted | held_out == pairs(events) and not fitted & held_out
    assert 0.13 < len(held_out) / len(pairs(events)) < 0.27
    assert cut.interactions is events


def test_all_events_of_a_pair_are_on_one_side_and_count_once_if_held_out() -> None:
    events = of(*((user, item, time) for time in range(3) for user in range(20) for item in range(5)))
    cut = hold_out(events, 0.3, "random", seed=0)
    assert not pairs(cut.fitted) & pairs(cut.held_out)
    assert len(cut.held_out) == len(pairs(cut.held_out)) and set(cut.held_out.timestamp.tolist()) == {0}
    assert len(cut.not_fitted) == 3 * len(cut.held_out) and len(cut.fitted) + len(cut.not_fitted) == len(events)


def test_a_random_cut_depends_on_the_seed_alone(events: Interactions) -> None:
    shuffled = np.random.default_rng(1).permutation(len(events))
    again = interactions(events.user[shuffled], events.item[shuffled], 3.0, events.timestamp[shuffled])
    held_out = pairs(hold_out(events, 0.2, "random", 1).held_out)
    assert held_out == pairs(hold_out(again, 0.2, "random", 1).held_out)
    assert held_out != pairs(hold_out(events, 0.2, "random", 2).held_out)


def test_a_cut_by_time_holds_out_the_latest(events: Interactions) -> None:
    times = np.random.default_rng(1).permutation(len(events))
    cut = hold_out(interactions(events.user, events.item, 3.0, times), 0.25, "time", seed=3)
    assert len(cut.held_out) == 90 and len(cut.fitted) == 270
    assert cut.fitted.timestamp.max() < cut.held_out.timestamp.min()


def test_a_cut_by_time_leaves_out_later_repeats_of_what_was_fitted() -> None:
    cut = hold_out(of((0, 1, 1), (0, 2, 2), (1, 1, 3), (0, 1, 4), (1, 2, 5)), 0.4, "time", seed=3)
    assert pairs(cut.fitted) == {(0, 1), (0, 2), (1, 1)} and len(cut.fitted) == 3
    assert pairs(cut.held_out) == {(1, 2)}


def test_a_cut_by_time_holds_out_some_pair_if_all_late_events_are_repeats() -> None:
    events = of(*((user, item, 10 * time + user) for time in range(3) for user in range(4) for item in range(3)))
    cut = hold_out(events, 0.2, "time", seed=3)
    fitted, held_out = pairs(cut.fitted), pairs(cut.held_out)
    assert held_out and not fitted & held_out and fitted | held_out == pairs(events)


def test_the_last_event_of_each_user_is_held_out_unless_it_repeats_a_pair_or_is_the_only_one() -> None:
    events = of((0, 5, 10), (0, 6, 20), (0, 7, 15), (1, 5, 30), (2, 5, 40), (2, 6, 50), (2, 5, 60))
    cut = hold_out(events, 0.1, "last", seed=0)
    assert pairs(cut.held_out) == {(0, 6)} and len(cut.fitted) == len(events) - 1


def test_events_without_a_time_are_never_the_late_ones() -> None:
    events = interactions([0, 0, 0, 1, 1], [1, 2, 3, 1, 2], 3.0, [10, np.nan, 20, 30, np.nan])
    cut = hold_out(events, 0.8, "time", seed=3)
    assert pairs(cut.fitted) == {(0, 2), (1, 2)} and pairs(cut.held_out) == {(0, 1), (0, 3), (1, 1)}


def test_a_cut_by_time_needs_times() -> None:
    with pytest.raises(DataError, match=r"none of the 2 events has one; set split.method to \"random\""):
        hold_out(interactions([0, 0], [1, 2], 3.0, None), 0.5, "time", seed=3)


@pytest.mark.parametrize("method", ["random", "time"])
@pytest.mark.parametrize("share", [0.1, 0.99])
def test_of_two_events_one_is_held_out(method: str, share: float) -> None:
    cut = hold_out(of((0, 1, 1), (0, 2, 2)), share, method, seed=3)
    assert len(cut.fitted) == len(cut.held_out) == 1


def test_refuses_too_few_events() -> None:
    nothing = of((0, 1, 1)).take(np.array([False]))
    for method in ("random", "time", "last"):
        with pytest.raises(DataError, match="2 training events of 1 pairs of user and item are too few"):
            hold_out(of((0, 1, 1), (0, 1, 2)), 0.1, method, seed=3)
        with pytest.raises(DataError, match="0 training events of 0 pairs"):
            hold_out(nothing, 0.5, method, seed=0)

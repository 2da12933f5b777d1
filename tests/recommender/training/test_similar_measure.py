import numpy as np
import pytest

from recommender.interactions.hold_out import HoldOut
from recommender.interactions.interactions import Interactions
from recommender.training.similar_measure import AcrossSittings
from small_interactions import interactions

HOUR = 3_600


def held_out(events: Interactions, *items: int) -> HoldOut:
    return HoldOut(events, np.isin(events.item, items).astype(np.int8))


def test_pairs_are_of_one_user_in_different_sittings() -> None:
    """User 0 has items 0 and 1 in one sitting, 2 in another, user 1 items 3 and 4 in one; 1, 2 and 4 are held out."""
    user, item, timestamp = [0, 0, 0, 1, 1], [0, 1, 2, 3, 4], [0, 60, 2 * HOUR, 0, 60]
    measure = AcrossSittings(held_out(interactions(user, item, None, timestamp), 1, 2, 4), seed=1)
    pairs = set(zip(measure.users.tolist(), measure.asked.tolist(), measure.found.tolist(), strict=True))
    assert pairs == {(0, 0, 2)} and set(measure.agreement) == {0.0}


def test_without_pairs_across_sittings_any_of_a_user_will_do() -> None:
    measure = AcrossSittings(held_out(interactions([0, 0, 1], [0, 1, 2], None, [0, 60, 5]), 1, 2), seed=1)
    assert set(zip(measure.asked.tolist(), measure.found.tolist(), strict=True)) == {(0, 1)}


def test_the_rank_is_among_random_held_out_events() -> None:
    """Item 0 is asked for; the other held-out events are of the other of items 1 and 2, and 3 is never held out."""
    events = interactions([0, 0, 1, 1, 2, 2], [0, 1, 0, 2, 0, 2], None, None, num_items=4)
    measure = AcrossSittings(held_out(events, 1, 2), seed=1)
    turns = np.radians([0, 30, 60, 1])
    vectors = np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)
    values = measure(vectors)
    assert values[measure.found == 1] == pytest.approx(1.0)
    others = int(np.sum(measure._others == 1))
    assert values[measure.found == 2] == pytest.approx(1 / np.log2(2 + others))
    ties = measure(np.ones((4, 1)))
    assert ties[measure.found == 2] == pytest.approx(1 / np.log2(2 + others / 2))


def test_pairs_that_a_user_likes_as_much_count_more() -> None:
    """Both users like item 0; user 0 likes item 1 and user 1 does not like item 2."""
    user, item, rating = [0, 0, 0, 1, 1, 1], [0, 1, 3, 0, 2, 3], [5, 5, 2, 5, 1, 3]
    measure = AcrossSittings(held_out(interactions(user, item, rating, None), 1, 2), seed=1)
    is_liked, by_both = measure.found == 1, measure.asked == 0
    assert (measure.agreement[by_both & is_liked] > 0).all() and (measure.agreement[by_both & ~is_liked] < 0).all()
    measure._others = np.array([3])  # as similar as the items of the pairs: the rank is 1.5
    values = measure(np.ones((4, 1)))
    assert values[by_both] == pytest.approx((1 + measure.agreement[by_both]) / np.log2(2.5))


def test_without_pairs_there_is_nothing_to_measure() -> None:
    measure = AcrossSittings(held_out(interactions([0, 1], [0, 1], None, [0, 1]), 1), seed=1)
    assert measure(np.eye(2)).tolist() == []

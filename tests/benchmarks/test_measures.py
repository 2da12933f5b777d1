import math
from collections.abc import Callable

import numpy as np
import pytest

from benchmarks import measures
from benchmarks.events import Events

NAN = float("nan")


def _events(*pairs: tuple[int, int]) -> Events:
    user, item = (np.array(column, np.int32) for column in zip(*pairs, strict=True))
    return Events(user, item, np.ones(len(pairs), np.float32), np.arange(len(pairs)))


def _table(rows: list[list[float]]) -> Callable[[np.ndarray], np.ndarray]:
    scores = np.array(rows, np.float32)
    return lambda users: scores[users]


def test_hand_worked_ranks():
    scores = _table([[5, 4, 3, 2], [1, 1, 9, NAN]])
    train, test = _events((0, 0), (1, 2)), _events((0, 2), (0, 1), (1, 0), (1, 3))
    ranks = measures.rank(scores, train, test, 4)
    # User 0: item 2 is third, second without the training item 0; item 1 one place higher.
    # User 1: item 0 shares its score with item 1, below 9 (a training item) and what is not a number, which is last.
    assert ranks.rank.tolist() == [2, 1, 2.5, 3]
    assert ranks.num_unseen.tolist() == [3, 3, 3, 3]
    assert ranks.user.tolist() == [0, 0, 1, 1]


def test_hand_worked_measures():
    # User 7 has ranks 1 and 3, user 9 rank 12.
    user, ranks = np.array([7, 9, 7]), np.array([1, 12, 3])
    assert measures.share_within(user, ranks, 3).value == pytest.approx(2 / 3)
    assert measures.share_within(user, ranks, 2).value == pytest.approx(1 / 3)
    assert measures.recall(user, ranks, 2).value == pytest.approx((1 / 2 + 0) / 2)
    assert measures.recall(user, ranks, 2).sums.tolist() == [1 / 2, 0]
    assert measures.mrr(user, ranks).value == pytest.approx((1 + 1 / 12) / 2)
    ideal = 1 + 1 / math.log2(3)
    assert measures.ndcg(user, ranks, 10).value == pytest.approx((1 + 1 / 2) / ideal / 2)
    assert measures.ndcg(user, ranks, 12).value == pytest.approx(((1 + 1 / 2) / ideal + 1 / math.log2(13)) / 2)


def test_more_events_than_places_have_the_full_list_as_ideal():
    assert measures.ndcg(np.zeros(3, int), np.array([1, 2, 3]), 2).value == pytest.approx(1.0)


def test_coverage_counts_what_any_tested_user_is_shown_of_what_he_has_not_seen():
    # 24 items; user 0 is shown items 1 to 10, since item 0 is his; user 1 the last ten; user 2 is not tested.
    scores = _table([[*range(24, 0, -1)], [*range(24)], [1.0] * 24])
    ranks = measures.rank(scores, _events((0, 0), (2, 12)), _events((0, 5), (1, 5)), 24)
    assert ranks.coverage == pytest.approx(20 / 24)


def test_a_score_that_is_not_a_number_is_not_shown():
    scores = _table([[NAN] + [1.0] * 10])
    assert measures.rank(scores, _events((1, 0)), _events((0, 5)), 11).coverage == pytest.approx(10 / 11)


def test_scores_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"expected the shape \(1, 4\)"):
        measures.rank(_table([[1, 2, 3]]), _events((0, 0)), _events((0, 1)), 4)


def test_all_agree_with_an_oracle_that_sorts_every_list():
    random = np.random.RandomState(3)
    num_users, num_items = 300, 40  # more users than a block has
    scores = random.permutation(num_users * num_items).reshape(num_users, num_items).astype(np.float32)
    pairs = [
        (int(pair) // num_items, int(pair) % num_items) for pair in random.permutation(num_users * num_items)[:3000]
    ]
    train, test = _events(*pairs[:2000]), _events(*pairs[2000:])
    ranks = measures.rank(lambda users: scores[users], train, test, num_items)
    values = {name: measure.value for name, measure in measures.retrieval(ranks).items()}

    found, recalls, gains, reciprocals, shown = 0, [], [], [], set()
    for user in sorted({user for user, _ in pairs[2000:]}):
        seen = {item for other, item in pairs[:2000] if other == user}
        wanted = {item for other, item in pairs[2000:] if other == user}
        listed = [item for item in sorted(range(num_items), key=lambda i: -scores[user, i]) if item not in seen]
        places = [place for place, item in enumerate(listed, 1) if item in wanted]
        found += sum(place <= 10 for place in places)
        recalls.append(sum(place <= 10 for place in places) / len(wanted))
        ideal = sum(1 / math.log2(1 + place) for place in range(1, min(10, len(wanted)) + 1))
        gains.append(sum(1 / math.log2(1 + place) for place in places if place <= 10) / ideal)
        reciprocals.append(1 / places[0])
        shown |= set(listed[:10])
    assert values["b@10"] == pytest.approx(found / 1000)
    assert values["R@10"] == pytest.approx(np.mean(recalls))
    assert values["NDCG@10"] == pytest.approx(np.mean(gains))
    assert values["MRR"] == pytest.approx(np.mean(reciprocals))
    assert ranks.coverage == pytest.approx(len(shown) / num_items)


def test_new_items_are_compared_with_a_random_order():
    # Two events among 200 and 150 candidates, at ranks 20 and 150.
    ranks = measures.Ranks(np.array([0, 1]), np.array([20, 150]), np.array([200, 150]), 0.0)
    values = measures.new_items(ranks)
    assert values["item b@100"] == 0.5
    assert values["b@100 x random"] == pytest.approx(0.5 / ((100 / 200 + 100 / 150) / 2))
    assert values["item 1/rank"] == pytest.approx((1 / 20 + 1 / 150) / 2)
    expected = (sum(1 / n for n in range(1, 201)) / 200 + sum(1 / n for n in range(1, 151)) / 150) / 2
    assert values["1/rank x random"] == pytest.approx((1 / 20 + 1 / 150) / 2 / expected)
    assert values["item percentile"] == pytest.approx((19 / 199 + 1) / 2)
    assert values["percentile x random"] == pytest.approx(19 / 199 + 1)


def test_ratings_are_clipped_to_the_scale():
    users = np.array([3, 3, 4])
    values = measures.rating(users, np.array([7.0, 0.0, 3.0]), np.array([5.0, 2.0, 5.0]), (1.0, 5.0))
    assert values["RMSE"].value == pytest.approx(math.sqrt((0 + 1 + 4) / 3))
    assert values["RMSE"].sums.tolist() == [1.0, 4.0]
    assert values["MAE"].value == pytest.approx(1.0)

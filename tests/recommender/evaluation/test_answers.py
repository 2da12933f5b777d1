from typing import Any

import numpy as np
import pytest

from recommender.evaluation import answers
from recommender.evaluation.answers import Answers, Client, join
from recommender.evaluation.held_out import HeldOut
from small_interactions import interactions

CATALOGUE = [b"gin", b"tea", b"rum"]
KNOWN = [b"ann", b"bob"]
USERS = np.array([*KNOWN, b""], object)


class Model:
    """Recommends everything in the catalogue's order, retrieves it backwards, and rates by the length of the ids."""

    def recommend(self, user_id, k):
        rows = [[*CATALOGUE, *[b""] * (k - 3)]] * len(user_id)
        return {"item_id": np.array(rows, object), "is_known": np.array([user in KNOWN for user in user_id])}

    def retrieve(self, user_id, k):
        found = self.recommend(user_id, k)
        return found | {"item_id": np.concatenate([found["item_id"][:, 2::-1], found["item_id"][:, 3:]], axis=1)}

    def rate(self, user_id, item_id):
        lengths = [10 * len(user) + len(item) for user, item in zip(user_id, item_id, strict=True)]
        return {"rating": np.array(lengths, np.float32)}


class ModelWithTimes(Model):
    def rate(self, user_id, item_id, timestamp=None):
        rating = super().rate(user_id, item_id)["rating"]
        return {"rating": rating if timestamp is None else rating + timestamp}


class Lists:
    recommend, retrieve = Model.recommend, Model.retrieve


def _ask(model: Any, held_out: HeldOut) -> Answers:
    return Client(model, CATALOGUE).ask(held_out, USERS[held_out.users], lambda done: None)


@pytest.fixture
def held_out() -> HeldOut:
    """Ann has an unrated and a rated event, Bob one with an unknown item, and an unknown user one without a time."""
    times = np.array([1, 2, 3, np.nan])
    return HeldOut.of(interactions([0, 0, 1, 2], [0, 1, 3, 2], [np.nan, 4, 5, 3], times, num_items=3), 0, 9)


def test_lists_are_padded_and_unknown_ids_stay_unknown(held_out: HeldOut, monkeypatch) -> None:
    monkeypatch.setattr(answers, "_USERS_AT_ONCE", 2)
    reports: list[int] = []
    found = Client(Model(), CATALOGUE).ask(held_out, USERS, reports.append)
    assert found.recommended.shape == found.retrieved.shape == (3, 100)
    assert found.recommended[:, :5].tolist() == [[0, 1, 2, 3, 3]] * 3
    assert found.retrieved[:, :4].tolist() == [[2, 1, 0, 3]] * 3
    assert found.is_known.tolist() == [True, True, False]
    assert reports == [2, 3]


def test_rated_events_are_predicted_without_and_with_their_times(held_out: HeldOut) -> None:
    assert _ask(Model(), held_out).rating_at_time is None
    found = _ask(ModelWithTimes(), held_out)
    # An unknown user and an unknown item have an empty id.
    assert found.rating.tolist() == pytest.approx([np.nan, 33, 30, 3], nan_ok=True)
    assert found.rating_at_time.tolist() == pytest.approx([np.nan, 35, 33, np.nan], nan_ok=True)


def test_a_model_without_ratings_has_none(held_out: HeldOut) -> None:
    found = _ask(Lists(), held_out)
    assert found.rating is None and found.rating_at_time is None


@pytest.mark.parametrize("model", [Model(), ModelWithTimes(), Lists()])
@pytest.mark.parametrize("ends", [[1, 3], [1, 2, 3]])
def test_the_answers_for_parts_are_those_for_the_whole(model: Any, ends: list[int], held_out: HeldOut) -> None:
    parts = [held_out.part(begin, end) for begin, end in zip([0, *ends], ends, strict=False)]
    joined = join([_ask(model, part) for part in parts])
    for found, expected in zip(joined, _ask(model, held_out), strict=True):
        assert (found is None) == (expected is None)
        if expected is not None:
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)

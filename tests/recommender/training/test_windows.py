"""Windows of hand-made events, where each wrong rule gives another window."""

import numpy as np
import pytest

from recommender.interactions.hold_out import hold_out
from recommender.interactions.interactions import Interactions
from recommender.interactions.items import describe
from recommender.training.windows import Timelines
from schemas.errors import DataError
from schemas.settings.on_device import FeatureInput
from small_interactions import interactions

DAY = 86_400
# Of a size as real ones are: positions by user and time must not run over.
START = 880_000_000


def make_events(*rows: tuple[int, int, float, float]) -> Interactions:
    """Rows of user, item, rating and days since the start."""
    user, item, rating, days = (np.array(column) for column in zip(*rows, strict=True))
    return interactions(user, item, rating, START + days * DAY)


ITEMS = describe(
    ["a", "b", "c", "d"],
    ["The Red Fox (1990)", "Red", "Fox and Hen (1991)", "(1992)"],
    [["crime", "war"], ["war"], [], ["crime", "love", "war"]],
    np.array([4, 3, 2, 1]),
)
# User 900 stands between others; 2 and 3 of user 7 are of the same second.
TRAIN = make_events(
    *((900, 2, 3.0, 5), (7, 1, 5.0, 0), (7, 2, 4.0, 2), (7, 3, 2.0, 2), (7, 4, 1.0, 3.5), (8, 3, 3.0, 1)),
)


def cut(events: Interactions, train: Interactions = TRAIN, **lengths: int) -> dict[tuple[int, int], dict[str, list]]:
    """Contexts by (user, label)."""
    features = {name: FeatureInput(length=length) for name, length in lengths.items()}
    made = Timelines(train, ITEMS).windows(events, features)
    return {
        (int(events.user[event]), int(label)): {name: values[row].tolist() for name, values in made.context.items()}
        for row, (event, label) in enumerate(zip(made.event, made.label, strict=True))
    }


def test_the_context_is_what_the_user_did_earlier_and_nothing_else() -> None:
    found = cut(TRAIN, item=2)
    assert set(found) == {(7, 2), (7, 3), (7, 4)}, "no window without a context"
    # Neither the other event of the same second nor the label itself.
    assert found[7, 2]["item"] == found[7, 3]["item"] == [1, 0]
    assert sorted(found[7, 4]["item"]) == [2, 3], "the latest two"


def test_contexts_before_sittings_end_where_the_sitting_begins() -> None:
    hour = 1 / 24
    train = make_events(
        *((7, 1, 1, 0), (7, 2, 1, 0.1 * hour), (7, 3, 1, 2), (7, 4, 1, 2 + 0.1 * hour), (7, 2, 1, 2 + 0.2 * hour)),
        *((8, 3, 1, 2), (8, 1, 1, 2 + 0.1 * hour)),
    )
    made = Timelines(train, ITEMS).windows_before_sittings({"item": FeatureInput(length=3)})
    assert made.event.tolist() == [3, 4] and made.label.tolist() == [4, 2]
    assert made.context["item"].tolist() == [[1, 2, 0], [1, 2, 0]] and made.context_length.tolist() == [2, 2]


def test_contexts_of_evaluation_windows_hold_training_events_before_them() -> None:
    late = make_events((7, 3, 1.0, 2.0), (7, 1, 1.0, 2.1), (7, 2, 1.0, 99), (7, 0, 2.0, -3), (901, 1, 1.0, 9))
    found = cut(late, item=4)
    assert set(found) == {(7, 3), (7, 1), (7, 2)}
    assert found[7, 3]["item"] == [1, 0, 0, 0]
    assert found[7, 1]["item"][0] == 1 and sorted(found[7, 1]["item"][1:]) == [0, 2, 3]
    # All training events, and no other evaluation event.
    assert sorted(found[7, 2]["item"][:3]) == [1, 2, 3] and found[7, 2]["item"][3] == 4


def test_no_event_at_or_after_a_label_is_in_any_context() -> None:
    rng = np.random.default_rng(3)
    size = 400
    # An item an event, so that an item identifies its event.
    users, days = rng.integers(0, 5, size), START + rng.integers(0, 60, size) * 1_000_000
    events = interactions(users, np.arange(1, size + 1), 1.0, days)
    names = [f"i{number}" for number in range(size)]
    items = describe(names, names, [[] for _ in names], np.ones(size, np.int64))
    divided = hold_out(events, 0.3, "random", seed=1)
    fitted, held_out = divided.fitted, divided.held_out
    timelines = Timelines(fitted, items)
    for asked in (fitted, held_out):
        made = timelines.windows(asked, {"item": FeatureInput(length=7)})
        expected = 0
        for row, event in enumerate(made.event):
            earlier = (fitted.user == asked.user[event]) & (fitted.timestamp < asked.timestamp[event])
            context = made.context["item"][row]
            given = context[context > 0]
            assert set(given) <= set(fitted.item[earlier]) and len(given) == min(7, earlier.sum())
            assert made.context_length[row] == earlier.sum() and made.label[row] == asked.item[event]
            times = days[given - 1]
            left = fitted.timestamp[earlier & ~np.isin(fitted.item, given)]
            assert (np.diff(times) >= 0).all() and (not len(left) or left.max() <= times.min())
            expected += 1
        assert expected == sum(
            bool(((fitted.user == user) & (fitted.timestamp < timestamp)).any())
            for user, timestamp in zip(asked.user, asked.timestamp, strict=True)
        )


def test_features_are_those_of_the_latest_events() -> None:
    # Genres by how many items have them, then the alphabet: war 1, crime 2, love 3. Words: fox 1, red 2, and 3, ...
    assert ITEMS.vocabularies["genre"] == ["war", "crime", "love"]
    assert ITEMS.vocabularies["title_word"] == ["fox", "red", "and", "hen", "the"], "years are no words"
    train = make_events((1, 4, 2.0, 0), (1, 3, 4.0, 1), (1, 1, 5.0, 2.5))
    asked = make_events((1, 2, 3.0, 3))
    [context] = cut(asked, train, item=2, genre=4, title_word=4, rating=5, age=5).values()
    assert context["item"] == [3, 1]
    # Flattened: crime love war, none, crime war.
    assert context["genre"] == [3, 1, 2, 1]
    assert context["title_word"] == [3, 4, 5, 2, 1][-4:] or context["title_word"] == [4, 5, 2, 1]
    assert context["rating"] == [2.0, 4.0, 5.0, 0.0, 0.0]
    assert context["age"] == [3.0, 2.0, 0.5, -1.0, -1.0]


def test_items_of_no_catalogue_are_in_no_context() -> None:
    train = make_events((1, 0, 1.0, 0), (1, 2, 1.0, 1), (2, 0, 1.0, 0))
    found = cut(make_events((1, 4, 1.0, 2), (2, 4, 1.0, 2)), train, item=2)
    assert found == {(1, 4): {"item": [2, 0]}}
    with pytest.raises(DataError, match="no training event is of an item"):
        Timelines(make_events((1, 0, 1.0, 0)), ITEMS)


def test_without_times_the_positions_order_a_users_events() -> None:
    train = interactions([7, 7, 7, 8], [3, 1, 2, 4], None, None)
    assert {key: row["item"] for key, row in cut(train, train, item=2).items()} == {(7, 1): [3, 0], (7, 2): [3, 1]}
    late = Interactions.of(
        user=np.array([7]),
        item=np.array([4]),
        rating=None,
        timestamp=None,
        num_users=9,
        num_items=5,
        position=np.array([2]),
    )
    assert cut(late, train, item=3)[7, 4]["item"] == [3, 1, 0]


def test_an_event_without_a_rating_has_the_mean_one_in_contexts() -> None:
    train = interactions([7] * 4, [1, 2, 3, 4], [5.0, np.nan, 2.0, 1.0], [1, 2, 3, 4])
    assert cut(train, train, rating=3)[7, 4]["rating"] == [5.0, pytest.approx(8 / 3), 2.0]

"""Histories against a search through every event, and against the leaks they must not have."""

import numpy as np
import pytest

from components.example_gen.history import Histories, Interactions


def interactions(num_events: int, seed: int) -> Interactions:
    """Events by user and then time, with repeats of items and of times."""
    random = np.random.default_rng(seed)
    user, timestamp = random.integers(0, 12, num_events), random.integers(0, 40, num_events)
    item = random.integers(0, 15, num_events)
    order = np.lexsort([item, timestamp, user])
    return Interactions(user[order], item[order], timestamp[order])


def search(train: Interactions, example: tuple[int, int, int], length: int, strictly_earlier: bool) -> list[int]:
    user, item, timestamp = example
    found = [
        place
        for place, (who, what, when) in enumerate(zip(*train, strict=True))
        if who == user and what != item and (when < timestamp or not strictly_earlier)
    ]
    return found[-length:]


@pytest.mark.parametrize("strictly_earlier", [True, False])
@pytest.mark.parametrize("length", [1, 5, 100])
def test_histories_are_those_found_by_searching_every_event(length, strictly_earlier):
    train, examples = interactions(300, seed=1), interactions(200, seed=2)
    everyone = Interactions(*(np.append(column, value) for column, value in zip(examples, (99, 99, 99), strict=True)))
    offsets, positions = Histories(train, length, strictly_earlier).of(everyone)
    found = [part.tolist() for part in np.split(positions, offsets[1:-1])]
    assert found == [search(train, example, length, strictly_earlier) for example in zip(*everyone, strict=True)]
    assert found[-1] == []  # a user without training events
    assert any(found)


@pytest.mark.parametrize("strictly_earlier", [True, False])
def test_a_history_never_holds_the_examples_own_item_nor_the_future(strictly_earlier):
    train = interactions(500, seed=3)
    offsets, positions = Histories(train, 20, strictly_earlier).of(train)
    example = np.repeat(np.arange(len(train.user)), np.diff(offsets))
    assert (train.user[positions] == train.user[example]).all()
    assert (train.item[positions] != train.item[example]).all()
    later = train.timestamp[positions] >= train.timestamp[example]
    assert not later.any() if strictly_earlier else later.any()


def test_a_history_by_hand():
    train = Interactions(np.array([0, 0, 0, 0, 1]), np.array([7, 8, 7, 9, 7]), np.array([1, 2, 3, 3, 1]))
    examples = Interactions(np.array([0, 0, 1]), np.array([7, 8, 7]), np.array([3, 3, 9]))
    offsets, positions = Histories(train, 2, strictly_earlier=True).of(examples)
    assert (offsets.tolist(), positions.tolist()) == ([0, 1, 2, 2], [1, 0])
    offsets, positions = Histories(train, 2, strictly_earlier=False).of(examples)
    assert (offsets.tolist(), positions.tolist()) == ([0, 2, 4, 4], [1, 3, 2, 3])


def test_without_training_events_every_history_is_empty():
    nothing = Interactions(*(np.array([], np.int64),) * 3)
    offsets, positions = Histories(nothing, 5, strictly_earlier=True).of(interactions(3, seed=0))
    assert (offsets.tolist(), positions.tolist()) == ([0, 0, 0, 0], [])

"""How vectors are divided into leaves, and how many items must be searched."""

import numpy as np
import pytest

from components.index_exporter import leaves
from components.index_exporter.leaves import Leaves


def test_every_item_is_in_one_leaf_whose_mean_and_spread_are_its_key() -> None:
    vectors = np.random.default_rng(3).normal(size=(500, 3)).astype(np.float32)
    made = leaves.divide(vectors, seed=1)
    assert sorted(made.order) == list(range(500))
    assert made.splits[0] == 0 and made.splits[-1] == 500 and (np.diff(made.splits) > 0).all()
    # 8 times the root of 500, less those that are empty in the end.
    assert 90 < len(made.keys) <= 179
    for begin, end, key in zip(made.splits[:-1], made.splits[1:], made.keys, strict=True):
        held = vectors[made.order[begin:end]]
        assert key[:3] == pytest.approx(held.mean(axis=0), abs=1e-5)
        # Twice the standard deviation in a direction, averaged over directions by its square.
        assert key[3] == pytest.approx(2 * np.sqrt(held.var(axis=0).mean()), abs=1e-5)


def test_clusters_far_apart_share_no_leaf_and_a_large_one_is_split() -> None:
    rng = np.random.default_rng(3)
    corners = np.repeat([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0]], [380, 10, 10], axis=0)
    made = leaves.divide((corners + rng.normal(size=corners.shape)).astype(np.float32), seed=1)
    corner = np.repeat([0, 1, 2], [380, 10, 10])[made.order]
    parts = np.split(corner, made.splits[1:-1])
    assert all(len(set(part)) == 1 for part in parts)
    assert max(map(len, parts)) < 40


@pytest.mark.parametrize("num_items", [1, 2, 5])
def test_few_or_equal_items_can_be_divided_too(num_items: int) -> None:
    made = leaves.divide(np.ones([num_items, 2], np.float32), seed=1)
    assert sorted(made.order) == list(range(num_items)) and made.splits[-1] == num_items
    assert made.keys == pytest.approx(np.tile([1.0, 1.0, 0.0], [len(made.keys), 1]))


def test_the_same_seed_gives_the_same_leaves() -> None:
    vectors = np.random.default_rng(3).normal(size=(200, 3)).astype(np.float32)
    for one, other in zip(leaves.divide(vectors, seed=1), leaves.divide(vectors, seed=1), strict=True):
        assert np.array_equal(one, other)


def test_items_before_are_those_of_leaves_with_a_better_mean_plus_spread() -> None:
    # Three leaves of 2, 3 and 1 items. Of the query (3, 4), of length 5, the merits are 3 + 0, 4 + 0 and 0 + 5.
    keys = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], np.float32)
    made = Leaves(np.arange(6, dtype=np.int32), np.array([0, 2, 5, 6], np.int32), keys)
    before = leaves.items_before(made, np.array([[3.0, 4.0]], np.float32), [np.array([0, 1, 2, 4, 5])])
    assert before.tolist() == [4, 4, 1, 1, 0]

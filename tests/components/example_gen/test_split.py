"""The invariants of the splits."""

import numpy as np
import pyarrow as pa
import pytest

from components.example_gen.split import (
    EVAL,
    LEFT_OUT,
    NO_TIME,
    REPLACED,
    TRAIN,
    drop_repeats,
    eval_rank,
    hash_ids,
    locate,
    sort_events,
    split_by_time,
    split_last,
    split_randomly,
)


def as_table(**columns) -> pa.Table:
    """A table of events; those of one file with weight 1 unless given."""
    size = len(columns["user"])
    return pa.table(
        {"weight": np.ones(size), "file": ["one.csv"] * size, "line": np.arange(2, size + 2), "rating": np.ones(size)}
        | {name: pa.array(values, pa.int64()) if name == "timestamp" else values for name, values in columns.items()}
    )


def table(num_events: int = 5_000, num_users: int = 50, num_items: int = 200) -> pa.Table:
    """Many repeats of the same user and item, and few distinct timestamps."""
    random = np.random.default_rng(0)
    return as_table(
        user=random.integers(0, num_users, num_events).astype(str),
        item=random.integers(0, num_items, num_events).astype(str),
        rating=random.integers(1, 6, num_events).astype(float),
        timestamp=random.integers(0, 300, num_events),
    )


def by_event(events, side):
    """The side of each event by what it says, in no order."""
    ids = zip(events.users[events.user], events.items[events.item], events.rating, events.timestamp, side, strict=True)
    return sorted(ids)


def test_events_are_ordered_by_user_and_time_whatever_the_order_of_rows():
    rows = table()
    shuffled = rows.take(np.random.default_rng(1).permutation(len(rows)))
    events, other = sort_events(rows), sort_events(shuffled)
    for one, two in zip(events, other, strict=True):
        np.testing.assert_array_equal(one, two)
    keys = list(zip(events.users[events.user], events.timestamp, strict=True))
    assert keys == sorted(keys)
    assert [number for user in range(50) for number in range(np.sum(events.user == user))] == events.position.tolist()


def test_events_of_a_second_are_in_no_order_of_ids_and_those_without_a_time_in_that_of_the_files():
    items = [f"{item:02}" for item in range(50)]
    timed = sort_events(as_table(user=["a"] * 50, item=items, timestamp=[7] * 50))
    assert timed.item.tolist() != sorted(timed.item) and sorted(timed.item) == list(range(50))
    files = ["b.csv", "a.csv", "b.csv", "a.csv"]
    mixed = sort_events(
        as_table(
            user=["a"] * 4, item=["0", "1", "2", "3"], timestamp=[None, 5, None, None], file=files, line=[9, 2, 3, 8]
        )
    )
    assert mixed.item.tolist() == [3, 2, 0, 1]
    assert mixed.timestamp.tolist() == [NO_TIME, NO_TIME, NO_TIME, 5]


def test_events_of_the_same_second_are_one_with_the_last_rating_and_the_sum_of_different_weights():
    rows = as_table(
        user=["a"] * 7,
        item=["x", "x", "x", "y", "x", "x", "x"],
        timestamp=[5, 5, 5, 5, 6, None, None],
        weight=[1.0, 3.0, 1.0, 2.0, 1.0, 1.0, 1.0],
        rating=[4.0, 2.0, 3.0, 5.0, 1.0, None, None],
        line=[4, 3, 5, 6, 7, 8, 9],
    )
    events = sort_events(rows)
    found = zip(events.items[events.item], events.timestamp, events.rating, events.weight, strict=True)
    assert sorted(found, key=str) == [
        ("x", NO_TIME, pytest.approx(np.nan, nan_ok=True), 1.0),
        ("x", NO_TIME, pytest.approx(np.nan, nan_ok=True), 1.0),
        ("x", 5, 3.0, 4.0),
        ("x", 6, 1.0, 1.0),
        ("y", 5, 5.0, 2.0),
    ]
    assert events.position.tolist() == [0, 1, 2, 3, 4]


def test_types_of_events_in_the_same_second_add_up_though_their_weights_are_equal():
    rows = as_table(user=["a"] * 3, item=["x"] * 3, timestamp=[5] * 3, event=["view", "cart", "view"])
    assert sort_events(rows).weight.tolist() == [2.0]


@pytest.mark.parametrize(
    ("repeats", "expected"),
    [
        ("last", [REPLACED, TRAIN, REPLACED, EVAL, LEFT_OUT, TRAIN]),
        ("each", [TRAIN, TRAIN, EVAL, LEFT_OUT, LEFT_OUT, TRAIN]),
    ],
)
def test_of_repeats_in_a_part_the_last_or_each_counts_in_evaluation_once(repeats, expected):
    rows = as_table(user=list("aaaaab"), item=list("xxyyxx"), timestamp=[1, 2, 10, 11, 12, 3])
    events = sort_events(rows)
    assert drop_repeats(events, split_by_time(events, 10), repeats).tolist() == expected


def test_events_without_a_time_are_trained_on():
    events = sort_events(as_table(user=list("aa"), item=list("xy"), timestamp=[None, 20]))
    assert split_by_time(events, 20).tolist() == [TRAIN, EVAL]


def test_hashes_are_the_same_in_every_process():
    # By pandas' documented, keyed SipHash; a change of these would move every event to another side.
    assert hash_ids(np.array(["a", "bb"], object)).tolist() == [13950350942979735504, 618927398078992371]


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
@pytest.mark.parametrize(("num_users", "num_items"), [(50, 200), (200, 50)])
def test_a_random_split_keeps_pairs_together_and_has_about_its_share(share, num_users, num_items):
    events = sort_events(table(num_users=num_users, num_items=num_items))
    side = split_randomly(events.identity, share, seed=42)
    sides: dict[tuple[int, int], set[int]] = {}
    for user, item, which in zip(events.user, events.item, side, strict=True):
        sides.setdefault((user, item), set()).add(which)
    assert all(len(which) == 1 for which in sides.values())
    assert set(side) == {TRAIN, EVAL}
    pairs_in_eval = np.mean([which == {EVAL} for which in sides.values()])
    assert pairs_in_eval == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / len(sides)))


def test_a_random_split_depends_on_the_pair_and_the_seed_alone():
    rows = table()
    events = sort_events(rows)
    some = sort_events(rows.filter(pa.array(np.array(rows["user"]) < "3")))
    known = {row[:4]: row[4] for row in by_event(events, split_randomly(events.identity, 0.2, seed=42))}
    assert all(known[row[:4]] == row[4] for row in by_event(some, split_randomly(some.identity, 0.2, seed=42)))
    assert (split_randomly(events.identity, 0.2, 1) != split_randomly(events.identity, 0.2, 2)).mean() > 0.2


@pytest.mark.parametrize(("num_users", "num_items"), [(50, 200), (200, 50)])
def test_a_split_by_time_trains_before_the_cut_and_leaves_repeats_out(num_users, num_items):
    events = sort_events(table(num_users=num_users, num_items=num_items))
    side = split_by_time(events, cut=240)
    assert events.timestamp[side == TRAIN].max() < 240 <= events.timestamp[side == EVAL].min()
    pair = events.user * 1_000 + events.item
    trained = set(pair[side == TRAIN])
    assert not trained & set(pair[side == EVAL])
    assert set(pair[side == LEFT_OUT]) <= trained and np.any(side == LEFT_OUT)
    assert (side == TRAIN).sum() == (events.timestamp < 240).sum()


def test_a_repeat_of_a_training_pair_is_left_out_by_hand():
    rows = as_table(user=list("aaab"), item=list("xxyx"), rating=[1.0, 2.0, 3.0, 4.0], timestamp=[10, 20, 20, 30])
    events = sort_events(rows)
    assert by_event(events, split_by_time(events, 20)) == [
        ("a", "x", 1.0, 10, TRAIN),
        ("a", "x", 2.0, 20, LEFT_OUT),
        ("a", "y", 3.0, 20, EVAL),
        ("b", "x", 4.0, 30, EVAL),
    ]


def test_the_last_event_of_a_user_is_for_evaluation_unless_it_repeats_a_pair_or_is_the_only_one():
    rows = as_table(user=list("aabccc"), item=list("xyxxyx"), rating=np.arange(6.0), timestamp=[10, 20, 30, 1, 2, 3])
    events = sort_events(rows)
    assert by_event(events, split_last(events)) == [
        ("a", "x", 0.0, 10, TRAIN),
        ("a", "y", 1.0, 20, EVAL),
        ("b", "x", 2.0, 30, TRAIN),
        ("c", "x", 3.0, 1, TRAIN),
        ("c", "x", 5.0, 3, TRAIN),
        ("c", "y", 4.0, 2, TRAIN),
    ]


def test_the_cut_is_the_event_at_which_the_evaluation_share_begins():
    assert eval_rank(10, 0.2) == 8
    assert eval_rank(3, 0.01) == 2  # one event at least
    assert locate({30: 2, 10: 3, 20: 1}, 0) == (10, 0)
    assert locate({30: 2, 10: 3, 20: 1}, 3) == (20, 0)
    assert locate({30: 2, 10: 3, 20: 1}, 5) == (30, 1)
    assert locate({}, 0) == (0, 0)

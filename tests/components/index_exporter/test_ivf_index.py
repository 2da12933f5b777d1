"""The index in stock operators, against a brute-force oracle in numpy."""

import numpy as np
import pytest
import tensorflow as tf

from components.index_exporter import ivf_index
from components.index_exporter.content import Catalogue, Content

NUM_USERS, NUM_ITEMS, WIDTH = 40, 2_000, 8
RNG = np.random.default_rng(11)
ITEMS = [b"i%d" % item for item in range(NUM_ITEMS)]
CENTRES = RNG.normal(size=(40, WIDTH))
VECTORS = (CENTRES[RNG.integers(0, 40, NUM_ITEMS)] + 0.4 * RNG.normal(size=(NUM_ITEMS, WIDTH))).astype(np.float32)
QUERIES = (VECTORS[RNG.integers(0, NUM_ITEMS, NUM_USERS + 1)] + 0.1).astype(np.float32)
POPULARITY = RNG.permutation(NUM_ITEMS).astype(np.float32)
SCORES = QUERIES @ VECTORS.T
# User 0 has seen nothing, user 1 the best 300, user 2 everything, and the others some.
SEEN = [
    set(np.argsort(-SCORES[user])[: {0: 0, 1: 300, 2: NUM_ITEMS}.get(user, 7)].tolist()) for user in range(NUM_USERS)
]
# Every second item is a drama, ten are westerns, and no item is of the third genre.
GENRES = {b"drama": range(0, NUM_ITEMS, 2), b"western": range(3, 200, 20), b"none": range(0)}


def _content() -> Content:
    members = [list(items) for items in GENRES.values()]
    catalogue = Catalogue(
        np.array(ITEMS, object),
        np.array([b"Title %d" % item for item in range(NUM_ITEMS)], object),
        np.array(list(GENRES), object),
        np.concatenate(members).astype(int),
        np.cumsum([0, *map(len, members)]),
    )
    return Content(
        catalogue,
        VECTORS,
        np.array([b"u%d" % user for user in range(NUM_USERS)], object),
        QUERIES,
        np.array(sorted(user * NUM_ITEMS + item for user, seen in enumerate(SEEN) for item in seen)),
        np.argsort(-POPULARITY),
        -np.sort(-POPULARITY),
    )


@pytest.fixture(scope="module")
def index() -> ivf_index.Index:
    return ivf_index.Index(_content(), np.arange(0, NUM_USERS, 2), k=10, recall=0.9)


def _rows(columns: dict[str, tf.Tensor]) -> list[list[int]]:
    """Positions of the items shown, after a check that titles, scores and padding agree with them."""
    shown = []
    for ids, titles, scores in zip(*(columns[name].numpy() for name in ("item_id", "title", "score")), strict=True):
        row = [int(item[1:]) for item in ids if item]
        assert ids.tolist() == [ITEMS[item] for item in row] + [b""] * (len(ids) - len(row))
        assert titles.tolist() == [b"Title %d" % item for item in row] + [b""] * (len(ids) - len(row))
        assert (np.diff(scores[: len(row)]) <= 0).all() and not scores[len(row) :].any()
        assert len(set(row)) == len(row)
        shown.append(row)
    return shown


def _retrieve(index: ivf_index.Index, user: str, k: int, **inputs: object) -> list[int]:
    given = {name: tf.constant(value, tf.string) for name, value in inputs.items() if name != "include_seen"}
    seen = {"include_seen": tf.constant(inputs["include_seen"])} if "include_seen" in inputs else {}
    [row] = _rows(index.retrieve(tf.constant([user]), tf.constant(k), **given, **seen))
    return row


def _best(scores: np.ndarray, without: set[int], k: int) -> list[int]:
    return [item for item in np.argsort(-scores).tolist() if item not in without][:k]


def test_a_part_of_the_items_is_enough_for_the_wanted_recall(index: ivf_index.Index) -> None:
    assert 10 <= index.searched_items < NUM_ITEMS / 4
    users = [user for user in range(1, NUM_USERS, 2)]
    columns = index.retrieve(tf.constant([f"u{user}" for user in users]), tf.constant(10))
    assert columns["is_known"].numpy().all()
    hits = 0
    for user, row, scores in zip(users, _rows(columns), columns["score"].numpy(), strict=True):
        assert scores == pytest.approx(SCORES[user][row], abs=1e-4)
        assert not set(row) & SEEN[user] and len(row) == 10
        hits += len(set(row) & set(_best(SCORES[user], SEEN[user], 10)))
    assert hits / (10 * len(users)) >= 0.85


def test_more_is_searched_for_a_higher_recall() -> None:
    low, high = (ivf_index.Index(_content(), np.arange(NUM_USERS), k=10, recall=recall) for recall in (0.5, 1.0))
    assert low.searched_items < high.searched_items
    # The whole recall of the sampled users, who are all.
    for user in range(NUM_USERS):
        assert _retrieve(high, f"u{user}", 10) == _best(SCORES[user], SEEN[user], 10)


def test_a_filter_that_leaves_few_items_is_answered_exactly(index: ivf_index.Index) -> None:
    western, others = set(GENRES[b"western"]), set(range(NUM_ITEMS)) - set(GENRES[b"western"])
    assert _retrieve(index, "u0", 12, genre=["western", ""]) == _best(SCORES[0], others, 12)
    assert _retrieve(index, "u0", 12, genre=["western"], deny=["i3", "i23"]) == _best(SCORES[0], others | {3, 23}, 12)
    assert _retrieve(index, "u0", 3, allow=["i5", "i7", "i9", "i11", "no such item"]) == _best(
        SCORES[0], set(range(NUM_ITEMS)) - {5, 7, 9, 11}, 3
    )
    [found] = _rows(index.search(tf.constant(QUERIES[5:6]), tf.constant(20), genre=tf.constant(["western"])))
    assert found == _best(SCORES[5], others, 20) and set(found) == western


def test_a_filter_that_leaves_many_is_kept_and_the_rows_are_full(index: ivf_index.Index) -> None:
    row = _retrieve(index, "u0", 50, genre=["drama"])
    assert len(row) == 50 and not any(item % 2 for item in row)
    assert len(set(row) & set(_best(SCORES[0], set(range(1, NUM_ITEMS, 2)), 50))) >= 35


def test_no_such_genre_and_all_denied_leave_nothing(index: ivf_index.Index) -> None:
    for inputs in ({"genre": ["none"]}, {"genre": ["no such genre"]}, {"deny": ITEMS}, {"exclude": [ITEMS]}):
        for user in ("u0", "no such user"):
            assert _retrieve(index, user, 5, **inputs) == []


def test_excluded_items_never_come_and_others_fill_the_row(index: ivf_index.Index) -> None:
    best = _retrieve(index, "u0", 10)
    again = _retrieve(
        index, "u0", 10, exclude=[[ITEMS[item] for item in best[:4]] + [b"", b"no such item", ITEMS[best[0]]]]
    )
    assert again[:6] == best[4:] and len(again) == 10 and not set(again) & set(best[:4])
    rows = _rows(
        index.search(
            tf.constant(QUERIES[[0, 0]]), tf.constant(2), exclude=tf.constant([[ITEMS[best[0]]], [ITEMS[best[1]]]])
        )
    )
    assert rows == [[best[1], best[2]], [best[0], best[2]]]


def test_seen_items_come_if_they_are_asked_for_only(index: ivf_index.Index) -> None:
    assert not set(_retrieve(index, "u1", 400)) & SEEN[1]
    assert len(set(_retrieve(index, "u1", 100, include_seen=True)) & SEEN[1]) >= 80
    assert _retrieve(index, "u2", 5) == []
    assert len(_retrieve(index, "u2", 5, include_seen=True)) == 5


def test_unknown_users_get_what_is_popular(index: ivf_index.Index) -> None:
    popular = np.argsort(-POPULARITY).tolist()
    columns = index.retrieve(tf.constant(["no such user", "u0"]), tf.constant(4))
    assert columns["is_known"].numpy().tolist() == [False, True]
    assert _rows(columns)[0] == popular[:4]
    assert columns["score"].numpy()[0].tolist() == POPULARITY[popular[:4]].tolist()
    assert _retrieve(index, "", 4, exclude=[[ITEMS[popular[1]]]]) == [popular[0], *popular[2:5]]
    westerns = [item for item in popular if item in GENRES[b"western"]]
    assert _retrieve(index, "", 4, genre=["western"], exclude=[[ITEMS[westerns[0]]]]) == westerns[1:5]


def test_all_items_come_if_as_many_are_asked_for(index: ivf_index.Index) -> None:
    for user, scores in (("u0", SCORES[0]), ("no such user", POPULARITY)):
        row = _retrieve(index, user, NUM_ITEMS + 3)
        assert sorted(row) == list(range(NUM_ITEMS))
        assert scores[row] == pytest.approx(-np.sort(-scores), abs=1e-4)


@pytest.mark.parametrize("k", [0, -3])
def test_no_items_for_no_places(index: ivf_index.Index, k: int) -> None:
    assert index.retrieve(tf.constant(["u0", "who"]), tf.constant(k))["item_id"].shape == (2, 0)


def test_no_rows_for_no_users(index: ivf_index.Index) -> None:
    columns = index.retrieve(tf.constant([], tf.string), tf.constant(3))
    assert columns["item_id"].shape == columns["title"].shape == columns["score"].shape == (0, 3)
    assert columns["is_known"].shape == (0,)
    assert index.search(tf.zeros([0, WIDTH]), tf.constant(3))["item_id"].shape == (0, 3)


def test_vectors_beyond_measure_give_finite_scores(index: ivf_index.Index) -> None:
    huge = 1e30 * QUERIES[0]
    vectors = np.array([huge, np.full(WIDTH, np.nan), np.full(WIDTH, np.inf), np.zeros(WIDTH)], np.float32)
    columns = index.search(tf.constant(vectors), tf.constant(3))
    rows = _rows(columns)
    assert rows[0] == _best(SCORES[0], set(), 3) and rows[1] == rows[2] == [] and len(rows[3]) == 3
    assert np.isfinite(columns["score"].numpy()).all()


def test_wrong_requests_are_refused_with_the_reason(index: ivf_index.Index) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"`k` must be at most 12000, .* got:"):
        index.retrieve(tf.constant(["u0"]), tf.constant(12_001))
    with pytest.raises(tf.errors.InvalidArgumentError, match="`exclude` must have one row for each row of the batch"):
        index.retrieve(tf.constant(["u0"]), tf.constant(1), exclude=tf.constant([["i0"], ["i1"]]))


def test_a_catalogue_without_genres_and_of_one_item_is_served() -> None:
    ids, nothing = np.array([b"only"], object), np.array([], np.int64)
    content = Content(
        Catalogue(ids, ids, np.array([], object), nothing, np.zeros(1, np.int64)),
        np.ones([1, 2], np.float32),
        np.array([b"u"], object),
        np.ones([2, 2], np.float32),
        nothing,
        np.zeros(1, np.int64),
        np.ones(1, np.float32),
    )
    index = ivf_index.Index(content, np.zeros(1, np.int64), k=10, recall=0.9)
    assert index.retrieve(tf.constant(["u"]), tf.constant(2))["item_id"].numpy().tolist() == [[b"only", b""]]
    filtered = index.retrieve(tf.constant(["u"]), tf.constant(1), genre=tf.constant(["drama"]))
    assert filtered["item_id"].numpy().tolist() == [[b""]]

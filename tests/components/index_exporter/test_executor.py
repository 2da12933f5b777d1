"""The step, with an index of each kind over a small made-up catalogue, against a brute-force oracle in numpy."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

from components.index_exporter import content, executor, gate, scann_index
from schemas import index as indexes
from schemas import layout
from schemas.settings import IndexSettings

needs_scann = pytest.mark.skipif(find_spec("scann") is None, reason="scann has no build for this TensorFlow")
KINDS = ["ivf", pytest.param("scann", marks=needs_scann)]
NUM_USERS, NUM_ITEMS, WIDTH = 6, 300, 4
ITEMS = [b"i%d" % item for item in range(NUM_ITEMS)]
# Of item i, by i % 3.
GENRES = [[b"drama"], [b"crime", b"war"], []]
RNG = np.random.default_rng(5)
VECTORS = RNG.normal(size=(NUM_ITEMS, WIDTH)).astype(np.float32)
QUERIES = RNG.normal(size=(NUM_USERS + 1, WIDTH)).astype(np.float32)
# What who is not known gets.
POPULARITY = RNG.permutation(NUM_ITEMS).astype(np.float32)
# User u has seen the u * 3 items that are best for them; user 5 all of them.
SEEN = [np.argsort(-VECTORS @ QUERIES[u])[: u * 3 if u < 5 else NUM_ITEMS] for u in range(NUM_USERS)]


class Model(tf.Module):
    """Answers exactly."""

    def __init__(self, retrieved_shift: int = 0):
        super().__init__()
        self._users, self._items = (_table([b"u%d" % u for u in range(NUM_USERS)]), _table(ITEMS))
        self._queries, self._vectors, self._ids = tf.Variable(QUERIES), tf.Variable(VECTORS), tf.Variable(ITEMS)
        unseen = np.ones([NUM_USERS + 1, NUM_ITEMS], bool)
        for user, seen in enumerate(SEEN):
            unseen[user, seen] = False
        self._unseen, self._shift, self._popularity = tf.Variable(unseen), retrieved_shift, tf.Variable(POPULARITY)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "user_id")])
    def embed_users(self, user_id: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"embedding": tf.gather(self._queries, self._users.lookup(user_id))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "item_id")])
    def embed_items(self, item_id: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"embedding": tf.gather(self._vectors, self._items.lookup(item_id))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "user_id"), tf.TensorSpec([], tf.int32, "k")])
    def retrieve(self, user_id: tf.Tensor, k: tf.Tensor) -> dict[str, tf.Tensor]:
        users = self._users.lookup(user_id)
        scores = tf.matmul(tf.gather(self._queries, users), self._vectors, transpose_b=True)
        scores = tf.where((users == NUM_USERS)[:, tf.newaxis], self._popularity, scores)
        scores, items = tf.math.top_k(tf.where(tf.gather(self._unseen, users), scores, -np.inf), k)
        ids = tf.gather(self._ids, (items + self._shift) % NUM_ITEMS)
        return {"item_id": tf.where(scores > -np.inf, ids, ""), "score": scores}


def _table(keys: list[bytes]) -> tf.lookup.StaticHashTable:
    values = tf.range(len(keys), dtype=tf.int64)
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(tf.constant(keys), values), len(keys))


def _write(path: Path, rows: list[dict[str, list[bytes]]]) -> None:
    path.parent.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for row in rows:
            features = {
                name: tf.train.Feature(bytes_list=tf.train.BytesList(value=values)) for name, values in row.items()
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    # Not in the order of their ids, and the last has no title.
    order = RNG.permutation(NUM_ITEMS - 1)
    items = [{"item_id": [ITEMS[item]], "title": [b"Title %d" % item], "genres": GENRES[item % 3]} for item in order]
    _write(folder / "Split-candidates" / "data.gz", [*items, {"item_id": [ITEMS[-1]]}])
    pairs = [(user, item) for user, seen in enumerate(SEEN) for item in seen]
    ratings = [{"user_id": [b"u%d" % user], "item_id": [ITEMS[item]]} for user, item in pairs]
    _write(folder / "Split-train" / "data.gz", [*ratings, ratings[0]])
    return folder


def _export(
    tmp_path: Path, examples_folder: Path, kind: str, settings: dict, model: Model | None = None
) -> tuple[Path, dict]:
    source, exported, examples = standard_artifacts.Model(), standard_artifacts.Model(), standard_artifacts.Examples()
    source.uri, exported.uri, examples.uri = str(tmp_path / "in"), str(tmp_path / "out"), str(examples_folder)
    examples.split_names = '["candidates", "train"]'
    tf.saved_model.save(model or Model(), str(tmp_path / "in" / "Format-Serving"))
    executor.Executor().Do(
        {"model": [source], "examples": [examples]},
        {"index": [exported]},
        {"settings": json.dumps({"kind": kind, "min_items": 10, "recall_k": 10, "max_latency_ms": 1e6} | settings)},
    )
    folder = tmp_path / "out"
    return folder, json.loads((folder / layout.index_description(kind)).read_text())


@pytest.fixture(scope="module", params=KINDS)
def exported(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, examples: Path
) -> tuple[Path, dict]:
    """An index that searches everything: IVF to find the whole catalogue for each sampled user."""
    settings = (
        {"scann": {"searched_share": 1.0}} if request.param == "scann" else {"recall_k": NUM_ITEMS, "min_recall": 1.0}
    )
    return _export(tmp_path_factory.mktemp("export"), examples, request.param, settings)


def _folder(exported: tuple[Path, dict]) -> str:
    return str(exported[0] / layout.index_folder(exported[1]["kind"]))


def _scores(user: int) -> np.ndarray:
    return VECTORS @ QUERIES[user] if user < NUM_USERS else POPULARITY


def _expected(user: int, k: int) -> list[int]:
    seen = set(SEEN[user].tolist()) if user < NUM_USERS else set()
    return [item for item in np.argsort(-_scores(user)) if item not in seen][:k]


@pytest.mark.parametrize(
    ("num_items", "share", "tree"),
    [(1, 0.1, (1, 1)), (2, 1.0, (1, 1)), (1_682, 0.1, (41, 4)), (10**6, 0.05, (1000, 50))],
)
def test_leaves_grow_with_the_root_of_the_catalogue(num_items: int, share: float, tree: tuple[int, int]) -> None:
    assert scann_index.plan(num_items, share) == tree


def test_an_index_that_looks_everywhere_finds_what_is_best_and_unseen(exported: tuple[Path, dict]) -> None:
    description = exported[1]
    assert description["exported"] and description["reasons"] == []
    assert description["measures"]["recall"] == 1.0 and description["measures"]["users"] == 3
    approximate = tf.saved_model.load(_folder(exported))
    users = [1, 2, 4, NUM_USERS]
    columns = approximate.retrieve(tf.constant(["u1", "u2", "u4", "no such user"]), tf.constant(7))
    assert columns["is_known"].numpy().tolist() == [True, True, True, False]
    for row, user in enumerate(users):
        expected = _expected(user, 7)
        assert columns["item_id"].numpy()[row].tolist() == [ITEMS[item] for item in expected]
        titles = [b"Title %d" % item if item < NUM_ITEMS - 1 else b"" for item in expected]
        assert columns["title"].numpy()[row].tolist() == titles
        assert columns["score"].numpy()[row] == pytest.approx(_scores(user)[expected], abs=1e-4)
    found = approximate.search(tf.constant(QUERIES[4:5]), tf.constant(3))
    assert found["item_id"].numpy()[0].tolist() == [ITEMS[item] for item in SEEN[4][:3]]


def test_padding_is_empty(exported: tuple[Path, dict]) -> None:
    approximate = tf.saved_model.load(_folder(exported))
    everything = approximate.retrieve(tf.constant(["u5", "u4"]), tf.constant(NUM_ITEMS + 2))
    assert not any(everything["item_id"].numpy()[0]) and not everything["score"].numpy()[0].any()
    ids = everything["item_id"].numpy()[1].tolist()
    assert set(ids[: NUM_ITEMS - 12]) == {ITEMS[item] for item in _expected(4, NUM_ITEMS)}
    assert ids[NUM_ITEMS - 12 :] == [b""] * 14
    for k in (0, -2):
        assert approximate.retrieve(tf.constant(["u1"]), tf.constant(k))["item_id"].shape == (1, 0)
    nobody = approximate.retrieve(tf.constant([], tf.string), tf.constant(3))
    assert nobody["item_id"].shape == nobody["score"].shape == (0, 3)


FRESH_PROCESS = """
import importlib, sys
import tensorflow as tf
for module in sys.argv[2:]:
    importlib.import_module(module)
strangers = ("tensorflow_recommenders", "components", "recommender", *(() if sys.argv[2:] else ("scann",)))
assert not any(name.startswith(strangers) for name in sys.modules)
model = tf.saved_model.load(sys.argv[1])
found = model.retrieve(tf.constant(["u2", "who"]), tf.constant(5))
print(found["item_id"].numpy().tolist(), found["title"].numpy().tolist(), found["score"].numpy().tolist())
"""


def test_a_fresh_process_gives_the_same(exported: tuple[Path, dict]) -> None:
    folder, kind = _folder(exported), exported[1]["kind"]
    command = [sys.executable, "-c", FRESH_PROCESS, folder, *([kind] if kind == "scann" else [])]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    model = tf.saved_model.load(folder)
    here = model.retrieve(tf.constant(["u2", "who"]), tf.constant(5))
    columns = [here[name].numpy().tolist() for name in ("item_id", "title", "score")]
    assert printed.strip() == " ".join(map(str, columns))


def test_it_writes_the_index_and_its_description_and_nothing_else(exported: tuple[Path, dict]) -> None:
    kind = exported[1]["kind"]
    assert [path.name for path in exported[0].iterdir()] == ["assets.extra"]
    assert {path.name for path in (exported[0] / "assets.extra" / "index").iterdir()} == {kind, f"{kind}.json"}


def test_too_few_items_are_refused_with_the_reason(tmp_path: Path, examples: Path) -> None:
    folder, description = _export(tmp_path, examples, "ivf", {"min_items": NUM_ITEMS + 1})
    assert not description["exported"] and description["measures"] == {}
    assert description["reasons"] == [
        "expected at least 301 items (index.min_items), got 300: with so few, exact retrieval is as fast"
    ]
    assert not (folder / layout.index_folder("ivf")).exists()


def test_an_index_that_finds_other_items_is_refused_with_the_reason(tmp_path: Path, examples: Path) -> None:
    folder, description = _export(tmp_path, examples, "ivf", {}, Model(retrieved_shift=1))
    assert not description["exported"] and description["measures"]["recall"] < 0.5
    [reason] = description["reasons"]
    assert reason.startswith("expected recall@10 against exact retrieval of at least ")
    assert f"(index.min_recall), got {description['measures']['recall']:.4f}" in reason
    assert not (folder / layout.index_folder("ivf")).exists()


def test_thresholds_are_met_when_reached_and_a_missing_number_meets_none() -> None:
    settings = IndexSettings(kind="scann", recall_k=20, min_recall=0.8, max_latency_ms=5.0)
    assert gate.shortcomings({"recall": 0.8, "latency_p50_ms": 5.0}, settings) == []
    too_low, too_slow = gate.shortcomings({"recall": 0.7999, "latency_p50_ms": 5.01}, settings)
    assert too_low.startswith("expected recall@20") and "at most 5 ms (index.max_latency_ms), got 5.01 ms" in too_slow
    assert len(gate.shortcomings({"recall": float("nan"), "latency_p50_ms": float("nan")}, settings)) == 2
    assert gate.too_few_items(10, IndexSettings(min_items=10)) == []


def test_content_holds_each_pair_once_in_order(examples: Path) -> None:
    catalogue = content.read_catalogue(str(examples / "Split-candidates"))
    made = content.make_content(Model(), catalogue, str(examples / "Split-train"))
    users, positions = np.divmod(made.seen, NUM_ITEMS)
    pairs = {(made.users[user], catalogue.items[item]) for user, item in zip(users, positions, strict=True)}
    assert pairs == {(b"u%d" % user, ITEMS[item]) for user, seen in enumerate(SEEN) for item in seen}
    assert len(made.seen) == sum(map(len, SEEN)) and (np.diff(made.seen) > 0).all()
    # User 0 has seen nothing, so the training examples do not know them.
    assert made.users.tolist() == [b"u1", b"u2", b"u3", b"u4", b"u5"]
    assert made.queries.tolist() == QUERIES[1:].tolist()
    assert catalogue.genres.tolist() == [b"crime", b"drama", b"war"]
    begins, ends = catalogue.genre_splits[:-1], catalogue.genre_splits[1:]
    members = [set(catalogue.items[catalogue.genre_items[b:e]]) for b, e in zip(begins, ends, strict=True)]
    # The last item, 299, is of no genre.
    crime, drama = set(ITEMS[1::3]), set(ITEMS[0::3])
    assert members == [crime, drama, crime]


def test_an_index_is_evaluated_on_other_users_than_it_is_fitted_to() -> None:
    for num_users in (2, 7, 3_000):
        sampled, others = executor._sample(num_users)
        assert not set(sampled) & set(others) and set(sampled) | set(others) <= set(range(num_users))
        assert len(sampled) == len(others) == min(num_users // 2, executor.SAMPLED_USERS)
    assert [part.tolist() for part in executor._sample(1)] == [[0], [0]]


def test_scann_is_refused_where_it_is_missing(tmp_path: Path, examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match=r'set index\.kind = "ivf"'):
        _export(tmp_path, examples, "scann", {})


def test_what_was_measured_is_said(tmp_path: Path, examples: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="atalaya")
    _export(tmp_path, examples, "ivf", {"recall_k": NUM_ITEMS, "min_recall": 1.0})
    assert f"assets.extra/index/ivf: recall@{NUM_ITEMS} 1.000, p50 " in caplog.text

"""From files of raw examples to a SavedModel, on a small made-up world."""

import contextlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from components.trainer import run
from eager_fits import eager_fits
from recommender.interactions.dataset import Dataset
from recommender.interactions.examples import Vocabularies, read_dataset
from recommender.training.fit_recommender import fit_recommender
from recommender.training.fit_retrieval import fit_retrieval
from recommender.training.vectors import encode_candidates
from schemas.errors import DataError
from schemas.settings import Settings
from schemas.training_record import read
from small_interactions import divided

NUM_USERS, NUM_ITEMS = 12, 16
VOCABULARIES = Vocabularies(
    [b"u%d" % user for user in range(NUM_USERS)],
    [b"i%d" % item for item in range(NUM_ITEMS)],
    [b"even", b"odd"],
    [b"one", b"two", b"three"],
)
SETTINGS = Settings.model_validate(
    {
        "name": "small",
        "data": {"folder": "."},
        "retrieval": {"embedding_dimension": 8, "batch_size": 32, "epochs": 3},
        "ranking": {"bayesian": {"sweeps": 30}},
        "training": {"validation_share": 0.2},
    }
)
Values = list[int] | list[float] | list[bytes]


def write(path: Path, examples: list[dict[str, Values]]) -> None:
    def feature(values: Values) -> tf.train.Feature:
        if all(isinstance(value, bytes) for value in values) and values:
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
        if all(isinstance(value, int) for value in values):
            return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))

    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for example in examples:
            features = {name: feature(values) for name, values in example.items() if values}
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Users like items of their own parity: 5 stars against 2; no user has the last item."""
    folder = tmp_path_factory.mktemp("examples")
    rng = np.random.default_rng(4)
    rated = {user: rng.choice(NUM_ITEMS - 1, 9, replace=False).tolist() for user in range(NUM_USERS)}
    rows = [
        {
            "user_id": [b"u%d" % user],
            "item_id": [b"i%d" % item],
            "rating": [5.0 if (user + item) % 2 == 0 else 2.0],
            "timestamp": [100 * user + place],
            "weight": [1.0 + item % 3],
            "position": [place],
        }
        for user, items in rated.items()
        for place, item in enumerate(items)
    ]
    catalogue = [
        {
            "item_id": [b"i%d" % item],
            "genres": [[b"even", b"odd"][item % 2], b"other"][: 1 + item % 2],
            "title_words": [b"one", b"two", b"three"][: item % 4],
            "title": [b"Title %d (%d)" % (item, 1980 + item)],
        }
        for item in rng.permutation(NUM_ITEMS).tolist()
    ]
    write(folder / "train-0.gz", rows[:50])
    write(folder / "train-1.gz", rows[50:])
    write(folder / "candidates.gz", catalogue)
    bare = [{name: row[name] for name in ("user_id", "item_id", "weight", "position")} for row in rows]
    write(folder / "bare-train.gz", bare)
    return folder


def read_all(files: Path) -> Dataset:
    return read_dataset([str(files / "train-*")], [str(files / "candidates*")], VOCABULARIES)


def test_reads_events(files: Path) -> None:
    events = read_all(files).interactions
    assert len(events) == 9 * NUM_USERS
    assert events.rating.tolist() == np.where((events.user + events.item) % 2 == 0, 5, 2).tolist()
    assert events.timestamp.tolist() == [100 * user + place for user in range(NUM_USERS) for place in range(9)]


def test_reads_the_catalogue_in_the_order_of_the_vocabulary(files: Path) -> None:
    dataset = read_all(files)
    assert dataset.titles.tolist() == [b"Title %d (%d)" % (item, 1980 + item) for item in range(NUM_ITEMS)]
    words = dataset.catalogue.title_words
    assert np.diff(words.row_splits).tolist() == [item % 4 for item in range(NUM_ITEMS)]
    assert words.values.tolist() == [word for item in range(NUM_ITEMS) for word in [0, 1, 2][: item % 4]]
    genres = [genre for item in range(NUM_ITEMS) for genre in [item % 2, 2][: 1 + item % 2]]
    assert dataset.catalogue.genres.values.tolist() == genres
    assert dataset.catalogue.num_release_periods == 12
    assert np.diff(dataset.catalogue.release_periods.row_splits).tolist() == [1] * NUM_ITEMS


def test_refuses_missing_files_and_an_incomplete_catalogue(files: Path) -> None:
    with pytest.raises(DataError, match="no file matches"):
        read_dataset([str(files / "absent*")], [str(files / "candidates*")], VOCABULARIES)
    with pytest.raises(DataError, match="each of the 17 items"):
        more = VOCABULARIES._replace(items=[*VOCABULARIES.items, b"new"])
        read_dataset([str(files / "train-*")], [str(files / "candidates*")], more)


def fit(files: Path, **changes: dict) -> np.ndarray:
    """The vectors of all items."""
    settings = Settings.model_validate(SETTINGS.model_dump() | changes)
    dataset = read_all(files)
    events = divided(dataset.interactions, settings)
    with eager_fits():
        model = fit_retrieval(events, dataset.catalogue, settings)
        return encode_candidates(model, dataset.catalogue.num_items)


@pytest.mark.parametrize("method", ["random", "time"])
def test_the_same_seed_gives_the_same_vectors(files: Path, method: str) -> None:
    # Without the closed forms, which know no seed and might rank as well alone.
    chosen = {"split": {"method": method}, "retrieval": SETTINGS.retrieval.model_dump() | {"linear": False}}
    other = SETTINGS.training.model_dump() | {"seed": 7}
    first, second, third = fit(files, **chosen), fit(files, **chosen), fit(files, **chosen, training=other)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)
    assert np.isfinite(first).all()


def test_without_a_refit_the_held_out_events_are_not_fitted(files: Path) -> None:
    kept = SETTINGS.training.model_dump() | {"refit": False}
    assert not np.array_equal(fit(files, training=kept), fit(files))


def test_refuses_too_few_events(files: Path) -> None:
    dataset = read_all(files)
    one = dataset.interactions.take(np.array([0]))
    with pytest.raises(DataError, match="too few"):
        fit_recommender(dataset._replace(interactions=one), SETTINGS)


EVERY_SWITCH = {
    "retrieval": {
        **{"embedding_dimension": 8, "batch_size": 32, "epochs": 1},
        **{"request_time": ["bucket", "normalized", "hour", "weekday"], "time_buckets": 3},
        **{"full_softmax_items": 0, "uniform_negatives": 4},
    },
    "ranking": {
        "model": "network",
        "network": {
            **{"embedding_dimension": 4, "batch_size": 32, "epochs": 1, "deep_layers": [6]},
            **{"request_time": ["bucket", "hour"], "retrieval_weight": 0.5},
        },
    },
    "training": {"validation_share": 0.2, "refit": False},
}
NO_SWITCH = {
    "retrieval": {
        **{"embedding_dimension": 8, "batch_size": 32, "epochs": 1, "user_id": False},
        **{"genres": False, "title_words": False, "release_year": False, "linear": False},
    },
    "ranking": {"bayesian": {"sweeps": 30}},
}


def run_fn(train: Path, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs the Trainer on the examples that the path, a pattern, matches; the model is in `folder/model`."""
    monkeypatch.setattr(run, "read_vocabularies", lambda folder: VOCABULARIES)
    arguments = SimpleNamespace(
        train_files=[str(train)],
        eval_files=[str(train.parent / "candidates*")],
        transform_graph_path="",
        serving_model_dir=str(folder / "model"),
        model_run_dir=str(folder / "logs"),
        custom_config={"settings": settings.model_dump_json(), "code_version": "c0de"},
    )
    run.run_fn(arguments)


def test_without_ratings_and_times_retrieval_alone_is_exported(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = {"request_time": ["bucket", "hour"]}
    changes = {"retrieval": SETTINGS.retrieval.model_dump() | timed, "ranking": {"network": timed}}
    with eager_fits():
        run_fn(files / "bare-train*", Settings.model_validate(SETTINGS.model_dump() | changes), tmp_path, monkeypatch)
    model = tf.saved_model.load(str(tmp_path / "model"))
    assert not {"rate", "rate_on_device"} & set(model.signatures) and "retrieve_on_device" in model.signatures
    users, events = tf.constant(VOCABULARIES.users), read_all(files).interactions
    found = model.recommend(user_id=users, k=NUM_ITEMS, rating_weight=1e9, n_candidates=1)
    assert "rating" not in found
    np.testing.assert_array_equal(found["score"], model.retrieve(user_id=users, k=NUM_ITEMS)["score"])
    for user, ids in enumerate(found["item_id"].numpy().tolist()):
        assert not {b"i%d" % item for item in events.item[events.user == user].tolist()} & set(ids)
    query = {"user_id": tf.constant(["u1"]), "history_item_id": tf.constant([["i3"]])}
    later = model.embed_users(**query, timestamp=tf.constant([10**9], tf.int64))
    np.testing.assert_array_equal(later["embedding"], model.embed_users(**query)["embedding"])
    data = read(tmp_path / "model").data
    assert (data.events, data.rating_scale, data.first_timestamp) == (9 * NUM_USERS, None, None)


def test_a_process_that_is_not_the_chief_writes_nothing(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = []
    monkeypatch.setattr(run, "is_chief", lambda strategy: False)
    monkeypatch.setattr(run, "fit_recommender", lambda dataset, settings, logs, strategy: fits.append(logs))
    run_fn(files / "train-*", SETTINGS, tmp_path, monkeypatch)
    assert fits == [None] and not list(tmp_path.iterdir())


@pytest.mark.parametrize("changes", [{}, EVERY_SWITCH, NO_SWITCH], ids=["default", "every switch", "no switch"])
def test_run_fn_exports_a_model_that_recommends_what_was_not_rated(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict
) -> None:
    settings = Settings.model_validate(SETTINGS.model_dump() | changes)
    # What every switch adds is fitted as a graph as well; the end-to-end runs do so with the default settings.
    with contextlib.nullcontext() if changes is EVERY_SWITCH else eager_fits():
        run_fn(files / "train-*", settings, tmp_path, monkeypatch)
    model = tf.saved_model.load(str(tmp_path / "model"))
    events = read_all(files).interactions
    result = model.recommend(user_id=tf.constant(VOCABULARIES.users), k=NUM_ITEMS)
    for user, ids in enumerate(result["item_id"].numpy().tolist()):
        unrated = set(range(NUM_ITEMS)) - set(events.item[events.user == user].tolist())
        assert {id_ for id_ in ids if id_} == {b"i%d" % item for item in unrated}
    guest = model.recommend(
        user_id=tf.constant(["", ""]),
        history_item_id=tf.constant([["i2", "i4"], ["", ""]]),
        timestamp=tf.constant([500, 500], tf.int64),
        k=NUM_ITEMS,
    )
    assert len(set(guest["item_id"].numpy()[0].tolist()) - {b""}) == NUM_ITEMS - 2
    assert np.isfinite(guest["score"].numpy()).all()
    popularity = np.sort(np.bincount(events.item))[::-1]
    assert guest["retrieval_score"].numpy()[1].max() == pytest.approx(np.log1p(popularity[0]))
    even = model.retrieve(user_id=tf.constant(["u0"]), genre=tf.constant(["even"]), include_seen=True, k=NUM_ITEMS)
    assert {int(id_[1:]) % 2 for id_ in even["item_id"].numpy()[0].tolist() if id_} == {0}
    alike = model.similar_items(item_id=tf.constant(["i2"]), k=3)
    assert b"i2" not in alike["item_id"].numpy()[0] and len(set(alike["item_id"].numpy()[0])) == 3
    rated = model.rate(user_id=tf.constant(["u0", "u0"]), item_id=tf.constant(["i2", "i3"]))["rating"]
    assert rated.numpy().min() >= 2.0 and rated.numpy().max() <= 5.0
    if not changes:
        assert rated[0] > rated[1]
    record = read(tmp_path / "model")
    added = record.chosen.rating_weight * result["rating"]
    known = {name: tf.where(result["item_id"] != b"", result[name], 0) for name in ("score", "retrieval_score")}
    np.testing.assert_allclose(known["score"], known["retrieval_score"] + added, rtol=1e-5, atol=1e-5)
    assert (record.data.events, record.data.users, record.data.catalogue_items) == (9 * NUM_USERS, NUM_USERS, NUM_ITEMS)
    assert record.code_version == "c0de" and record.libraries["tensorflow"] == tf.__version__
    assert "two-tower" in {path.name for path in (tmp_path / "logs").iterdir()}

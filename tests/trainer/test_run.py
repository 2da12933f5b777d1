"""From files of transformed examples to a SavedModel, on a small made-up world."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from components.trainer import run
from components.trainer.datasets import Vocabularies, make_batches, read_candidates, read_events
from components.trainer.fit import fit_ranking, fit_two_tower
from schemas.errors import DataError
from schemas.settings import Settings

NUM_USERS, NUM_ITEMS = 12, 16
VOCABULARIES = Vocabularies([b"u%d" % user for user in range(NUM_USERS)], [b"i%d" % i for i in range(NUM_ITEMS)], 2, 3)
SETTINGS = Settings.model_validate(
    {
        "name": "small",
        "data": {"folder": "."},
        "retrieval": {"embedding_dimension": 8, "batch_size": 32, "epochs": 3},
        "ranking": {"embedding_dimension": 4, "batch_size": 32, "epochs": 3},
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
    """Users like items of their own parity: 5 stars against 2; the last item nobody knows."""
    folder = tmp_path_factory.mktemp("examples")
    rng = np.random.default_rng(4)
    rated = {user: rng.choice(NUM_ITEMS - 1, 9, replace=False).tolist() for user in range(NUM_USERS)}
    rows = [
        {
            "user_index": [user],
            "item_index": [item],
            "rating": [5.0 if (user + item) % 2 == 0 else 2.0],
            "timestamp": [100 * user + place],
            "history_index": [other for other in items if other != item],
            "history_rating": [5.0 if (user + other) % 2 == 0 else 2.0 for other in items if other != item],
        }
        for user, items in rated.items()
        for place, item in enumerate(items)
    ]
    counts = np.bincount([item for items in rated.values() for item in items], minlength=NUM_ITEMS).tolist()
    catalogue = [
        {
            "item_index": [item],
            "genre_index": [item % 2, 2][: 1 + item % 2],
            "title_word_index": [0, 1, 2][: item % 4],
            "popularity": [counts[item]],
            "item_id": [b"i%d" % item],
            "title": [b"Title %d" % item],
        }
        for item in rng.permutation(NUM_ITEMS).tolist()
    ]
    write(folder / "train-0.gz", rows[:50])
    write(folder / "train-1.gz", rows[50:])
    write(folder / "candidates.gz", catalogue)
    return folder


def test_reads_events(files: Path) -> None:
    events = read_events([str(files / "train-*")])
    assert len(events.user) == 9 * NUM_USERS
    assert events.user.dtype == events.item.dtype == events.history.values.dtype == np.int32
    assert np.diff(events.history.row_splits).tolist() == [8] * len(events.user)
    assert events.history_rating.row_splits.tolist() == events.history.row_splits.tolist()
    likes = (events.user[events.history.rows] + events.history.values) % 2 == 0
    assert events.history_rating.values.tolist() == np.where(likes, 5, 2).tolist()


def test_reads_the_catalogue_in_the_order_of_the_vocabulary(files: Path) -> None:
    candidates = read_candidates([str(files / "candidates*")], VOCABULARIES)
    assert candidates.titles.tolist() == [b"Title %d" % item for item in range(NUM_ITEMS)]
    assert candidates.popularity[-1] == 0 and candidates.popularity.sum() == 9 * NUM_USERS
    words = candidates.catalogue.title_words
    assert np.diff(words.row_splits).tolist() == [item % 4 for item in range(NUM_ITEMS)]
    assert words.values.tolist() == [word for item in range(NUM_ITEMS) for word in [0, 1, 2][: item % 4]]
    genres = [genre for item in range(NUM_ITEMS) for genre in [item % 2, 2][: 1 + item % 2]]
    assert candidates.catalogue.genres.values.tolist() == genres


def test_refuses_missing_files_and_an_incomplete_catalogue(files: Path) -> None:
    with pytest.raises(DataError, match="no file matches"):
        read_events([str(files / "absent*")])
    with pytest.raises(DataError, match="each of the 17 items"):
        read_candidates([str(files / "candidates*")], VOCABULARIES._replace(items=[*VOCABULARIES.items, b"new"]))


def test_batches_hold_each_event_once_in_a_seeded_order(files: Path) -> None:
    events = read_events([str(files / "train-*")])

    def rows(seed: int) -> list[tuple[int, ...]]:
        return [
            (int(user), int(item), *history.numpy().tolist())
            for batch in make_batches(events, 32, seed)
            for user, item, history in zip(
                batch["user_index"], batch["item_index"], batch["history_index"], strict=True
            )
        ]

    bounds = events.history.row_splits
    expected = [
        (int(user), int(item), *events.history.values[begin:end].tolist())
        for user, item, begin, end in zip(events.user, events.item, bounds, bounds[1:], strict=False)
    ]
    assert sorted(rows(1)) == sorted(expected)
    assert rows(1) == rows(1) != rows(2)


@pytest.mark.parametrize("fit", [fit_two_tower, fit_ranking])
def test_the_same_seed_gives_the_same_weights(files: Path, fit) -> None:
    events = read_events([str(files / "train-*")])
    catalogue = read_candidates([str(files / "candidates*")], VOCABULARIES).catalogue
    other_seed = SETTINGS.model_copy(update={"training": SETTINGS.training.model_copy(update={"seed": 7})})
    first, second, third = (
        fit(events, catalogue, settings).get_weights() for settings in (SETTINGS, SETTINGS, other_seed)
    )
    assert all(np.array_equal(*pair) for pair in zip(first, second, strict=True))
    assert not all(np.array_equal(*pair) for pair in zip(first, third, strict=True))


def test_refuses_too_few_events(files: Path) -> None:
    events = read_events([str(files / "train-*")])
    catalogue = read_candidates([str(files / "candidates*")], VOCABULARIES).catalogue
    with pytest.raises(DataError, match="too few"):
        fit_ranking(events.take(np.arange(len(events.user)) == 0), catalogue, SETTINGS)


def test_run_fn_exports_a_model_that_recommends_what_was_not_rated(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "read_vocabularies", lambda folder: VOCABULARIES)
    run.run_fn(
        SimpleNamespace(
            train_files=[str(files / "train-*")],
            eval_files=[str(files / "candidates*")],
            transform_graph_path="",
            serving_model_dir=str(tmp_path / "model"),
            model_run_dir=str(tmp_path / "logs"),
            custom_config={"settings": SETTINGS.model_dump_json()},
        )
    )
    model = tf.saved_model.load(str(tmp_path / "model"))
    events = read_events([str(files / "train-*")])
    result = model.signatures["recommend"](user_id=tf.constant(VOCABULARIES.users), k=tf.constant(NUM_ITEMS))
    for user, ids in enumerate(result["item_id"].numpy().tolist()):
        unrated = set(range(NUM_ITEMS)) - set(events.item[events.user == user].tolist())
        assert {id_ for id_ in ids if id_} == {b"i%d" % item for item in unrated}
    rated = model.signatures["rate"](user_id=tf.constant(["u0", "u0"]), item_id=tf.constant(["i2", "i3"]))["rating"]
    assert 5.0 >= rated[0] > rated[1] >= 2.0
    assert {path.name for path in (tmp_path / "logs").iterdir()} == {"two-tower", "ranking"}

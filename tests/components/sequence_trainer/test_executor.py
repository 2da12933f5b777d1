"""The step on examples made here: what it writes, and the signatures by an oracle in numpy."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

from components.sequence_trainer import executor

NUM_ITEMS = 9
GENRES = [[b"war"], [], [b"crime", b"war"], [b"love"], [b"war", b"love"], [b"crime"], [b"war"], [b"love"], []]
MODELS: list[dict[str, Any]] = [
    {"name": "bow", "k": 4, "features": {"item": {"length": 3}}},
    {
        "name": "mixed",
        "encoder": "cnn",
        "k": 12,
        "exclude_seen": False,
        "features": {
            "item": {"length": 3},
            "genre": {"length": 4, "width": 3},
            "title_word": {"length": 5, "width": 2},
            "rating": {"length": 3, "width": 2},
            "age": {"length": 3, "width": 2},
        },
    },
    {
        "name": "genres",
        "encoder": "rnn",
        "rnn": {"units": 4},
        "k": 20,
        "features": {"genre": {"length": 4, "width": 3}},
    },
    {"name": "absent", "enabled": False},
]
SHARED = {"embedding_width": 4, "cnn": {"filters": [4], "kernels": [2]}, "epochs": 2, "batch_size": 16, "dropout": 0.1}


def _write(folder: Path, rows: list[dict[str, Any]]) -> None:
    folder.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / "data.gz"), "GZIP") as writer:
        for row in rows:
            example = tf.train.Example()
            for name, value in row.items():
                feature = example.features.feature[name]
                if isinstance(value, int):
                    feature.int64_list.value.append(value)
                elif isinstance(value, float):
                    feature.float_list.value.append(value)
                else:
                    feature.bytes_list.value.extend(value if isinstance(value, list) else [value])
            writer.write(example.SerializeToString())


def _rating(user: int, item: int, day: int) -> dict[str, Any]:
    rating = float(1 + (user + item) % 5)
    return {
        "user_id": b"u%d" % user,
        "item_id": b"i%d" % item,
        "rating": rating,
        "timestamp": 880_000_000 + 86_400 * day,
        "weight": 1.0,
        "position": 5 + day,  # the first day is -5
    }


TRAIN = [_rating(user, (user * 3 + step * step) % 7, 10 * step + user) for user in range(12) for step in range(6)]
# Item 8 comes in the evaluation alone, item 99 in no catalogue; user 0 is asked about before his first event.
EVAL = [_rating(user, 8, 200) for user in range(1, 5)] + [_rating(5, 99, 31), _rating(0, 8, -5)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sequence")
    counts = [sum(row["item_id"] == b"i%d" % item for row in TRAIN) for item in range(NUM_ITEMS)]
    items = [
        {"item_id": b"i%d" % item, "title": b"Title %d" % item, "genres": GENRES[item], "popularity": counts[item]}
        for item in range(NUM_ITEMS)
    ]
    _write(root / "in" / "Split-candidates", items)
    _write(root / "in" / "Split-train", TRAIN)
    _write(root / "in" / "Split-eval", EVAL)
    examples, output = standard_artifacts.Examples(), standard_artifacts.Model()
    examples.uri, output.uri = str(root / "in"), str(root / "out")
    examples.split_names = '["train", "eval", "candidates"]'
    executor.Executor().Do(
        {"examples": [examples]},
        {"sequence_models": [output]},
        {
            "settings": json.dumps({"models": [SHARED | model for model in MODELS]}),
            "split": json.dumps({"method": "time"}),
            "training": json.dumps({"validation_share": 0.2, "refit": False}),
        },
    )
    return root / "out" / "Format-Serving"


@pytest.fixture(scope="module")
def loaded(folder: Path) -> dict[str, Any]:
    # Kept, since their signatures alone would not keep them.
    return {model["name"]: tf.saved_model.load(str(folder / model["name"] / "saved_model")) for model in MODELS[:3]}


def _call(loaded: dict[str, Any], name: str, signature: str, **inputs: Any) -> dict[str, np.ndarray]:
    found = loaded[name].signatures[signature](**{key: tf.constant(value) for key, value in inputs.items()})
    return {key: value.numpy() for key, value in found.items()}


def _ids(folder: Path) -> list[bytes]:
    return [item["id"].encode() for item in json.loads((folder / "bow" / "items.json").read_text())]


def test_items_are_numbered_by_popularity_then_id(folder: Path) -> None:
    items = json.loads((folder / "bow" / "items.json").read_text())
    counts = [sum(row["item_id"].decode() == item["id"] for row in TRAIN) for item in items]
    assert sorted(zip([-count for count in counts], [item["id"] for item in items], strict=True)) == [
        (-count, item["id"]) for count, item in zip(counts, items, strict=True)
    ]
    assert np.load(folder / "bow" / "windows.npz")["popularity"].tolist() == counts and counts[-1] == 0
    by_id = {item["id"]: item for item in items}
    assert by_id["i2"] == {"id": "i2", "title": "Title 2", "genres": ["crime", "war"]}
    assert not (folder / "absent").exists()


def test_evaluation_windows_ask_for_evaluation_events_from_training_events(folder: Path) -> None:
    windows, ids = np.load(folder / "mixed" / "windows.npz"), [b"", *_ids(folder)]
    shown = {int(user): row for row, user in enumerate(windows["eval/user"])}
    assert len(shown) == 5, "nothing came before the event of user 0"
    labels = [ids[label] for label in windows["eval/label"]]
    assert sorted(labels) == [b"", b"i8", b"i8", b"i8", b"i8"]
    contexts = [[ids[item] for item in row if item] for row in windows["eval/context_item"]]
    latest = {
        b"u%d" % user: [row["item_id"] for row in TRAIN if row["user_id"] == b"u%d" % user][-3:] for user in range(6)
    }
    for label, context, length in zip(labels, contexts, windows["eval/context_length"], strict=True):
        if label:
            assert context in [latest[b"u%d" % user] for user in range(1, 5)] and length == 6
        else:  # user 5, three days after the event of day 25
            assert length == 3
    assert windows["eval/context_age"][labels.index(b"")].tolist() == [31 - 5, 31 - 15, 31 - 25]
    assert ids.index(b"i8") not in windows["train/context_item"]
    assert windows["train/context_genre"].shape[1] == 4 and (windows["train/context_age"] != 0).all()


def test_the_description_has_the_inputs_and_the_dropped_events(folder: Path) -> None:
    description = json.loads((folder / "mixed" / "model.json").read_text())
    assert description["inputs"]["context_rating"] == {"length": 3, "type": "float32", "padding": 0.0}
    assert description["inputs"]["context_age"]["padding"] == -1.0
    assert description["vocabularies"]["genre"] == ["war", "love", "crime"]
    assert description["dropped_events"] == {
        "train_of_no_item": 0,
        "train_without_earlier_event": 12,
        "eval_without_earlier_event": 1,
        "eval_not_drawn": 0,
    }
    # The latest of the 72 events repeat earlier ones, so pairs are held out by their hash; 12 are first of their users.
    assert description["training"]["windows"] == 72 - 9 - 12 and 1 <= description["training"]["epochs"] <= 2


@pytest.mark.parametrize("context", [[0, 0, 0], [2, 0, 0], [5, 1, 3]])
def test_the_best_by_score_come_first_without_the_context(loaded: dict[str, Any], context: list[int]) -> None:
    logits = _call(loaded, "bow", "scores", context_item=[context, [1, 1, 1]])["logits"][0]
    order = [item for item in np.argsort(-logits, kind="stable") + 1 if item not in context][:4]
    found = _call(loaded, "bow", "recommend", context_item=[context])
    assert found["item"].tolist() == order and found["item"].dtype == np.int32
    np.testing.assert_allclose(found["score"], logits[np.array(order) - 1], rtol=1e-5)


def test_padding_is_zero(loaded: dict[str, Any]) -> None:
    found = _call(loaded, "genres", "recommend", context_genre=[[1, 2, 0, 0]])
    assert sorted(found["item"][:NUM_ITEMS]) == list(range(1, NUM_ITEMS + 1))
    assert not found["item"][NUM_ITEMS:].any() and not found["score"][NUM_ITEMS:].any() and len(found["item"]) == 20
    assert (np.diff(found["score"][:NUM_ITEMS]) <= 0).all()


def test_raw_ids_give_the_same_as_their_numbers(folder: Path, loaded: dict[str, Any]) -> None:
    ids = _ids(folder)
    by_number = _call(loaded, "bow", "recommend", context_item=[[4, 2, 0]])
    for history in ([ids[3], ids[1]], [b"none", ids[3], b"", ids[1], b"i99"]):
        found = _call(loaded, "bow", "recommend_ids", history_item_id=history)
        assert found["item_id"].tolist() == [ids[number - 1] for number in by_number["item"]]
        np.testing.assert_allclose(found["score"], by_number["score"], rtol=1e-5)


@pytest.mark.parametrize("history", [[], [b"none"]])
def test_no_history_gives_the_same_as_an_empty_context(
    folder: Path, loaded: dict[str, Any], history: list[bytes]
) -> None:
    empty = _call(loaded, "bow", "recommend", context_item=[[0, 0, 0]])
    found = _call(loaded, "bow", "recommend_ids", history_item_id=np.array(history, object).astype("S"))
    assert found["item_id"].tolist() == [_ids(folder)[number - 1] for number in empty["item"]]


def test_of_a_long_history_the_latest_count_and_all_are_left_out(folder: Path, loaded: dict[str, Any]) -> None:
    ids = _ids(folder)
    found = _call(loaded, "bow", "recommend_ids", history_item_id=[ids[6], ids[0], ids[1], ids[2], ids[3]])
    logits = _call(loaded, "bow", "scores", context_item=[[2, 3, 4]])["logits"][0]
    order = [item for item in np.argsort(-logits, kind="stable") if item not in (0, 1, 2, 3, 6)][:4]
    assert found["item_id"].tolist() == [ids[item] for item in order]
    everything = _call(loaded, "bow", "recommend_ids", history_item_id=ids)
    assert everything["item_id"].tolist() == [b""] * 4 and not everything["score"].any()


def test_features_of_raw_ids_are_those_of_the_training_windows(folder: Path, loaded: dict[str, Any]) -> None:
    windows, ids = np.load(folder / "mixed" / "windows.npz"), _ids(folder)
    # A window has the genres of all earlier events, a history here those of three: one whose three fill all places.
    histories = [[ids[item - 1] for item in context] for context in windows["eval/context_item"]]
    row = next(row for row, items in enumerate(histories) if sum(len(GENRES[int(item[1:])]) for item in items) >= 4)
    names = [f"context_{name}" for name in ("item", "genre", "title_word", "rating", "age")]
    context, history = {name: windows[f"eval/{name}"][row : row + 1] for name in names}, histories[row]
    # An unknown event between, whose rating and age must go with it.
    found = _call(
        loaded,
        "mixed",
        "recommend_ids",
        history_item_id=[history[0], b"none", *history[1:]],
        history_rating=np.insert(context["context_rating"][0], 1, 9.0),
        history_age=np.insert(context["context_age"][0], 1, 777.0),
    )
    by_number = _call(loaded, "mixed", "recommend", **context)
    assert sorted(by_number["item"].tolist()) == [0] * 3 + list(range(1, 10)), "the context's items too"
    assert found["item_id"].tolist() == [ids[number - 1] if number else b"" for number in by_number["item"]]
    np.testing.assert_allclose(found["score"], by_number["score"], rtol=1e-4)


def test_genres_are_those_of_the_whole_history_not_of_the_latest_items_alone(
    folder: Path, loaded: dict[str, Any]
) -> None:
    ids, description = _ids(folder), json.loads((folder / "mixed" / "model.json").read_text())
    words = description["vocabularies"]["title_word"]
    # Of the four items, the first one alone has genres, and there is room for three items and five words.
    title = [words.index(word) + 1 for word in ("1", "title", "8", "title", "1")]
    rating, age = [3.0, 2.0, 4.0], [9.0, 5.0, 1.0]
    by_number = _call(
        loaded,
        "mixed",
        "recommend",
        context_item=[[ids.index(item) + 1 for item in (b"i1", b"i8", b"i1")]],
        context_genre=[[description["vocabularies"]["genre"].index(name) + 1 for name in ("crime", "war")] + [0, 0]],
        context_title_word=[title],
        context_rating=[rating],
        context_age=[age],
    )
    history = [b"i2", b"i1", b"i8", b"i1"]
    by_id = {"history_item_id": history, "history_rating": [5.0, *rating], "history_age": [12.0, *age]}
    found = _call(loaded, "mixed", "recommend_ids", **by_id)
    np.testing.assert_allclose(found["score"], by_number["score"], rtol=1e-4)
    other = _call(loaded, "mixed", "recommend_ids", **by_id | {"history_item_id": [b"i3", *history[1:]]})
    assert np.abs(other["score"] - found["score"]).max() > 1e-4


@pytest.mark.parametrize("feature", ["item", "genre", "title_word", "rating", "age"])
def test_every_feature_has_a_say(folder: Path, loaded: dict[str, Any], feature: str) -> None:
    windows = np.load(folder / "mixed" / "windows.npz")
    context = {name: windows[f"train/{name}"][:8].copy() for name in ("context_item", "context_genre")}
    context |= {name: windows[f"train/{name}"][:8].copy() for name in ("context_title_word", "context_rating")}
    context["context_age"] = windows["train/context_age"][:8].copy()
    base = _call(loaded, "mixed", "scores", **context)["logits"]
    changed = context[f"context_{feature}"]
    changed[changed > 0] = changed[changed > 0] % 2 + 1
    assert np.abs(_call(loaded, "mixed", "scores", **context)["logits"] - base).max() > 1e-5

"""`Do()` on real files and artifacts, in both splits, and every way in which data may not do."""

import csv
import json
import random
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from apache_beam.options.pipeline_options import PipelineOptions
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

import schemas
import semaphores
from components.example_gen import executor
from components.example_gen.component import RatingsExampleGen
from components.example_gen.driver import Driver
from components.example_gen.executor import Executor
from recommender.sources.blocks import plan_blocks
from schemas.errors import DataError
from schemas.settings import Settings

Row = tuple[str, str, float, int]

SCHEMA = Path(schemas.__file__).parent / "ratings.pbtxt"
HISTORY_LENGTH = 5
ITEMS = "item_id,title,genres\n" + "".join(f"{item:03},Title {item},Drama| Comedy |\n" for item in range(30))


def rows() -> list[Row]:
    """900 ratings of 20 users and 40 items, of which the items file knows 30; with repeats and equal times."""
    chooser = random.Random(0)
    made: dict[tuple[str, str, int], float] = {}
    while len(made) < 900:
        user, item = f"u{chooser.randrange(20)}", f"{int(chooser.triangular(0, 40, 0)):03}"
        time = chooser.randint(1_000_000, 1_200_000) // 1_000 * 1_000
        made[user, item, time] = chooser.randint(1, 5) / 2
    return [(user, item, rating, time) for (user, item, time), rating in made.items()]


def write(folder: Path, ratings: list[Row] | str, items: str | None = ITEMS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if not isinstance(ratings, str):
        ratings = "user_id,item_id,rating,timestamp\n" + "".join(f"{u},{i},{r},{t}\n" for u, i, r, t in ratings)
    (folder / "ratings.csv").write_bytes(ratings.encode())
    if items is not None:
        (folder / "items.csv").write_bytes(items.encode())
    return folder


def settings(folder: Path, method: str = "random", **data: Any) -> Settings:
    data = {"repeats": "each"} | data
    return Settings.model_validate(
        {
            "name": "test",
            "data": {"folder": str(folder), **data},
            "split": {"method": method},
            "features": {"user_activity_bounds": [1, 30, 40]},
        }
    )


class Result:
    """The artifact that `Do()` wrote."""

    def __init__(self, examples: standard_artifacts.Examples):
        self.artifact = examples
        self.folder = Path(examples.uri)
        self.summary = json.loads((self.folder / "summary.json").read_text())

    def rejects(self) -> list[dict[str, str]]:
        with (self.folder / "rejects.csv").open(newline="") as stream:
            return list(csv.DictReader(stream))

    def files(self, split: str) -> list[Path]:
        return sorted((self.folder / f"Split-{split}").glob("data_tfrecord-*.gz"))

    def serialized(self, split: str) -> list[bytes]:
        return list(tf.data.TFRecordDataset(list(map(str, self.files(split))), "GZIP").as_numpy_iterator())

    def examples(self, split: str) -> list[dict[str, list[Any]]]:
        return [_values(record) for record in self.serialized(split)]

    def events(self, split: str) -> list[Row]:
        keys = ("user_id", "item_id", "rating", "timestamp")
        return [tuple(example[key][0] for key in keys) for example in self.examples(split)]


def _values(record: bytes) -> dict[str, list[Any]]:
    features = tf.train.Example.FromString(record).features.feature
    kinds = {name: feature.WhichOneof("kind") for name, feature in features.items()}
    found = {name: list(getattr(features[name], kind).value) for name, kind in kinds.items() if kind}
    return {
        name: [value.decode() if isinstance(value, bytes) else value for value in found[name]] for name in sorted(found)
    }


def resolved(chosen: Settings) -> dict[str, Any]:
    """The properties that the driver gives to the executor."""
    component = RatingsExampleGen(chosen, code_version="1")
    properties = {
        name: proto_utils.proto_to_json(value) if hasattr(value, "DESCRIPTOR") else value
        for name, value in component.spec.exec_properties.items()
    }
    return Driver(None).resolve_exec_properties(properties, None, None)


def do(tmp_path: Path, chosen: Settings) -> Result:
    """Runs driver and executor as the pipeline would."""
    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path / "examples")
    (tmp_path / "examples").mkdir(parents=True)
    context = Executor.Context(make_beam_pipeline_fn=lambda: beam.Pipeline(runner="FnApiRunner"))
    Executor(context).Do({}, {"examples": [examples]}, resolved(chosen))
    return Result(examples)


@pytest.fixture(scope="module", params=["random", "time"])
def method(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def result(method, tmp_path_factory) -> Result:
    folder = tmp_path_factory.mktemp(method)
    return do(folder, settings(write(folder / "data", rows()), method))


def test_counts_add_up(result):
    summary, splits = result.summary, result.summary["splits"]
    assert summary["files"]["ratings.csv"] == {"rows": 900, "accepted": 900, "rejected": 0, "left_out": 0}
    assert splits["train"]["rows"] + splits["eval"]["rows"] + summary["repeats"]["left_out"] == 900
    assert summary["ratings"] == {
        "rows": 900,
        "rated": 900,
        "timed": 900,
        "users": 20,
        "items": len({row[1] for row in rows()}),
        "min": 0.5,
        "max": 2.5,
    }
    for split in ("train", "eval"):
        events = result.events(split)
        counted = {
            "rows": len(events),
            "users": len({row[0] for row in events}),
            "items": len({row[1] for row in events}),
        }
        assert splits[split] == counted


def test_the_artifact_is_described(result):
    examples = result.artifact
    assert examples.split_names == '["train", "eval", "users", "candidates"]'
    assert examples.get_string_custom_property("payload_format") == "FORMAT_TF_EXAMPLE"
    assert examples.get_string_custom_property("file_format") == "tfrecords_gzip"
    assert examples.get_int_custom_property("train_rows") == result.summary["splits"]["train"]["rows"]
    assert examples.get_int_custom_property("repeats") == result.summary["repeats"]["left_out"]


def test_the_users_are_those_with_training_events(result):
    users = [example["user_id"] for example in result.examples("users")]
    assert sorted(users) == sorted([user] for user in {row[0] for row in result.events("train")})


def test_every_event_is_on_one_side_and_pairs_stay_together(result, method):
    train, evaluated = Counter(result.events("train")), Counter(result.events("eval"))
    left_out = Counter(rows()) - train - evaluated
    assert left_out.total() == result.summary["repeats"]["left_out"] > 0
    pairs, tested = {row[:2] for row in train}, {row[:2] for row in evaluated}
    assert not pairs & tested
    assert len(tested) == evaluated.total(), "a user and item count once in eval"
    if method == "time":
        cut = result.summary["cut"]
        assert max(row[3] for row in train) < cut <= min(row[3] for row in evaluated)
        assert (
            cut == sorted(row[3] for row in rows())[720]
        )  # 180 of 900 events, or more on equal times, are at or after it
        assert {row[:2] for row in left_out} <= pairs | tested
    else:
        assert result.summary["cut"] is None
        assert 0.1 < (evaluated + left_out).total() / 900 < 0.3
        assert {row[:2] for row in left_out} <= tested


def test_an_example_holds_one_rating_and_no_history(result):
    for split in ("train", "eval"):
        names = {"user_id", "item_id", "rating", "timestamp", "weight", "position", "user_activity", "item_popularity"}
        assert all(set(example) == names for example in result.examples(split))


def test_positions_number_a_users_events_from_the_oldest(result):
    found = [
        (example["user_id"][0], example["timestamp"][0], example["position"][0])
        for split in ("train", "eval")
        for example in result.examples(split)
    ]
    ordered = sorted(found, key=lambda event: (event[0], event[2]))
    assert ordered == sorted(ordered, key=lambda event: event[:2])
    assert len({(user, position) for user, _, position in found}) == len(found)
    assert min(position for _, _, position in found) == 0


def test_slices_count_training_events(result):
    users, items = (Counter(row[column] for row in result.events("train")) for column in (0, 1))

    def label(count: int, bounds: dict[int, str]) -> str:
        return bounds[max(low for low in bounds if low <= count)]

    for example in result.examples("eval"):
        user, item = users[example["user_id"][0]], items[example["item_id"][0]]
        assert example["user_activity"] == [label(user, {0: "0", 1: "1-29", 30: "30-39", 40: "40+"})]
        assert example["item_popularity"] == [label(item, {0: "0", 1: "1-9", 10: "10-99", 100: "100+"})]


def anomalies(records: list[bytes], folder: Path) -> dict[str, Any]:
    """What ExampleValidator would find in these examples."""
    path = str(folder / "examples.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        for record in records:
            writer.write(record)
    options = PipelineOptions(["--runner=FnApiRunner"])
    statistics = tfdv.generate_statistics_from_tfrecord(path, pipeline_options=options)
    return dict(tfdv.validate_statistics(statistics, tfdv.load_schema_text(str(SCHEMA))).anomaly_info)


@semaphores.needed
def test_the_schema_finds_fault_with_spoilt_examples_only(result, tmp_path):
    good = [record for split in ("train", "eval") for record in result.serialized(split)]
    assert anomalies(good, tmp_path) == {}
    spoilt = [tf.train.Example.FromString(record) for record in good]
    for example in spoilt:
        del example.features.feature["user_id"]
        example.features.feature["rating"].int64_list.value[:] = [3]
        example.features.feature["timestamp"].int64_list.value[:] = [-(10**12)]
        example.features.feature["title"].bytes_list.value[:] = [b"x"]
        example.features.feature["director"].bytes_list.value[:] = [b"x"]
    found = anomalies([example.SerializeToString() for example in spoilt], tmp_path)
    assert set(found) == {"user_id", "rating", "timestamp", "director"}


def test_candidates_are_every_item_once(result):
    trained = Counter(row[1] for row in result.events("train"))
    described = {f"{item:03}" for item in range(30)}
    examples = result.examples("candidates")
    assert [example["item_id"][0] for example in examples] == sorted(described | set(trained))
    for example in examples:
        item = example["item_id"][0]
        assert example["popularity"] == [trained[item]]
        assert example["title"] == [f"Title {int(item)}" if item in described else item]
        assert example["genres"] == (["Drama", "Comedy"] if item in described else [])
    assert result.summary["rated_items_not_described"] == len(set(trained) - described) > 0


def test_the_order_of_rows_changes_nothing(result, method, tmp_path):
    shuffled = rows()
    random.Random(1).shuffle(shuffled)
    other = do(tmp_path, settings(write(tmp_path / "data", shuffled), method))
    assert all(other.examples(split) == result.examples(split) for split in ("train", "eval", "candidates"))
    assert other.summary == result.summary
    assert result.events("train") != sorted(result.events("train"))


def test_small_blocks_give_the_same_examples(result, method, tmp_path, monkeypatch):
    monkeypatch.setattr(executor, "plan_blocks", partial(plan_blocks, size=3_000))
    monkeypatch.setattr(executor, "num_pieces", lambda layout: 5)
    other = do(tmp_path, settings(write(tmp_path / "data", rows()), method))
    assert len(other.files("train")) > 4
    for split in ("train", "eval"):
        assert sorted(map(repr, other.examples(split))) == sorted(map(repr, result.examples(split)))
    assert other.examples("candidates") == result.examples("candidates")
    assert other.summary == result.summary


def test_without_an_items_file_the_candidates_are_the_rated_items(tmp_path):
    result = do(tmp_path, settings(write(tmp_path / "data", rows(), items=None), items=""))
    assert {example["item_id"][0] for example in result.examples("candidates")} == {
        row[1] for row in result.events("train")
    }


def test_unusable_rows_are_listed_and_the_others_kept(tmp_path):
    folder = write(tmp_path / "data", rows(), ITEMS + "\n005,Again,\n")
    with (folder / "ratings.csv").open("a") as stream:
        stream.write('u1,"0\n1",bad,5\nu1\n')
    result = do(tmp_path, settings(folder, max_reject_share=0.05))
    listed = [(row["file"], row["line"], row["reason"], row["content"]) for row in result.rejects()]
    assert listed == [
        ("ratings.csv", "902", "item contains a line break", 'u1,"0\n1",bad,5'),
        ("ratings.csv", "904", "wrong number of fields: expected 4, got 1", "u1"),
    ]
    assert result.summary["files"]["ratings.csv"] == {
        "rows": 902,
        "accepted": 900,
        "rejected": 2,
        "left_out": 0,
        "reasons": {"item contains a line break": 1, "wrong number of fields: expected 4, got 1": 1},
    }
    assert result.summary["files"]["items.csv"]["accepted"] == 31 and result.summary["items_repeated"] == 1
    assert result.artifact.get_int_custom_property("rejected_rows") == 2


def test_too_many_unusable_rows_stop_the_run_and_their_list_stays(tmp_path):
    folder = write(tmp_path / "data", [(*row[:3], row[3] * 10**9) if row[1] == "000" else row for row in rows()])
    count = sum(row[1] == "000" for row in rows())
    first = 2 + [row[1] for row in rows()].index("000")
    with pytest.raises(DataError) as error:
        do(tmp_path, settings(folder))
    message = str(error.value)
    assert f"{count} of 900 rows cannot be used" in message
    assert f"line {first}: timestamp is beyond the year 9999 in the format 'unix': '" in message
    assert message.count("  line ") == 5
    kept = tmp_path / "examples-rejects.csv"
    assert str(kept) in message
    assert len(kept.read_text().splitlines()) == count + 1


HEADER = "user_id,item_id,rating,timestamp\n"


@pytest.mark.parametrize(
    ("ratings", "chosen", "words"),
    [
        ("", {}, "the file is empty"),
        (HEADER, {}, "no rows"),
        (HEADER + "a,x,1,1\n", {"columns": {"user": "who"}}, "no column 'who'"),
        (HEADER + "a,x,one,1\n", {}, "column 'rating': no value is a number"),
        (HEADER + "a,x,1,1\n", {"max_reject_share": 1.0, "rating_scale": [2, 5]}, "no row can be used"),
        (HEADER + "a,x,1,1\na,y,2,2\n", {}, "one user only"),
        (HEADER + "a,x,1,1\nb,x,2,2\n", {}, "one item only"),
        (HEADER + "a,x,1,7\nb,y,2,7\n", {"method": "time"}, "the train split is empty"),
        (HEADER + "a,x,1,1\nb,y,2,2\na,x,2,3\n", {"method": "time"}, "the eval split is empty"),
    ],
)
def test_data_from_which_nothing_can_be_learnt_is_refused(tmp_path, ratings, chosen, words):
    folder = write(tmp_path / "data", ratings, items=None)
    with pytest.raises(DataError, match=words):
        do(tmp_path, settings(folder, items="", **chosen))


def one_by_one(result: Result, *names: str) -> list[tuple[Any, ...]]:
    """The values of features of all events, None for an absent one, with the split's name."""
    return sorted(
        (split, *((example.get(name) or [None])[0] for name in names))
        for split in ("train", "eval")
        for example in result.examples(split)
    )


@pytest.mark.parametrize(("column", "said"), [("4", 4.0), (None, None)])
def test_without_different_ratings_every_event_counts_and_none_is_rated(tmp_path, column, said):
    events = rows()
    text = "".join(f"{user},{item},{column or rating},{time}\n" for user, item, rating, time in events)
    columns = {"columns": {"rating": ""}} if column is None else {}
    result = do(tmp_path, settings(write(tmp_path / "data", HEADER + text), repeats="auto", **columns))
    assert all("rating" not in example for split in ("train", "eval") for example in result.examples(split))
    assert result.summary["ratings"].get("min") == result.summary["ratings"].get("max") == said
    assert result.summary["repeats"]["replaced"] == 0
    train = [event for event in one_by_one(result, "user_id", "item_id", "timestamp") if event[0] == "train"]
    assert len(train) > len({event[:3] for event in train}), "repeats are trained on"


def test_of_repeated_ratings_the_last_counts(tmp_path):
    result = do(tmp_path, settings(write(tmp_path / "data", rows()), repeats="auto"))
    latest = {row[:2]: row for row in sorted(rows(), key=lambda row: row[3])}
    assert sorted(result.events("train") + result.events("eval")) == sorted(latest.values())
    assert result.summary["repeats"] == {"merged": 0, "replaced": 900 - len(latest), "left_out": 0}


def test_without_times_events_are_in_the_order_of_the_files(tmp_path):
    folder = write(tmp_path / "data", "user_id,item_id\na,z\nb,x\na,y\na,z\nc,x\nb,y\n", items=None)
    columns = {"rating": "", "timestamp": ""}
    result = do(tmp_path, settings(folder, items="", repeats="auto", columns=columns))
    assert result.summary["ratings"]["timed"] == 0 and result.summary["cut"] is None
    assert "rated_items_not_described" not in result.summary
    found = one_by_one(result, "user_id", "position", "item_id", "timestamp", "weight")
    assert {event[1:] for event in found} == {
        ("a", 0, "z", None, 1.0),
        ("a", 1, "y", None, 1.0),
        ("a", 2, "z", None, 1.0),
        ("b", 0, "x", None, 1.0),
        ("b", 1, "y", None, 1.0),
        ("c", 0, "x", None, 1.0),
    }


def test_without_times_a_split_by_time_is_refused(tmp_path):
    folder = write(tmp_path / "data", "user_id,item_id,rating\na,x,1\nb,y,2\n", items=None)
    with pytest.raises(DataError, match=r'no event has a time.*split\.method to "random".*data\.columns\.timestamp'):
        do(tmp_path, settings(folder, "time", items="", columns={"timestamp": ""}))


def test_notes_of_files_and_of_all_blocks_are_in_the_summary(tmp_path, monkeypatch):
    monkeypatch.setattr(executor, "plan_blocks", partial(plan_blocks, size=3_000))
    folder = tmp_path / "data"
    folder.mkdir()
    lines = [f"u{n % 20},i{n % 37},{'buy' if n % 2 else 'view'},{1.6e9 + n:.4E}" for n in range(400)]
    (folder / "a.csv").write_text("first,second,event,time\n" + "\n".join(lines) + "\n")
    (folder / "b.csv").write_text("")
    result = do(tmp_path, settings(folder, ratings="*.csv", items="", events={"buy": 1}))
    assert result.summary["files"]["a.csv"]["left_out"] == 200
    assert result.summary["notes"] == [
        ["columns-by-order", "a.csv", 0, "first, second", 0],
        ["empty-file", "b.csv", 0, "", 0],
        ["event-without-weight", "a.csv", 2, "view", 200],
        ["times-rounded", "a.csv", 0, "1.6000E+09", 0],
    ]


def test_an_absent_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        do(tmp_path, settings(write(tmp_path / "data", rows(), items=None)))


def test_the_latest_span_is_read(tmp_path):
    write(tmp_path / "data/span-1", rows()[:100])
    write(tmp_path / "data/span-2", rows()[100:])
    chosen = settings(tmp_path / "data", ratings="span-{SPAN}/ratings.csv", items="span-{SPAN}/items.csv")
    assert do(tmp_path, chosen).summary["files"]["span-2/ratings.csv"]["rows"] == 800


def test_workers_elsewhere_find_the_files_of_a_relative_folder(tmp_path, monkeypatch):
    write(tmp_path / "data", rows())
    monkeypatch.chdir(tmp_path)
    chosen = settings(Path("data"))
    [block] = executor._plan(resolved(chosen), chosen.data).ratings
    assert (block.layout.path, block.layout.file) == (str(tmp_path / "data" / "ratings.csv"), "ratings.csv")


def test_settings_of_other_steps_leave_the_cache_valid(tmp_path):
    chosen = settings(tmp_path)
    other = chosen.model_copy(update={"features": chosen.features.model_copy(update={"title_words": 7})})
    sliced = chosen.model_copy(update={"features": chosen.features.model_copy(update={"item_popularity_bounds": (7,)})})
    keys = [RatingsExampleGen(one, "1").spec.exec_properties["settings"] for one in (chosen, other, sliced)]
    assert keys[0] == keys[1] != keys[2]

import json
from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from tfx.types import standard_artifacts

import semaphores
from components.statistics_gen import executor

pytestmark = semaphores.needed


def test_all_files_of_a_small_split_are_read():
    assert executor.draw(["a", "b"], 100_000) == ["a", "b"]
    assert executor.draw(["a"], 0) == ["a"]


def test_of_many_files_the_first_are_read():
    files = [f"{number:02}" for number in range(40)]
    assert executor.draw(files, 2_000_000) == files[:2]
    assert executor.draw(files, 2_700_000) == files[:1]


def test_a_large_file_is_read_as_a_whole():
    assert executor.draw(["a", "b"], 8_000_000) == ["a"]


def _write(folder: Path, name: str, *ratings: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / name), "GZIP") as writer:
        for rating in ratings:
            feature = {"rating": tf.train.Feature(float_list=tf.train.FloatList(value=[rating]))}
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


@pytest.mark.parametrize(("most", "expected"), [(100_000, 5), (3, 2)])
def test_statistics_are_those_of_the_sample(tmp_path: Path, monkeypatch, most: int, expected: int):
    monkeypatch.setattr(executor, "MOST_ROWS", most)
    examples, statistics = standard_artifacts.Examples(), standard_artifacts.ExampleStatistics()
    examples.uri, statistics.uri = str(tmp_path / "examples"), str(tmp_path / "statistics")
    examples.split_names = '["train", "eval", "users", "candidates"]'
    examples.set_int_custom_property("train_rows", 5)
    examples.set_int_custom_property("eval_rows", 1)
    _write(tmp_path / "examples" / "Split-train", "0.gz", 1.0, 2.0)
    _write(tmp_path / "examples" / "Split-train", "1.gz", 3.0, 4.0, 5.0)
    _write(tmp_path / "examples" / "Split-eval", "0.gz", 3.0)

    executor.Executor().Do({"examples": [examples]}, {"statistics": [statistics]}, {})

    [train, evaluated] = (
        tfdv.load_stats_binary(str(tmp_path / "statistics" / f"Split-{split}" / "FeatureStats.pb")).datasets[0]
        for split in ("train", "eval")
    )
    assert (train.num_examples, evaluated.num_examples) == (expected, 1)
    assert train.features[0].num_stats.max == expected, "the first file has 1 and 2"
    assert statistics.split_names == '["train", "eval"]'
    shares = json.loads(statistics.get_json_value_custom_property("sample_rate_by_split"))
    assert shares["eval"] == 1 and shares["train"] == (1 if expected == 5 else 0.5)

"""`Do()` on a real SavedModel: what is written, what is kept after a kill, and what is made again."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import standard_artifacts

from components.batch.component import Recommendations
from components.batch.executor import Executor
from components.batch.known_users import SCHEMA, KnownUsers
from pipeline.engines import beam
from recommendations import assert_same
from schemas.settings import BatchSettings, BeamSettings

K = 5


def do(version: Path, folder: Path, pushed: int = 1, k: int = K, code_version: str = "c") -> Recommendations:
    model, recommendations = standard_artifacts.PushedModel(), Recommendations()
    model.set_int_custom_property("pushed", pushed)
    if pushed:
        model.set_string_custom_property("pushed_destination", str(version))
    settings = BatchSettings(k=k, users_per_shard=6).model_dump_json(include={"k", "users_per_shard"})
    properties = {"settings": settings, "folder": str(folder), "code_version": code_version}
    context = BaseBeamExecutor.Context(beam_pipeline_args=beam.arguments(BeamSettings()), tmp_dir=str(folder / "tmp"))
    Executor(context).Do({"pushed_model": [model]}, {"recommendations": [recommendations]}, properties)
    return recommendations


def shards(folder: Path) -> dict[str, int]:
    """Inodes by name: a file that is written again has another one."""
    return {path.name: path.stat().st_ino for path in sorted((folder / "17").glob("shard-*"))}


@pytest.fixture
def written(version: Path, tmp_path: Path) -> Recommendations:
    return do(version, tmp_path)


def test_all_users_are_written_and_the_folder_is_one_table(version, written, tmp_path):
    users = KnownUsers(version, K)
    [expected] = users.tables(0, users.num_users, lambda done: None)
    assert list(shards(tmp_path)) == [f"shard-{number:05}-of-00004.parquet" for number in range(4)]
    assert (tmp_path / "17" / "_SUCCESS").exists()
    assert_same(pq.read_table(tmp_path / "17"), expected)
    assert_same(pa.Table.from_pandas(pd.read_parquet(tmp_path / "17"), SCHEMA), expected)
    assert written.get_string_custom_property("destination") == str(tmp_path / "17")
    assert written.get_int_custom_property("num_users") == 23
    assert written.get_int_custom_property("num_rows") == len(expected) == 21 * K + 3


def test_after_a_kill_only_what_is_missing_is_written(version, written, tmp_path):
    before, content = shards(tmp_path), pq.read_table(tmp_path / "17")
    lost = tmp_path / "17" / "shard-00002-of-00004.parquet"
    (tmp_path / "17" / ".partial-0123-shard-00002-of-00004.parquet").write_bytes(lost.read_bytes()[:100])
    kept = tmp_path / "kept"
    lost.rename(kept)  # and so keeps its inode taken
    (tmp_path / "17" / "_SUCCESS").unlink()
    again = do(version, tmp_path)
    after = shards(tmp_path)
    assert [name for name in before if after[name] != before[name]] == [lost.name]
    assert_same(pq.read_table(lost), pq.read_table(kept))
    assert_same(pq.read_table(tmp_path / "17"), content)
    assert {path.name for path in (tmp_path / "17").iterdir()} == {*before, "_SUCCESS", "_manifest.json"}
    assert again.get_int_custom_property("num_rows") == 21 * K + 3


@pytest.mark.parametrize("change", [{"k": 3}, {"code_version": "d"}])
def test_files_of_other_settings_or_code_are_made_again(version, written, tmp_path, change):
    for shard in shards(tmp_path):
        (tmp_path / "17" / shard).write_bytes(b"as it was")
    num_rows = do(version, tmp_path, **change).get_int_custom_property("num_rows")
    assert pq.read_table(tmp_path / "17").num_rows == num_rows == 21 * change.get("k", K) + 3


def test_files_of_another_model_are_made_again(version, written, tmp_path):
    manifest = json.loads((tmp_path / "17" / "_manifest.json").read_text())
    (tmp_path / "17" / "_manifest.json").write_text(json.dumps(manifest | {"model": "another"}))
    (tmp_path / "17" / "shard-00001-of-00004.parquet").write_bytes(b"of another model")
    do(version, tmp_path)
    assert pq.read_table(tmp_path / "17").num_rows == 21 * K + 3


@pytest.mark.parametrize("manifest", ["", '{"model": "1'])
def test_a_manifest_cut_short_vouches_for_nothing(version, written, tmp_path, manifest):
    (tmp_path / "17" / "_manifest.json").write_text(manifest)
    (tmp_path / "17" / "shard-00000-of-00003.parquet").write_bytes(b"of another number of files")
    do(version, tmp_path)
    assert list(shards(tmp_path)) == [f"shard-{number:05}-of-00004.parquet" for number in range(4)]


def test_a_model_that_was_not_pushed_is_reported_and_recommends_nothing(version, tmp_path, caplog):
    recommendations = do(version, tmp_path, pushed=0)
    assert not (tmp_path / "17").exists()
    assert not recommendations.has_custom_property("destination")
    assert "not blessed and pushed: no recommendations are written" in caplog.text

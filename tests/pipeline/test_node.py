import errno

import pytest

from pipeline import node


def test_a_full_disk_is_called_that():
    error = OSError(errno.ENOSPC, "No space left on device", "/data/artifacts")
    assert node.explain(error).startswith("The disk is full")
    wrapped = RuntimeError("could not write")
    wrapped.__cause__ = error
    assert node.explain(wrapped).startswith("The disk is full")


def test_of_a_long_trace_the_last_line_is_told():
    trace = "\n".join(["Traceback of a worker", *["  somewhere"] * 20, "KeyError: 'rating'"])
    assert node.explain(RuntimeError(trace)) == "RuntimeError: KeyError: 'rating'"


def _artifact(**properties: object):
    from ml_metadata.proto import metadata_store_pb2

    artifact = metadata_store_pb2.Artifact()
    for name, value in properties.items():
        artifact.custom_properties[name].string_value = str(value)
    return artifact


def test_recommendations_stand_as_long_as_they_are_there(tmp_path):
    assert node.stands(_artifact())
    assert node.stands(_artifact(destination=tmp_path))
    assert not node.stands(_artifact(destination=tmp_path / "gone"))


@pytest.mark.parametrize(("version", "stands"), [("2", True), ("1", False), ("3", False)])
def test_a_push_stands_as_long_as_it_is_the_newest_version(tmp_path, version, stands):
    for pushed in ("1", "2"):
        (tmp_path / pushed).mkdir()
    assert node.stands(_artifact(pushed_destination=tmp_path / version)) is stands


def test_a_push_whose_folder_is_gone_does_not_stand(tmp_path):
    assert not node.stands(_artifact(pushed_destination=tmp_path / "shop" / "1"))

import errno
import logging
from types import SimpleNamespace

import pytest

from pipeline import node
from pipeline.node import Artifact


def test_a_full_disk_is_called_that():
    error = OSError(errno.ENOSPC, "No space left on device", "/data/artifacts")
    assert node.explain(error).startswith("The disk is full")
    wrapped = RuntimeError("could not write")
    wrapped.__cause__ = error
    assert node.explain(wrapped).startswith("The disk is full")


def test_a_locked_metadata_store_is_called_that():
    error = RuntimeError("Concurrent writes aborted after max number of retries.")
    assert node.explain(error).startswith("The metadata store is locked by another program")


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
    assert node.stands(Artifact("", {}))
    assert node.stands(Artifact("", {"destination": str(tmp_path)}))
    assert not node.stands(Artifact("", {"destination": str(tmp_path / "gone")}))


@pytest.mark.parametrize(("version", "stands"), [("2", True), ("1", False), ("3", False)])
def test_a_push_stands_as_long_as_it_is_the_newest_version(tmp_path, version, stands):
    for pushed in ("1", "2"):
        (tmp_path / pushed).mkdir()
    assert node.stands(Artifact("", {"pushed_destination": str(tmp_path / version)})) is stands


def test_a_push_whose_folder_is_gone_does_not_stand(tmp_path):
    assert not node.stands(Artifact("", {"pushed_destination": str(tmp_path / "shop" / "1")}))


def test_an_artifact_is_described_without_tfx():
    artifact = _artifact(pushed_destination="/serving/17")
    artifact.uri = "/artifacts/Pusher/pushed_model/3"
    artifact.custom_properties["is_new"].int_value = 1
    expected = Artifact("/artifacts/Pusher/pushed_model/3", {"pushed_destination": "/serving/17", "is_new": 1})
    assert node.described(artifact) == expected
    artifact.custom_properties["structure"].struct_value.fields["x"].number_value = 1
    assert node.described(artifact) == expected


def test_what_no_longer_stands_is_taken_out_of_the_cache_and_the_rest_is_left_alone(tmp_path, caplog):
    import ml_metadata
    from ml_metadata.proto import metadata_store_pb2 as protos

    store = ml_metadata.MetadataStore(protos.ConnectionConfig(fake_database=protos.FakeDatabaseConfig()))
    of_nodes = store.put_context_type(protos.ContextType(name="node"))
    of_steps = store.put_execution_type(protos.ExecutionType(name="Pusher"))
    of_files = store.put_artifact_type(protos.ArtifactType(name="PushedModel"))
    [context] = store.put_contexts([protos.Context(type_id=of_nodes, name="shop.Pusher")])

    def put(event: int, **properties: object) -> int:
        artifact = _artifact(**properties)
        artifact.type_id, artifact.state = of_files, protos.Artifact.LIVE
        [artifact_id] = store.put_artifacts([artifact])
        [execution] = store.put_executions([protos.Execution(type_id=of_steps)])
        store.put_events([protos.Event(artifact_id=artifact_id, execution_id=execution, type=event)])
        store.put_attributions_and_associations([], [protos.Association(context_id=context, execution_id=execution)])
        return artifact_id

    (tmp_path / "2").mkdir()
    names = ("gone", "there", "without", "input")
    made = [
        put(protos.Event.OUTPUT, pushed_destination=tmp_path / "1"),
        put(protos.Event.OUTPUT, pushed_destination=tmp_path / "2"),
        put(protos.Event.OUTPUT),
        put(protos.Event.INPUT, pushed_destination=tmp_path / "1"),
    ]
    name = SimpleNamespace(field_value=SimpleNamespace(string_value="shop.Pusher"))
    contexts = SimpleNamespace(contexts=[SimpleNamespace(type=SimpleNamespace(name="node"), name=name)])
    with caplog.at_level(logging.WARNING, "atalaya"):
        node._forget_lost(SimpleNamespace(store=store), SimpleNamespace(contexts=contexts))
    states = {artifact.id: artifact.state for artifact in store.get_artifacts_by_id(made)}
    live = {name: states[artifact_id] == protos.Artifact.LIVE for name, artifact_id in zip(names, made, strict=True)}
    assert live == {"gone": False, "there": True, "without": True, "input": True}
    assert "are gone" in caplog.text

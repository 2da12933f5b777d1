import fcntl
import multiprocessing
from pathlib import Path

import pytest


def _is_free(lock: Path) -> bool:
    with open(lock) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_the_lock_is_held_while_the_store_is_entered_however_often(tmp_path):
    from tfx.orchestration import metadata

    from pipeline.metadata_in_turn import InTurn

    lock = tmp_path / "metadata.lock"
    store = InTurn(metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite")), lock)
    with store:
        with store as again:
            assert again.store.get_executions() == []
        assert not _is_free(lock)
    assert _is_free(lock)
    with pytest.raises(ZeroDivisionError), store:
        raise ZeroDivisionError
    assert _is_free(lock)


def test_a_store_that_cannot_be_opened_is_not_locked(tmp_path, monkeypatch):
    from tfx.orchestration import metadata

    from pipeline.metadata_in_turn import InTurn

    monkeypatch.setattr(metadata, "_MAX_INIT_RETRY", 1, raising=False)
    (tmp_path / "metadata.sqlite").mkdir()
    lock = tmp_path / "metadata.lock"
    store = InTurn(metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite")), lock)
    with pytest.raises(RuntimeError), store:
        pass
    assert _is_free(lock)


def _write(folder: Path, times: int) -> None:
    from ml_metadata.proto import metadata_store_pb2 as protos
    from tfx.orchestration import metadata

    from pipeline.metadata_in_turn import InTurn

    store = InTurn(metadata.sqlite_metadata_connection_config(str(folder / "metadata.sqlite")), folder / "lock")
    for _ in range(times):
        with store as handle:
            kind = handle.store.put_execution_type(protos.ExecutionType(name="Trainer"))
            handle.store.put_executions([protos.Execution(type_id=kind)])


def test_writes_of_several_processes_all_arrive(tmp_path):
    from tfx.orchestration import metadata

    connection = metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite"))
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(tmp_path, 20)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    with metadata.Metadata(connection) as handle:
        assert len(handle.store.get_executions()) == 60

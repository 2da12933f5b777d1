"""The model's answers from blocks of users, with Beam's direct engine and a model of a few lines."""

import logging
import pickle
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pytest

from components.evaluator import flow
from pipeline.engines.beam import arguments
from recommender.evaluation.answers import Answers, Client
from recommender.evaluation.held_out import HeldOut
from schemas.settings import BeamSettings
from small_interactions import interactions

CATALOGUE = [b"i%d" % item for item in range(150)]
NUM_USERS = 9
USERS = np.array([b"u%d\0" % user for user in range(NUM_USERS)], object)


class Model:
    """Shows each user the catalogue from another item on, and rates by the numbers in the ids."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        """Number of users in each call."""

    def recommend(self, user_id: np.ndarray, k: int) -> dict[str, Any]:
        self.asked.append(len(user_id))
        return {"item_id": np.array([np.roll(CATALOGUE, -_number(user))[:k] for user in user_id]), "is_known": True}

    retrieve = recommend

    def rate(self, user_id: np.ndarray, item_id: np.ndarray) -> dict[str, Any]:
        pairs = zip(user_id, item_id, strict=True)
        return {"rating": np.array([_number(user) + _number(item) / 7 for user, item in pairs])}


def _number(name: bytes) -> int:
    return int(name[1:].rstrip(b"\0"))


@pytest.fixture
def model(monkeypatch) -> Model:
    model = Model()
    monkeypatch.setattr(flow, "load", {"model": model}.__getitem__)
    return model


@pytest.fixture
def held_out() -> HeldOut:
    """User u has u + 1 events."""
    users = np.repeat(np.arange(NUM_USERS), np.arange(NUM_USERS) + 1)
    return HeldOut.of(interactions(users, np.arange(len(users)), 3.0, None, num_items=len(CATALOGUE)), 0, NUM_USERS)


def _expected(held_out: HeldOut) -> Answers:
    return Client(Model(), CATALOGUE).ask(held_out, USERS, lambda done: None)


def _assert_same(found: Answers, expected: Answers) -> None:
    for one, other in zip(found, expected, strict=True):
        assert (one is None) == (other is None)
        assert one is None or (one.dtype == other.dtype and np.array_equal(one, other))


@pytest.mark.parametrize(("most", "sizes"), [(512, [3, 3, 3]), (2, [2, 2, 2, 2, 1])])
def test_answers_by_block_are_those_of_one_call_in_order(most, sizes, model, held_out, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(flow, "_MOST_USERS", most)
    caplog.set_level(logging.DEBUG, "atalaya")
    make_pipeline = lambda: beam.Pipeline(argv=arguments(BeamSettings()))  # noqa: E731
    found = flow.ask(make_pipeline, "model", held_out, USERS, CATALOGUE, str(tmp_path), "judging")
    _assert_same(found, _expected(held_out))
    assert sorted(model.asked[::2], reverse=True) == sizes
    assert not list(tmp_path.iterdir())
    progress = [record.progress for record in caplog.records if hasattr(record, "progress")]
    assert len(progress) == len(sizes) and progress[-1] == ("judging", NUM_USERS, NUM_USERS)


def test_a_worker_that_dies_while_it_writes_leaves_no_answers_and_another_repeats_them(
    model, held_out, tmp_path, monkeypatch
):
    flow.write(CATALOGUE, f"{tmp_path}/catalogue")
    flow.write((held_out, USERS), f"{tmp_path}/questions-0")
    worker = flow._AskModel("model", str(tmp_path), "judging", NUM_USERS)
    worker.setup()
    with monkeypatch.context() as broken:
        broken.setattr(flow.fileio, "rename", _fail)
        with pytest.raises(OSError, match="killed"):
            worker.process(0)
    assert not (tmp_path / "answers-0").exists()
    for _ in range(2):  # the second time, over complete answers
        worker.process(0)
        _assert_same(flow.read(f"{tmp_path}/answers-0"), _expected(held_out))


def _fail(source: str, target: str, overwrite: bool) -> None:
    assert Path(source).stat().st_size > 0
    raise OSError("killed")


def test_a_lost_worker_does_not_answer_for_the_next_model(model, held_out, tmp_path, monkeypatch):
    lost: list[str] = []

    class Late(flow._AskModel):
        def process(self, block: int) -> None:
            lost.append(self._folder)
            super().process(block)
            for folder in lost[:1]:
                Path(folder).mkdir(exist_ok=True)
                (Path(folder) / f"answers-{block}").write_bytes(b"too late")

    monkeypatch.setattr(flow, "_AskModel", Late)
    make_pipeline = lambda: beam.Pipeline(argv=arguments(BeamSettings()))  # noqa: E731
    with pytest.raises(pickle.UnpicklingError):
        flow.ask(make_pipeline, "model", held_out, USERS, CATALOGUE, str(tmp_path), "judging")
    _assert_same(
        flow.ask(make_pipeline, "model", held_out, USERS, CATALOGUE, str(tmp_path), "judging"), _expected(held_out)
    )

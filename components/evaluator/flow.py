"""The Beam graph: the model's answers, which its workers compute a block of users at a time.

Questions and answers are files, since a job server limits the size of what the graph holds.
"""

import contextlib
import functools
import logging
import pickle
import threading
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
from tfx.dsl.io import fileio

from recommender.evaluation.answers import Answers, Client, join
from recommender.evaluation.held_out import HeldOut
from recommender.serving.saved_model import load_saved_model

_MOST_USERS = 512
"""Maximum number of users in a block."""
_FEWEST_BLOCKS = 4
"""Approximate number of blocks for few users, so that several workers get one."""
_CATALOGUE, _QUESTIONS, _ANSWERS = "catalogue", "questions", "answers"
_LOADING = threading.Lock()
"""An engine may start several workers in threads of one process."""
_LOG = logging.getLogger("atalaya")

MakePipeline = Callable[[], beam.Pipeline]


def load(model: str) -> Any:
    """Loads a SavedModel once per process, from a folder or an address of a file system that TensorFlow knows."""
    with _LOADING:
        return _load(model)


@functools.lru_cache(maxsize=1)
def _load(model: str) -> Any:
    return tf.saved_model.load(model) if "://" in model else load_saved_model(Path(model))


def ask(
    make_pipeline: MakePipeline,
    model: str,
    held_out: HeldOut,
    users: np.ndarray,
    catalogue: Sequence[bytes],
    folder: str,
    what: str,
) -> Answers:
    """Asks a model about held-out users and events.

    Args:
      make_pipeline: makes a pipeline of the engine whose workers compute the answers.
      model: folder or address of the SavedModel.
      held_out: n users and their events.
      users: [n] ids (bytes) of the users.
      catalogue: ids of the items by index.
      folder: existing folder or address, which the workers see too; questions and answers are below it until the end.
      what: what is being done, to show progress.
    """
    size = min(_MOST_USERS, -(-len(users) // _FEWEST_BLOCKS))
    begins = range(0, len(users), size)
    # Its own, since a lost worker may still answer for another model.
    asked = f"{folder}/asked-{uuid.uuid4().hex}"
    fileio.makedirs(asked)
    try:
        write(catalogue, f"{asked}/{_CATALOGUE}")
        for block, begin in enumerate(begins):
            end = min(begin + size, len(users))
            write((held_out.part(begin, end), users[begin:end]), f"{asked}/{_QUESTIONS}-{block}")
        with make_pipeline() as pipeline:
            (
                pipeline
                | "Blocks" >> beam.Create(range(len(begins)))
                | "Spread" >> beam.Reshuffle()
                | "AskModel" >> beam.ParDo(_AskModel(model, asked, what, len(users)))
            )
        return join([read(f"{asked}/{_ANSWERS}-{block}") for block in range(len(begins))])
    finally:
        # A lost worker may write there meanwhile; what it leaves does no harm.
        with contextlib.suppress(OSError, tf.errors.OpError):
            fileio.rmtree(asked)


class _AskModel(beam.DoFn):
    """Writes the answers for a block of users."""

    def __init__(self, model: str, folder: str, what: str, num_users: int):
        self._model, self._folder, self._what, self._num_users = model, folder, what, num_users

    def setup(self) -> None:
        """Loads the model."""
        self._client, self._done = Client(load(self._model), read(f"{self._folder}/{_CATALOGUE}")), 0

    def process(self, block: int) -> None:
        """Asks about the block's users."""
        held_out, users = read(f"{self._folder}/{_QUESTIONS}-{block}")
        write(self._client.ask(held_out, users, self._report), f"{self._folder}/{_ANSWERS}-{block}")
        self._done += len(users)

    def _report(self, done: int) -> None:
        progress = self._what, self._done + done, self._num_users
        _LOG.debug("%s: %d of %d", *progress, extra={"progress": progress})


def write(value: Any, path: str) -> None:
    """Writes a file that appears whole or not at all, and replaces one: an engine may run a part of a step again."""
    partial = f"{path}.partial-{uuid.uuid4().hex}"
    with fileio.open(partial, "wb") as file:
        file.write(pickle.dumps(value))
    fileio.rename(partial, path, overwrite=True)


def read(path: str) -> Any:
    """Reads what `write` wrote."""
    with fileio.open(path, "rb") as file:
        return pickle.loads(file.read())

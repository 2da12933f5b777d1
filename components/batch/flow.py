"""The Beam graph: each worker loads the model once and writes one file at a time."""

import logging
from pathlib import Path

import apache_beam as beam

from components.batch.files import write_parquet
from components.batch.known_users import load
from components.batch.shards import Shard

_log = logging.getLogger("atalaya")


def build(pipeline: beam.Pipeline, shards: list[Shard], model: Path, k: int) -> None:
    """Adds the transforms that write the shards.

    Args:
      pipeline: the pipeline to add to.
      shards: the shards to write, at least one.
      model: folder of the SavedModel.
      k: number of items recommended to each user.
    """
    numbered = list(enumerate(shards, start=1))
    (
        pipeline
        | "Shards" >> beam.Create(numbered)
        | "Spread" >> beam.Reshuffle()
        | "WriteShard" >> beam.ParDo(_WriteShard(model, k, len(shards)))
    )


class _WriteShard(beam.DoFn):
    """Writes the file of a shard."""

    def __init__(self, model: Path, k: int, num_shards: int):
        self._model, self._k, self._num_shards = model, k, num_shards

    def setup(self) -> None:
        """Loads the model."""
        self._users = load(self._model, self._k)

    def process(self, numbered: tuple[int, Shard]) -> None:
        """Writes the recommendations for the shard's users."""
        number, shard = numbered
        what, size = f"recommendations {number}/{self._num_shards}", shard.end - shard.begin

        def report(done: int) -> None:
            _log.debug("%s: %d of %d", what, done, size, extra={"progress": (what, done, size)})

        write_parquet(self._users.tables(shard.begin, shard.end, report), self._users.schema, shard.path)

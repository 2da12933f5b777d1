"""Writes the files of this step."""

import json
import os
import uuid
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf
from tfx.dsl.io import fileio

from components.example_gen.encoding import encode_candidates, encode_ratings, encode_users, label_slices
from components.example_gen.split import EVAL, LEFT_OUT, REPLACED, TRAIN, Shard
from components.example_gen.summary import Counts, as_tree
from recommender.sources.catalogue import join_catalogue
from recommender.sources.rows import Note, Reject, add_up, rejects_as_csv
from schemas.hashing import mix
from schemas.settings import DataSettings, FeatureSettings, SplitSettings

ENCODED_AT_ONCE = 8_192
"""Number of examples encoded at once; limits the memory that they take."""
EXAMPLES = 3
"""Number of ids shown of those that do not match."""
COMPRESSION_LEVEL = 1
"""Of gzip; the default level takes several times as long."""

WRITTEN_SIDES = {"train": TRAIN, "eval": EVAL}


class Sections(NamedTuple):
    """The settings this step uses."""

    data: DataSettings
    split: SplitSettings
    features: FeatureSettings


class Outputs(NamedTuple):
    """The paths of the results: a folder by split name, and two files."""

    splits: dict[str, str]
    rejects: str
    summary: str


def write_ratings(shard: Shard, num_shards: int, settings: Sections, outputs: Outputs, tally: pd.DataFrame) -> Counts:
    """Writes the examples of a shard's events, in a random order that is always the same, and of its users.

    The users are those with training events.

    Args:
      shard: the users' events, divided.
      num_shards: number of shards; each writes one file per split.
      settings: bounds of the slices.
      outputs: where to write.
      tally: `train` and `eval`, every item's number of events by its id.

    Returns:
      The shard's counts.
    """
    events, side = shard.events, shard.side
    train = np.flatnonzero(side == TRAIN)
    user_events = np.bincount(events.user[train], minlength=len(events.users))
    item_events = tally["train"].reindex(events.items).to_numpy()
    activity = label_slices(user_events, settings.features.user_activity_bounds)
    popularity = label_slices(item_events, settings.features.item_popularity_bounds)
    order = np.argsort(mix(events.identity ^ events.timestamp.astype(np.uint64)), kind="stable")
    for name, which in WRITTEN_SIDES.items():
        rows = order[side[order] == which]
        slices = np.split(rows, range(ENCODED_AT_ONCE, len(rows), ENCODED_AT_ONCE))
        batches = (encode_ratings(events, part, activity, popularity) for part in slices)
        _write_records(outputs.splits[name], shard.number, num_shards, batches)
    trained = events.users[user_events > 0]
    _write_records(outputs.splits["users"], shard.number, num_shards, [encode_users(trained)])
    return _count(shard)


def _count(shard: Shard) -> Counts:
    events, side = shard.events, shard.side
    counts: Counts = {
        ("ratings", "users"): len(events.users),
        ("repeats", "merged"): shard.num_merged,
        ("repeats", "replaced"): int((side == REPLACED).sum()),
        ("repeats", "left_out"): int((side == LEFT_OUT).sum()),
    }
    for name, which in WRITTEN_SIDES.items():
        users = events.user[side == which]
        counts["splits", name, "rows"] = len(users)
        counts["splits", name, "users"] = len(np.unique(users))
    return counts


def write_candidates(
    _: None, data: DataSettings, folder: str, described: list[pd.DataFrame], tally: pd.DataFrame
) -> Counts:
    """Writes the catalogue; returns the counts of items.

    Args:
      data: the text between an item's genres.
      folder: where to write.
      described: rows of the items files: `item`, `title`, `genres`, `file`, `line`; none without an items file.
      tally: `train` and `eval`, every rated item's number of events by its id.
    """
    none = pd.DataFrame(columns=["item", "title", "genres", "file", "line"], dtype=object)
    trained = tally["train"][tally["train"] > 0]
    catalogue = join_catalogue(pd.concat([none, *described]), trained)
    _write_records(folder, 0, 1, [encode_candidates(catalogue.items, data.genre_separator)])
    counts: Counts = {
        ("ratings", "items"): len(tally),
        ("splits", "train", "items"): len(trained),
        ("splits", "eval", "items"): int((tally["eval"] > 0).sum()),
        ("splits", "candidates", "rows"): len(catalogue.items),
    }
    if described:
        counts["rated_items_not_described",] = len(catalogue.missing)
        counts["items_repeated",] = catalogue.num_repeats
        counts["examples", "not_described"] = catalogue.missing[:EXAMPLES].tolist()
        counts["examples", "described"] = [item for part in described for item in part["item"][:EXAMPLES]][:EXAMPLES]
    return counts


def write_rejects(rejects: list[Reject], path: str) -> None:
    """Writes the list of rejects."""
    _write_text(path, rejects_as_csv(rejects))


def write_summary(counts: Counts, notes: list[Note], path: str) -> None:
    """Writes the counts as a tree of JSON, with `notes` and those of all blocks added up."""
    found = sorted([*notes, *(Note(*values) for values in counts["notes",])])
    counts = {**counts, ("notes",): [list(note) for note in add_up(found)]}
    _write_text(path, json.dumps(as_tree(counts), indent=2) + "\n")


def _write_text(path: str, text: str) -> None:
    with fileio.open(path, "wb") as stream:
        stream.write(text.encode())


def _write_records(folder: str, shard: int, num_shards: int, batches: Iterable[list[bytes]]) -> None:
    """Writes one file; a worker that retries writes the same examples to the same name.

    Only a complete file gets the name: a worker that was considered lost may still be writing when another finishes.
    """
    fileio.makedirs(folder)
    name = f"data_tfrecord-{shard:05d}-of-{num_shards:05d}.gz"
    # Not in the split's folder, where every file is read.
    partial = os.path.join(os.path.dirname(folder.rstrip("/")), f"partial-{uuid.uuid4().hex}-{name}")
    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=COMPRESSION_LEVEL)
    try:
        with tf.io.TFRecordWriter(partial, options) as writer:
            for batch in batches:
                for example in batch:
                    writer.write(example)
        fileio.rename(partial, os.path.join(folder, name), overwrite=True)
    except BaseException:
        fileio.remove(partial)
        raise

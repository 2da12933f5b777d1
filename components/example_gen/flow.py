"""The Beam pipeline from blocks of files to tf.Examples: every element is a block, a shard of users, or a count."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.pvalue import AsList, AsSingleton, PCollection, TaggedOutput

from components.example_gen.split import (
    DAY,
    Shard,
    drop_repeats,
    eval_rank,
    hash_ids,
    locate,
    sort_events,
    split_by_time,
    split_last,
    split_randomly,
)
from components.example_gen.summary import Counts, has_ratings, merge_counts
from components.example_gen.writing import (
    WRITTEN_SIDES,
    Outputs,
    Sections,
    write_candidates,
    write_ratings,
    write_rejects,
    write_summary,
)
from recommender.sources.blocks import Block, read_block
from recommender.sources.rows import Note, add_up
from recommender.sources.spellings import Spellings
from schemas.settings import DataSettings, SplitSettings


class Blocks(NamedTuple):
    """What is read: the blocks of each table, in how many shards the users are divided, and notes on whole files."""

    ratings: list[Block]
    items: list[Block]
    num_shards: int
    notes: list[Note]


def build(pipeline: beam.Pipeline, blocks: Blocks, settings: Sections, outputs: Outputs) -> None:
    """Adds the whole flow to `pipeline`; it writes the examples, the rejects and the summary."""
    rating_rows = _read(pipeline, "Ratings", blocks.ratings, settings.data)
    item_rows = _read(pipeline, "Items", blocks.items, settings.data)
    if settings.data.merge_names:
        rating_rows, item_rows = _merge_names(rating_rows, item_rows)
    facts = rating_rows.rows | "Facts" >> beam.Map(_facts) | "MergeFacts" >> beam.CombineGlobally(merge_counts)
    cut = _cut(pipeline, rating_rows.rows, settings.split)
    shards = (
        rating_rows.rows
        | "ByUser" >> beam.FlatMap(_by_user, blocks.num_shards)
        | beam.GroupByKey()
        | "Split" >> beam.Map(_split, settings, facts=AsSingleton(facts), cut=AsSingleton(cut))
    )
    tally = shards | "TallyShard" >> beam.Map(_tally) | "Tally" >> beam.CombineGlobally(_merge_tallies)
    written = shards | "WriteRatings" >> beam.Map(
        write_ratings, blocks.num_shards, settings, outputs, tally=AsSingleton(tally)
    )
    catalogue = (
        pipeline
        | "Once" >> beam.Create([None])
        | "WriteCandidates"
        >> beam.Map(
            write_candidates,
            settings.data,
            outputs.splits["candidates"],
            described=AsList(item_rows.rows | beam.Map(pa.Table.to_pandas)),
            tally=AsSingleton(tally),
        )
    )
    (
        (rating_rows.rejects, item_rows.rejects)
        | "Rejects" >> beam.Flatten()
        | beam.combiners.ToList()
        | "WriteRejects" >> beam.Map(write_rejects, outputs.rejects)
    )
    (
        (
            rating_rows.counts,
            item_rows.counts,
            facts,
            written,
            catalogue,
            cut | beam.Map(lambda when: {("cut",): when}),
        )
        | "Counts" >> beam.Flatten()
        | "MergeCounts" >> beam.CombineGlobally(merge_counts)
        | "WriteSummary" >> beam.Map(write_summary, blocks.notes, outputs.summary)
    )


class _Rows(NamedTuple):
    """Of a table: the usable rows (tables), the rejects, and the counts."""

    rows: PCollection
    rejects: PCollection
    counts: PCollection


def _read(pipeline: beam.Pipeline, name: str, blocks: list[Block], data: DataSettings) -> _Rows:
    read = (
        pipeline
        | f"{name}Blocks" >> beam.Create(blocks)
        | f"Spread{name}" >> beam.Reshuffle()
        | f"Parse{name}" >> beam.ParDo(_parse_block, data).with_outputs("rejects", "counts", main="rows")
    )
    return _Rows(read.rows, read.rejects, read.counts)


def _parse_block(block: Block, data: DataSettings) -> Iterator[Any]:
    file = block.layout.file
    notes: list[Note] = []
    for parsed in read_block(block, data):
        notes += parsed.notes
        yield parsed.table.append_column("file", pa.array([file] * len(parsed.table), pa.string()))
        for reject in parsed.rejects:
            yield TaggedOutput("rejects", reject)
        rejected = sum(parsed.reasons.values())
        counts: Counts = {("files", file, "reasons", reason): count for reason, count in parsed.reasons.items()}
        counts["files", file, "rows"] = len(parsed.table) + rejected + parsed.left_out
        counts["files", file, "accepted"] = len(parsed.table)
        counts["files", file, "rejected"] = rejected
        counts["files", file, "left_out"] = parsed.left_out
        yield TaggedOutput("counts", counts)
    yield TaggedOutput("counts", {("notes",): [list(note) for note in add_up(notes)]})


def _merge_names(ratings: _Rows, items: _Rows) -> tuple[_Rows, _Rows]:
    """Gives items the most frequent of the spellings that differ only in letter case, spaces and the like."""
    spellings = (
        ratings.rows
        | "CountNames" >> beam.Map(lambda table: Counter(table["item"].to_pylist()))
        | "MergeNames" >> beam.CombineGlobally(_merge_counters)
        | "Spellings" >> beam.Map(Spellings.of)
    )
    rated, described = (
        rows.rows | f"Rename{name}" >> beam.Map(_rename, spellings=AsSingleton(spellings))
        for name, rows in (("Ratings", ratings), ("Items", items))
    )
    return ratings._replace(rows=rated), items._replace(rows=described)


def _rename(table: pa.Table, spellings: Spellings) -> pa.Table:
    encoded = table["item"].combine_chunks().dictionary_encode()
    shown = pa.array([spellings.shown(name) for name in encoded.dictionary.to_pylist()], pa.string())
    return table.set_column(table.column_names.index("item"), "item", shown.take(encoded.indices))


def _facts(table: pa.Table) -> Counts:
    """Counts the rows, those with a rating and those with a time, and finds the lowest and highest rating."""
    rating, timestamp = table["rating"], table["timestamp"]
    counts: Counts = {
        ("ratings", "rows"): len(table),
        ("ratings", "rated"): len(table) - rating.null_count,
        ("ratings", "timed"): len(table) - timestamp.null_count,
    }
    for name, value in pc.min_max(rating).as_py().items():
        if value is not None:
            counts["ratings", name] = value
    return counts


def _cut(pipeline: beam.Pipeline, rows: PCollection, split: SplitSettings) -> PCollection:
    """Returns the timestamp at which evaluation starts, found by day, then by second; None unless the split is by time.

    Two small histograms give the exact quantile, however many distinct timestamps there are.
    """
    if split.method != "time":
        return pipeline | "NoCut" >> beam.Create([None])
    day = (
        rows
        | "CountDays" >> beam.Map(lambda table: Counter((_times(table) // DAY).tolist()))
        | "MergeDays" >> beam.CombineGlobally(_merge_counters)
        | "LocateDay" >> beam.Map(lambda days: locate(days, eval_rank(sum(days.values()), split.eval_share)))
    )
    return (
        rows
        | "CountSeconds" >> beam.Map(_count_seconds, day=AsSingleton(day))
        | "MergeSeconds" >> beam.CombineGlobally(_merge_counters)
        | "LocateSecond" >> beam.Map(lambda seconds, day: locate(seconds, day[1])[0], day=AsSingleton(day))
    )


def _count_seconds(table: pa.Table, day: tuple[int, int]) -> Counter[int]:
    timestamp = _times(table)
    return Counter(timestamp[timestamp // DAY == day[0]].tolist())


def _times(table: pa.Table) -> np.ndarray:
    """Returns the timestamps of the rows that have one."""
    return table["timestamp"].drop_null().to_numpy()


def _merge_counters(counters: Iterable[Counter[Any]]) -> Counter[Any]:
    merged: Counter[Any] = Counter()
    for counter in counters:
        merged.update(counter)
    return merged


def _by_user(table: pa.Table, num_shards: int) -> Iterator[tuple[int, pa.Table]]:
    encoded = table["user"].combine_chunks().dictionary_encode()
    hashes = hash_ids(encoded.dictionary.to_numpy(zero_copy_only=False))
    shards = (hashes % np.uint64(num_shards)).astype(np.int64)[encoded.indices.to_numpy()]
    for shard in np.unique(shards):
        yield int(shard), table.take(pa.array(np.flatnonzero(shards == shard)))


def _split(grouped: tuple[int, Iterable[pa.Table]], settings: Sections, facts: Counts, cut: int | None) -> Shard:
    number, tables = grouped
    rows = pa.concat_tables(list(tables))
    events = sort_events(rows)
    is_rated, split = has_ratings(facts), settings.split
    if not is_rated:
        events = events._replace(rating=np.full(len(events.rating), np.nan))
    if split.method == "last":
        side = split_last(events)
    elif cut is None:
        side = split_randomly(events.identity, split.eval_share, split.seed)
    else:
        side = split_by_time(events, cut)
    repeats = settings.data.repeats
    if repeats == "auto":
        repeats = "last" if is_rated else "each"
    return Shard(number, events, drop_repeats(events, side, repeats), len(rows) - len(events.user))


def _tally(shard: Shard) -> pd.DataFrame:
    """Counts each item's training and evaluation events."""
    counts = {
        name: np.bincount(shard.events.item[shard.side == side], minlength=len(shard.events.items))
        for name, side in WRITTEN_SIDES.items()
    }
    return pd.DataFrame(counts, index=shard.events.items)


def _merge_tallies(tallies: Iterable[pd.DataFrame]) -> pd.DataFrame:
    none = pd.DataFrame({"train": [], "eval": []}, dtype=np.int64)
    return pd.concat([none, *tallies]).groupby(level=0).sum()

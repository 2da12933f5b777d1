"""Recommends from a history alone with a TFLite file of a pushed version, by LiteRT and without TensorFlow."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.commands.ids import refuse_joined
from schemas import layout, on_device_record
from schemas import signatures as names
from schemas.errors import DataError
from schemas.on_device_record import OnDeviceRecord, VariantRecord


def ask(version: Path, name: str | None, history: list[str], k: int) -> dict[str, Any]:
    """The items recommended after a history.

    Args:
      version: folder of a pushed version.
      name: of the model; None takes the first.
      history: ids of items, oldest first.
      k: number of items, at least 1.

    Returns:
      `on_device`, the file's name; `history`; `unknown_history`, the number of ids that the model does not know, and
      `unknown_ids`, these ids; `items` with id, title and score, the best first.

    Raises:
      DataError: this version has no such model, or the model returns fewer items, or reads ratings; or ids were
        joined by commas.
    """
    try:
        return _ask(version, name, history, k)
    except DataError:
        raise
    except (OSError, ValueError) as error:
        raise DataError(
            f"{version / layout.ON_DEVICE}: files are missing or cannot be read ({error}); run the "
            "pipeline, or name another version"
        ) from error


def _ask(version: Path, name: str | None, history: list[str], k: int) -> dict[str, Any]:
    record, variant = _choose(version, name)
    if k > record.k:
        raise DataError(
            f"{variant.file} returns {record.k} items, got k = {k}; ask for fewer, or set k of the model in [on_device]"
        )
    items = json.loads((version / layout.ON_DEVICE / record.items).read_text(encoding="utf-8"))
    titles = {item["id"]: item["title"] for item in items}
    refuse_joined("--history", history, lambda: titles)
    unknown = [id_ for id_ in history if id_ not in titles]
    ids, scores = _call(version / layout.ON_DEVICE / variant.file, variant, history)
    shown = [(id_, score) for id_, score in zip(ids, scores, strict=True) if id_][:k]
    return {
        "on_device": variant.file,
        "history": history,
        names.UNKNOWN_HISTORY: len(unknown),
        "unknown_ids": unknown,
        "items": [{names.ITEM_ID: id_, names.TITLE: titles[id_], names.SCORE: score} for id_, score in shown],
    }


def _choose(version: Path, name: str | None) -> tuple[OnDeviceRecord, VariantRecord]:
    """A model and the first of its files that takes raw ids; float32 comes first."""
    records = on_device_record.read(version)
    if not records:
        raise DataError(f"{version}: no on-device model in this version; add some in [on_device] and run the pipeline")
    usable = {
        record.name: (record, variant)
        for record in records
        for variant in reversed(record.exported)
        if names.RECOMMEND_IDS in variant.signatures
    }
    if name is None and usable:
        return next(usable[record.name] for record in records if record.name in usable)
    if name in usable:
        return usable[name]
    refused = {one.name: (*one.reasons, *(why for each in one.variants for why in each.reasons)) for one in records}
    if name is not None and name not in refused:
        raise DataError(f"{version}: no on-device model {name!r}; there are: {', '.join(refused)}")
    reasons = "; ".join(f"{one}: {'; '.join(why)}" for one, why in refused.items() if name in (None, one))
    raise DataError(f"{version}: no file that takes ids was exported of {name or 'any on-device model'} ({reasons})")


def _call(file: Path, variant: VariantRecord, history: list[str]) -> tuple[list[str], list[float]]:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    # A delegate does not speed up one call, and prints a line on the terminal.
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_path=str(file), num_threads=1, experimental_op_resolver_type=resolver)
    runner = interpreter.get_signature_runner(names.RECOMMEND_IDS)
    given = {names.HISTORY_ITEM_ID: np.array([os.fsencode(id_) for id_ in history], np.bytes_)}
    wanted = set(variant.signatures[names.RECOMMEND_IDS]["inputs"]) - set(given)
    if names.HISTORY_RATING in wanted:
        raise DataError(
            f"{file.name} reads the ratings of a history, for which there is no option; name a model that does not "
            "with --on-device-name, or call the file as docs/on-device.md describes"
        )
    # What is left are ages: all events are of this moment.
    for name in wanted:
        given[name] = np.zeros(len(history), np.float32)
    found = runner(**given)
    ids = [os.fsdecode(bytes(id_)) for id_ in found[names.ITEM_ID]]
    return ids, [float(score) for score in found[names.SCORE]]

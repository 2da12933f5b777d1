"""The TFLite files of one sequence model: conversion, comparison, measures and the gate."""

import hashlib
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.on_device_exporter import compare, gate, measure
from components.on_device_exporter.calibrated import convert_calibrated
from components.on_device_exporter.describe import PADDING, documented
from components.on_device_exporter.histories import make_histories
from components.on_device_exporter.measure import Ranked
from components.on_device_exporter.replay import Replayed, replay
from components.on_device_exporter.trained import Trained
from recommender.evaluation.ranks import gains
from recommender.tflite import convert, verify
from schemas import layout
from schemas import on_device_record as record
from schemas import signatures as names
from schemas.on_device_record import OnDeviceRecord, VariantRecord
from schemas.settings import OnDeviceSettings

_SIGNATURES = (names.RECOMMEND, names.RECOMMEND_IDS)
_SAMPLING = 0.05
"""How far a variant's agreement over a few dozen histories may be below its agreement over all windows."""


def export(trained: Trained, folder: Path, settings: OnDeviceSettings) -> OnDeviceRecord:
    """Writes the files of a model that pass the gate, and returns the record of all files.

    Args:
      trained: the model.
      folder: receives `<name>.tflite` for float32 and `<name>.<variant>.tflite` for the other variants.
      settings: the variants and thresholds.
    """
    measures = measure.measure(_ranks(trained))
    refused = gate.below_popularity(measures[0])
    made: list[VariantRecord] = []
    # float32 comes first, since the other variants are compared with it.
    for variant in sorted(settings.variants, key=lambda variant: variant != "float32"):
        file = folder / layout.tflite_file(trained.name, variant)
        found = _make(trained, file, variant)
        reasons = [*found.reasons]
        if not reasons:
            reasons = gate.shortcomings(found, next((one for one in made if one.variant == "float32"), None), settings)
        exported = not reasons and not refused
        made.append(found.model_copy(update={"exported": exported, "reasons": tuple(reasons)}))
        if not exported:
            file.unlink(missing_ok=True)
    return OnDeviceRecord(
        name=trained.name,
        format=record.FORMAT,
        saved_model=str(tf.saved_model.experimental.read_fingerprint(str(trained.saved_model)).singleprint()),
        tensorflow=tf.__version__,
        k=trained.k,
        exclude_seen=bool(trained.facts["exclude_seen"]),
        num_items=trained.num_items,
        items=layout.ON_DEVICE_ITEMS,
        padding=PADDING,
        training=trained.facts,
        measures=measures,
        reasons=tuple(refused),
        variants=tuple(made),
    )


def _ranks(trained: Trained) -> Ranked:
    """Ranks the labels among the scores of all items, and by popularity; both leave out excluded items."""
    excluded = trained.excluded
    ranks = [np.zeros(0)]
    for rows, logits in trained.logits():
        ranks.append(measure.places(logits, trained.label[rows], excluded[rows]))
    popular = [np.zeros(0)]
    for begin in range(0, len(trained.label), 1_000):
        rows = slice(begin, begin + 1_000)
        popular.append(measure.places(trained.popularity, trained.label[rows], excluded[rows]))
    return Ranked(np.concatenate(ranks), np.concatenate(popular), trained.context_length, trained.user)


def _make(trained: Trained, file: Path, variant: str) -> VariantRecord:
    """Writes one file and returns its record, not yet marked as exported, with the reasons if it fails."""
    try:
        if not len(trained.label):
            raise RuntimeError("it cannot be compared: there are no evaluation windows")
        if variant == "int8":
            signatures: tuple[str, ...] = (names.RECOMMEND,)
            content = convert_calibrated(str(trained.saved_model), names.RECOMMEND, trained.train)
        else:
            signatures = _SIGNATURES
            content = convert.convert(str(trained.saved_model), signatures, variant)
        operators = convert.operators(content, signatures)
        file.write_bytes(content)
        return _measure(trained, file, variant, operators)
    except RuntimeError as error:
        return VariantRecord(variant=variant, file=file.name, exported=False, reasons=(str(error),))


def _measure(trained: Trained, file: Path, variant: str, operators: list[str]) -> VariantRecord:
    width = int(trained.facts["settings"]["embedding_width"])
    replayed = replay(file, names.RECOMMEND, trained.eval, (width, trained.num_items))
    ranks = measure.places_in(replayed.item, trained.label, trained.num_items)
    comparison = _compare(trained, replayed)
    reasons = comparison.shortcomings() if variant == "float32" else []
    if names.RECOMMEND_IDS in replayed.signatures:
        least = 1.0 if variant == "float32" else comparison.agreement - _SAMPLING
        reasons += _compare_ids(trained, file, least)
    content = file.read_bytes()
    return VariantRecord(
        variant=variant,
        file=file.name,
        exported=False,
        reasons=tuple(reasons),
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        signatures=documented(replayed.signatures),
        operators=tuple(operators),
        recall_at_10=_mean(measure.recall(ranks, 10)),
        recall_at_k=_mean(measure.recall(ranks, trained.k)),
        ndcg_at_10=_mean(gains(ranks, 10)),
        latency_us=replayed.latency_us,
        matmul_us=replayed.matmul_us,
        largest_difference=comparison.difference,
        agreement=comparison.agreement,
    )


def _compare(trained: Trained, replayed: Replayed) -> compare.Comparison:
    parts = []
    for rows, logits in trained.logits():
        item, score = replayed.item[rows], replayed.score[rows]
        parts.append((compare.compare(item, score, logits, trained.excluded[rows]), len(item)))
    return compare.merge(parts)


def _compare_ids(trained: Trained, file: Path, least: float) -> list[str]:
    """Returns the reasons why the file's signature for raw ids differs too much from that of the SavedModel.

    Args:
      trained: the model.
      file: the TFLite file.
      least: minimum share of the SavedModel's ids to be returned, in [0, 1]; if it is 1, scores are compared too.

    Raises:
      RuntimeError: an answer has scores that are not finite, an id twice, or not as many items as the SavedModel's.
    """
    calls = make_histories(trained)
    found = verify.check(file, names.RECOMMEND_IDS, calls)["outputs"]
    comparison = compare.compare_ids(found, [trained.recommend_ids(call) for call in calls])
    if least == 1.0:
        reasons = comparison.shortcomings()
    elif not comparison.agreement >= least:
        reasons = [f"expected a share of at least {least:.4f} of the SavedModel's ids, got {comparison.agreement:.4f}"]
    else:
        reasons = []
    return [f"`{names.RECOMMEND_IDS}`: {reason}" for reason in reasons]


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")

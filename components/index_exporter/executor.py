"""Exports an approximate index of a model's candidates if it passes its gate."""

import json
import logging
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils

from components.index_exporter import content, gate, ivf_index, scann_index, verify
from schemas import layout
from schemas.index import why_unavailable
from schemas.settings import IndexSettings

SETTINGS_KEY = "settings"
INDEX_KEY = "index"
SAMPLED_USERS = 500
"""Maximum number of users to fit the index to, and of other users, plus an unknown one, to evaluate it with."""
_SEED = 42

_log = logging.getLogger("atalaya")


class Executor(base_executor.BaseExecutor):
    """Builds the index, compares it with exact retrieval, and removes it again if it fails its gate."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Builds and measures the index, then exports or refuses it; a refusal does not fail the step.

        Args:
          input_dict: `model`: the Trainer's Model; `examples`: Examples with the splits `candidates` and `train`.
          output_dict: `index`: a folder with `assets.extra/index/<kind>.json`, which holds the measures and the
            verdict, and, if the index was exported, `assets.extra/index/<kind>/`.
          exec_properties: `settings`: JSON of `IndexSettings`.

        Raises:
          RuntimeError: the index cannot be built in this environment, or not loaded or called in a fresh process.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = IndexSettings.model_validate_json(exec_properties[SETTINGS_KEY])
        if problem := why_unavailable(settings.kind):
            raise RuntimeError(problem)
        source = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        output = Path(artifact_utils.get_single_uri(output_dict[INDEX_KEY]))
        index = output / layout.index_folder(settings.kind)
        examples = input_dict[standard_component_specs.EXAMPLES_KEY]
        catalogue, train = (artifact_utils.get_split_uri(examples, split) for split in ("candidates", "train"))
        description = _build_and_measure(
            Path(path_utils.serving_model_path(source.uri)), index, catalogue, train, settings
        )
        if not description["exported"]:
            shutil.rmtree(index, ignore_errors=True)
            reasons = "; ".join(description["reasons"])
            _log.warning("%s is not exported: %s", layout.index_folder(settings.kind), reasons)
        else:
            recall, latency = description["measures"]["recall"], description["measures"]["latency_p50_ms"]
            name = layout.index_folder(settings.kind)
            _log.info("%s: recall@%d %.3f, p50 %.1f ms", name, settings.recall_k, recall, latency)
        path = output / layout.index_description(settings.kind)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(description, indent=2), encoding="utf-8")


def _build_and_measure(model: Path, index: Path, catalogue: str, train: str, settings: IndexSettings) -> dict[str, Any]:
    """Builds and measures the index in the folder `index`; returns its description with the verdict."""
    items = content.read_catalogue(catalogue)
    built_description: dict[str, Any] = {}
    measures: dict[str, Any] = {}
    reasons = gate.too_few_items(len(items.items), settings)
    if not reasons:
        source = content.make_content(tf.saved_model.load(str(model)), items, train)
        sampled, others = _sample(len(source.users))
        started = time.perf_counter()
        built = _build(source, sampled, settings)
        built.save(str(index))
        built_description = {**built.description(), "build_seconds": time.perf_counter() - started}
        users = np.append(source.users[others], content.UNKNOWN)
        imports = ["scann"] if settings.kind == "scann" else []
        measures = {"users": len(users), **verify.measure(model, index, users, settings.recall_k, imports)}
        reasons = gate.shortcomings(measures, settings)
    return {
        "kind": settings.kind,
        "exported": not reasons,
        "reasons": reasons,
        "items": len(items.items),
        **built_description,
        "measures": measures,
        "thresholds": settings.model_dump(include={"min_items", "recall_k", "min_recall", "max_latency_ms"}),
        "tensorflow": tf.__version__,
    }


def _build(
    source: content.Content, sampled: np.ndarray, settings: IndexSettings
) -> ivf_index.Index | scann_index.Index:
    if settings.kind == "ivf":
        return ivf_index.Index(source, sampled, settings.recall_k, settings.min_recall)
    return scann_index.Index(source, scann_index.plan(len(source.catalogue.items), settings.scann.searched_share))


def _sample(num_users: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws the positions of users to fit the index to and of other users to evaluate it (the same if only one)."""
    drawn = np.random.default_rng(_SEED).permutation(num_users)
    half = max(1, num_users // 2)
    return drawn[:half][:SAMPLED_USERS], np.sort(drawn[-half:][:SAMPLED_USERS])

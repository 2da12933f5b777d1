"""Converts a SavedModel's ranking and retrieval to TFLite."""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils

from components.tflite_exporter.compare import (
    Comparison,
    Shown,
    compare_ratings,
    compare_shown,
    limits,
    refuse_if_apart,
)
from components.tflite_exporter.describe import describe
from components.tflite_exporter.samples import make_requests, read_pairs
from components.tflite_exporter.server import Request, Server
from recommender.tflite import convert, verify
from schemas import layout, training_record
from schemas import signatures as names
from schemas.settings import ExportSettings

SETTINGS_KEY = "settings"
TFLITE_MODELS_KEY = "tflite_models"
MODELS = {layout.RANKING: names.RATE_ON_DEVICE, layout.RETRIEVAL: names.RETRIEVE_ON_DEVICE}
"""For each TFLite model, the signature that it is converted from."""

Run = dict[str, Any]


class Executor(base_executor.BaseExecutor):
    """Writes TFLite models and their descriptions."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Converts the models, verifies them and describes them.

        Args:
          input_dict: `model`: the Trainer's Model; `examples`: Examples whose split `eval` holds the users and items
            for which the answers are compared.
          output_dict: `tflite_models`: a folder with, in `assets.extra/`, `ranking.tflite` and `retrieval.tflite` for
            float32, `ranking.<variant>.tflite` and `retrieval.<variant>.tflite` for other variants, and a `.json` for
            each. A model that predicts no ratings has no `ranking`.
          exec_properties: `settings`: JSON of `ExportSettings`.

        Raises:
          RuntimeError: the answers differ too much from the SavedModel's, LiteRT cannot run a model, or a model needs
            operators that are not built in.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = ExportSettings.model_validate_json(exec_properties[SETTINGS_KEY])
        source = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        folder = Path(artifact_utils.get_single_uri(output_dict[TFLITE_MODELS_KEY])) / layout.EXTRA
        folder.mkdir(parents=True, exist_ok=True)
        examples = input_dict[standard_component_specs.EXAMPLES_KEY]
        pairs = read_pairs(artifact_utils.get_split_uri(examples, "eval"))
        model = path_utils.serving_model_path(source.uri)
        is_rated = training_record.read(Path(model)).data.rating_scale is not None
        models = MODELS if is_rated else [layout.RETRIEVAL]
        kinds = [(name, variant) for variant in settings.tflite_variants for name in models]
        operators = [_convert(model, folder, *kind) for kind in kinds]
        # Only now, since the memory of a conversion is several times that of the model.
        verifier = _Verifier(model, folder, pairs, settings)
        for kind, of_kind in zip(kinds, operators, strict=True):
            verifier.verify(*kind, of_kind)


def _convert(model: str, folder: Path, name: str, variant: str) -> list[str]:
    """Writes a TFLite model; returns the names of its operators."""
    content = convert.convert(model, [MODELS[name]], variant)
    (folder / layout.tflite_file(name, variant)).write_bytes(content)
    return convert.operators(content, [MODELS[name]])


class _Verifier:
    """Verifies and describes one file at a time; computes the SavedModel's answers only once."""

    def __init__(self, model: str, folder: Path, pairs: list[tuple[bytes, bytes]], settings: ExportSettings):
        self._model, self._folder, self._tolerance = model, folder, settings.tflite_tolerance
        self._server = Server(model)
        users, items = (np.array(column) for column in zip(*pairs, strict=True))
        self._pairs = {names.USER_ID: users, names.ITEM_ID: items}
        self._requests = make_requests(pairs)
        self._shown = [self._server.retrieve(request, only=[]) for request in self._requests]

    def verify(self, name: str, variant: str, operators: list[str]) -> None:
        signature, file = MODELS[name], self._folder / layout.tflite_file(name, variant)
        comparison, run = self._compare_ranking(file) if name == layout.RANKING else self._compare_retrieval(file)
        limit = limits(name, variant, self._tolerance)
        refuse_if_apart(file.name, comparison, limit)
        description = describe(file, self._model, signature, variant, run, operators, comparison, limit)
        file.with_suffix(".json").write_text(json.dumps(description, indent=2), encoding="utf-8")

    def _compare_ranking(self, file: Path) -> tuple[Comparison, Run]:
        run = verify.check(file, names.RATE_ON_DEVICE, [self._pairs])
        return compare_ratings(run["outputs"][0][names.RATING], self._ratings), run

    @cached_property
    def _ratings(self) -> np.ndarray:
        return self._server.rate(**self._pairs)

    def _compare_retrieval(self, file: Path) -> tuple[Comparison, Run]:
        run = verify.check(file, names.RETRIEVE_ON_DEVICE, [request.inputs() for request in self._requests])
        found = [Shown(output[names.ITEM_ID], output[names.SCORE]) for output in run["outputs"]]
        own = [self._own_scores(request, shown) for request, shown in zip(self._requests, found, strict=True)]
        return compare_shown(found, self._shown, own, self._tolerance), run

    def _own_scores(self, request: Request, found: Shown) -> dict[bytes, float]:
        """Returns the SavedModel's scores of the items that the TFLite model shows."""
        shown = [id_ for id_ in found.ids if id_]
        if not shown:
            return {}
        ids, scores = self._server.retrieve(request, only=shown)
        return {id_: float(score) for id_, score in zip(ids, scores, strict=True) if id_}

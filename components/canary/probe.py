"""Runs all cases against an export and records the expected and the actual answers.

As a program, `probe.py REQUEST RECORD`, it is the fresh process: it reads and writes JSON and imports only numpy and
TensorFlow. The request, made by `contract.py`, holds everything that the process needs from this project.
"""

import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

_NOT_IN_A_SERVER = {
    "components",
    "pipeline",
    "recommender",
    "schemas",
    "tensorflow_recommenders",
    "tensorflow_transform",
    "tfx",
}
_WARM_UP = 10
_TOLERANCE = 1e-3

Columns = dict[str, np.ndarray]


def examine(request: dict[str, Any]) -> dict[str, Any]:
    """Loads the model, runs all cases and returns a `schemas.canary.CanaryRecord` as plain values.

    Args:
      request: from `contract.model_request` or `contract.index_request`.
    """
    record: dict[str, Any] = {"tensorflow": tf.__version__}
    try:
        for module in request["imports"]:
            importlib.import_module(module)
        probe = Probe(request)
    except Exception as error:
        return record | {"checks": [_check("load", "a SavedModel", _describe(error), False)]}
    signatures = set(probe.model.signatures)
    missing = sorted(set(request["outputs"]) - signatures)
    probe.expect("signatures", "no missing signatures", missing, not missing)
    for case in request["cases"]:
        if case["signature"] in signatures:
            probe.run(case)
    probe.compare()
    record["latency"] = probe.measure(request["timed"], request["calls"], request["ceilings_ms"])
    return record | {"checks": probe.checks}


class Probe:
    """One model under examination; the results are collected in `checks`."""

    def __init__(self, request: dict[str, Any]):
        """Loads the model of the request."""
        self.names = SimpleNamespace(**request["names"])
        self.model = tf.saved_model.load(request["model"])
        self.checks: list[dict[str, Any]] = []
        self._defaults = _defaults(Path(request["model"]))
        self._outputs = request["outputs"]
        self._items, self._users = set(_bytes(request["items"])), _bytes(request["users"])
        self._scale = request["scale"]
        self._answers: dict[str, tuple[dict[str, Any], Columns]] = {}

    def expect(self, name: str, expected: Any, got: Any, passed: bool) -> None:
        """Records a check."""
        self.checks.append(_check(name, expected, got, passed))

    def ask(self, signature: str, inputs: dict[str, Any]) -> Columns:
        """Calls a signature as TensorFlow Serving does: missing inputs get the signature's defaults."""
        return _numpy(self.model.signatures[signature](**(self._defaults[signature] | self._given(signature, inputs))))

    def run(self, case: dict[str, Any]) -> None:
        """Runs one case (`cases.Case`) and checks the answer; an unexpected error is a failed check."""
        signature, inputs = case["signature"], _bytes(case["inputs"])
        where = f"{signature}, {case['name']}"
        try:
            columns = self.ask(signature, inputs)
        except Exception as error:
            is_right = case["is_refused"] and isinstance(error, tf.errors.InvalidArgumentError)
            self.expect(
                where, "InvalidArgumentError" if case["is_refused"] else "an answer", _describe(error), is_right
            )
            return
        if case["is_refused"]:
            self.expect(where, "InvalidArgumentError", "an answer", False)
            return
        self._answers.setdefault(signature, (inputs, columns))
        if not self._check_form(where, signature, inputs, columns):
            return
        if self.names.SCORE in columns:
            self._check_list(where, columns, case["num_shown"], _bytes(case["forbidden"]))
        if case["is_one_list"]:
            lists = {tuple(row) for row in columns[self.names.ITEM_ID].tolist()}
            self.expect(f"{where}: lists", "the same in all rows", f"{len(lists)} lists", len(lists) == 1)
        for name, values in _bytes(case["expected"]).items():
            got = columns[name].tolist()
            self.expect(f"{where}: {name}", values, got, values == got)

    def compare(self) -> None:
        """Checks that the answers of different signatures agree with each other."""
        names = self.names
        for signature in self._answers:
            if hasattr(self.model, signature):
                self._agree(
                    f"{signature}, method with defaults", "the signature's answer", [signature], self._by_method
                )
        stages, products = "retrieval score + weight * rating", "inner products of the embeddings"
        self._agree("list_items", "the whole catalogue", [names.LIST_ITEMS], self._lists_items)
        self._agree("list_users", "`num_users` distinct users", [names.LIST_USERS], self._lists_users)
        self._agree(
            "retrieve_on_device", "retrieve's answer", [names.RETRIEVE_ON_DEVICE, names.RETRIEVE], self._first_row
        )
        self._agree("serving_default", "recommend's answer", [names.SERVING_DEFAULT, names.RECOMMEND], self._by_default)
        self._agree(
            "recommend, weight 0: score", "retrieve's answer", [names.RECOMMEND, names.RETRIEVE], self._by_weight_0
        )
        self._agree(
            "recommend, 1 candidate",
            "the first item of retrieve",
            [names.RECOMMEND, names.RETRIEVE],
            self._by_one_candidate,
        )
        self._agree("rate_on_device", "rate's answer", [names.RATE_ON_DEVICE, names.RATE], self._by_default)
        self._agree("recommend, a time: rating", "rate's answer", [names.RECOMMEND, names.RATE], self._rates_at_a_time)
        self._agree("recommend: score", stages, [names.RECOMMEND], self._adds_up)
        self._agree(
            "retrieve: score", products, [names.RETRIEVE, names.EMBED_USERS, names.EMBED_ITEMS], self._multiplies
        )
        self._agree(
            "retrieve, history: score",
            products,
            [names.RETRIEVE, names.EMBED_USERS, names.EMBED_ITEMS],
            self._multiplies_with_history,
        )

    def measure(self, timed: dict[str, Any], calls: int, ceilings_ms: dict[str, float]) -> dict[str, float] | None:
        """Measures the latency of a signature for one user at a time, including the conversion from and to Python.

        Args:
          timed: `signature`, and `inputs` in addition to the user.
          calls: number of measured calls.
          ceilings_ms: maximum milliseconds for each percentile, as in {"p50": 20.0}.

        Returns:
          `calls`, and milliseconds for each percentile, as `p50_ms`; None if the signature has not answered any case.
        """
        signature, milliseconds = timed["signature"], []
        if signature not in self._answers:
            return None
        for call in range(-_WARM_UP, calls):
            started = time.perf_counter()
            self.ask(signature, {self.names.USER_ID: [self._users[call % len(self._users)]], **timed["inputs"]})
            if call >= 0:
                milliseconds.append(1_000 * (time.perf_counter() - started))
        found = {name: float(np.percentile(milliseconds, int(name[1:]))) for name in ceilings_ms}
        for name, ceiling in ceilings_ms.items():
            self.expect(
                f"latency, {name}",
                f"at most {ceiling:g} ms (canary.latency_{name}_ms)",
                f"{found[name]:.1f} ms",
                found[name] <= ceiling,
            )
        return {"calls": calls} | {f"{name}_ms": value for name, value in found.items()}

    def _given(self, signature: str, inputs: dict[str, Any]) -> dict[str, tf.Tensor]:
        specs = self.model.signatures[signature].structured_input_signature[1]
        return {name: tf.constant(value, specs[name].dtype) for name, value in inputs.items()}

    def _check_form(self, where: str, signature: str, inputs: dict[str, Any], columns: Columns) -> bool:
        """Checks types, shapes, and that numbers are finite; returns whether types and shapes are as expected."""
        k = inputs.get(self.names.K, self._defaults[signature].get(self.names.K, 0))
        rows = next(iter(inputs.values()), None)
        axes = {"n": len(rows) if isinstance(rows, list) else 0, "k": max(0, int(k))}
        expected = {
            name: (dtype, *(axes.get(axis, axis) for axis in shape))
            for name, (dtype, *shape) in self._outputs[signature].items()
        }
        got = {name: (_dtype(values), *values.shape) for name, values in columns.items()}
        # An axis that is still a name may have any size.
        for name in set(got) & set(expected):
            if len(got[name]) == len(expected[name]):
                pairs = zip(got[name], expected[name], strict=True)
                got[name] = tuple(axis if isinstance(axis, str) else size for size, axis in pairs)
        self.expect(f"{where}: shapes", expected, got, expected == got)
        rating = self.names.RATING
        if self._scale and rating in columns:
            # The rating of an empty id is 0, which may be outside the scale.
            is_rated = columns[self.names.ITEM_ID] != b"" if self.names.ITEM_ID in columns else slice(None)
            lowest, highest = self._scale
            rated = np.clip(columns[rating][is_rated], lowest, highest)
            inside = _close(rated, columns[rating][is_rated])
            expected_range = f"ratings from {lowest:g} to {highest:g}"
            self.expect(
                f"{where}: ratings", expected_range, "these" if inside else "ratings outside this range", inside
            )
        for name, values in columns.items():
            if values.dtype.kind == "f":
                bad = np.count_nonzero(~np.isfinite(values))
                self.expect(f"{where}: {name} is finite", "only finite numbers", f"{bad} not finite", bad == 0)
        return expected == got

    def _check_list(self, where: str, columns: Columns, num_shown: int | None, forbidden: list[list[bytes]]) -> None:
        """Checks the order of scores, padding, items, their number, and exclusions."""
        ids, numbers = (np.atleast_2d(columns[name]) for name in (self.names.ITEM_ID, self.names.SCORE))
        rows = ids.tolist()
        shown = [[item for item in row if item] for row in rows]
        scores = [score[: len(items)] for score, items in zip(numbers, shown, strict=True)]
        rising = [score.tolist()[:10] for score in scores if not np.all(np.diff(score) <= 0)]
        self.expect(f"{where}: order", "descending scores", rising[:3] or "these", not rising)
        holes = [row[:10] for row, items in zip(rows, shown, strict=True) if row[: len(items)] != items]
        self.expect(f"{where}: padding", "empty ids only at the end", holes[:3] or "these", not holes)
        wrong = [len(items) - len(set(items) & self._items) for items in shown]
        self.expect(f"{where}: items", "distinct items of the catalogue", f"{sum(wrong)} others", not any(wrong))
        if num_shown is not None:
            lengths = sorted({len(items) for items in shown})
            self.expect(f"{where}: number of items", f"{num_shown} in each row", lengths, set(lengths) <= {num_shown})
        if forbidden:
            breaches = [sorted(set(items) & set(banned)) for items, banned in zip(shown, forbidden, strict=True)]
            first = next((breach[:10] for breach in breaches if breach), "none")
            self.expect(f"{where}: exclusions", "no excluded or seen item", first, not any(breaches))

    def _agree(self, name: str, expected: str, signatures: list[str], agrees: Callable[..., bool]) -> None:
        """Records whether the answers of these signatures agree, unless one failed, which is already recorded."""
        if not set(signatures) <= set(self._answers):
            return
        try:
            passed = agrees(*signatures)
            self.expect(name, expected, "the same" if passed else "a different answer", passed)
        except Exception as error:
            self.expect(name, expected, _describe(error), False)

    def _by_method(self, signature: str) -> bool:
        inputs, columns = self._answers[signature]
        return _same(_numpy(getattr(self.model, signature)(**self._given(signature, inputs))), columns)

    def _lists_items(self, list_items: str) -> bool:
        ids = self._answers[list_items][1][self.names.ITEM_ID].tolist()
        return len(ids) == len(self._items) and set(ids) == self._items

    def _lists_users(self, list_users: str) -> bool:
        columns = self._answers[list_users][1]
        ids = columns[self.names.USER_ID].tolist()
        return len(ids) == len(set(ids)) == int(columns[self.names.NUM_USERS])

    def _first_row(self, on_device: str, retrieve: str) -> bool:
        """Compares scores only: items with equal scores may come in a different order."""
        inputs, columns = self._answers[on_device]
        score = self.names.SCORE
        return _close(columns[score], self.ask(retrieve, inputs)[score][0])

    def _by_default(self, default: str, signature: str) -> bool:
        inputs, columns = self._answers[signature]
        return _same(self.ask(default, inputs), columns)

    def _by_weight_0(self, recommend: str, retrieve: str) -> bool:
        names, inputs = self.names, self._answers[recommend][0]
        ordered, lists = self.ask(recommend, inputs | {names.RATING_WEIGHT: 0.0}), self.ask(retrieve, inputs)
        return _close(ordered[names.SCORE], lists[names.SCORE])

    def _by_one_candidate(self, recommend: str, retrieve: str) -> bool:
        names, inputs = self.names, self._answers[recommend][0] | {self.names.K: 1}
        ordered, lists = self.ask(recommend, inputs | {names.N_CANDIDATES: 1}), self.ask(retrieve, inputs)
        return _close(ordered[names.RETRIEVAL_SCORE], lists[names.SCORE])

    def _adds_up(self, recommend: str) -> bool:
        names, columns = self.names, self._answers[recommend][1]
        # A model of events without ratings orders by retrieval, and so does any model for unknown users.
        weighted = float(self._defaults[recommend][names.RATING_WEIGHT]) * columns.get(names.RATING, 0.0)
        weighted = weighted * columns[names.IS_KNOWN][:, np.newaxis]
        return _close(columns[names.SCORE], columns[names.RETRIEVAL_SCORE] + weighted)

    def _rates_at_a_time(self, recommend: str, rate: str) -> bool:
        names, user = self.names, self._users[0]
        lists = self.ask(recommend, {names.USER_ID: [user], names.TIMESTAMP: [0]})
        ids = lists[names.ITEM_ID][0].tolist()
        inputs = {names.USER_ID: [user] * len(ids), names.ITEM_ID: ids, names.TIMESTAMP: [0] * len(ids)}
        # The rating of padding is 0.
        ratings = np.where(lists[names.ITEM_ID][0] != b"", self.ask(rate, inputs)[names.RATING], 0)
        return _close(lists[names.RATING][0], ratings)

    def _multiplies(self, retrieve: str, embed_users: str, embed_items: str) -> bool:
        return self._are_products(retrieve, embed_users, embed_items, self._answers[embed_users][0])

    def _multiplies_with_history(self, retrieve: str, embed_users: str, embed_items: str) -> bool:
        users = self._answers[embed_users][0][self.names.USER_ID]
        history = sorted(self._items)[:3]
        inputs = {self.names.USER_ID: users, self.names.HISTORY_ITEM_ID: [history] * len(users)}
        return self._are_products(retrieve, embed_users, embed_items, inputs)

    def _are_products(self, retrieve: str, embed_users: str, embed_items: str, inputs: dict[str, Any]) -> bool:
        names, lists = self.names, self.ask(retrieve, inputs)
        ids = lists[names.ITEM_ID]
        # An empty id is an unknown item: its vector is zero, as is the score of padding.
        items = self.ask(embed_items, {names.ITEM_ID: ids.ravel().tolist()})[names.EMBEDDING]
        vectors = items.reshape(*ids.shape, items.shape[-1])
        users = self.ask(embed_users, inputs)[names.EMBEDDING]
        return _close(lists[names.SCORE], np.einsum("nw,nkw->nk", users, vectors))


def _defaults(folder: Path) -> dict[str, dict[str, tf.Tensor]]:
    """Reads the default of each input of each signature, from the file that TensorFlow Serving reads."""
    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return {
        signature: {name: tf.constant(tf.make_ndarray(value)) for name, value in definition.defaults.items()}
        for signature, definition in saved.meta_graphs[0].signature_def.items()
    }


def _bytes(value: Any) -> Any:
    """Converts the text in a request, one character for each byte, back to bytes."""
    if isinstance(value, dict):
        return {key: _bytes(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_bytes(part) for part in value]
    return value.encode("latin-1") if isinstance(value, str) else value


def _dtype(values: np.ndarray) -> str:
    return tf.as_dtype(values.dtype).name


def _numpy(outputs: dict[str, tf.Tensor]) -> Columns:
    return {name: values.numpy() for name, values in outputs.items()}


def _same(found: Columns, expected: Columns) -> bool:
    return found.keys() == expected.keys() and all(
        _close(values, expected[name]) if values.dtype.kind == "f" else np.array_equal(values, expected[name])
        for name, values in found.items()
    )


def _close(found: np.ndarray, expected: np.ndarray) -> bool:
    # Whether numbers are finite is checked separately.
    return found.shape == expected.shape and np.allclose(
        found, expected, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True
    )


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:500]}"


def _check(name: str, expected: Any, got: Any, passed: bool) -> dict[str, Any]:
    return {"name": name, "passed": bool(passed), "message": f"expected {expected}, got {got}"[:2_000]}


def _main(request: str, record: str) -> None:
    # Stock TensorFlow Serving runs on the CPU, and a pipeline that trains on the GPU may occupy all of its memory.
    tf.config.set_visible_devices([], "GPU")
    result = examine(json.loads(Path(request).read_text(encoding="utf-8")))
    if imported := _NOT_IN_A_SERVER & {name.split(".")[0] for name in sys.modules}:
        raise RuntimeError(
            f"{sorted(imported)} were imported, so this process does not prove that TensorFlow is enough"
        )
    Path(record).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    _main(*sys.argv[1:])

"""The request to the probe's process, which cannot import this project: the cases and the expected outputs."""

from typing import Any

from components.canary.cases import Case, Sample, all_cases, index_cases, ivf_cases
from schemas import signatures as names
from schemas.settings import CanarySettings

# For each output, its type and its axes: "n" rows, "k" places, a fixed size, or any other name for an unknown size.
Outputs = dict[str, list[Any]]

_IS_KNOWN: Outputs = {names.IS_KNOWN: ["bool", "n"]}
_KNOWN: Outputs = _IS_KNOWN | {names.UNKNOWN_HISTORY: ["int32", "n"]}
_LIST: Outputs = {
    names.ITEM_ID: ["string", "n", "k"],
    names.TITLE: ["string", "n", "k"],
    names.SCORE: ["float32", "n", "k"],
}
_STAGES: Outputs = {name: ["float32", "n", "k"] for name in (names.RETRIEVAL_SCORE, names.RATING)}
_EMBEDDING: Outputs = {names.EMBEDDING: ["float32", "n", "width"]}
_RATE = (names.RATE, names.RATE_ON_DEVICE)

OUTPUTS: dict[str, Outputs] = {
    names.SERVING_DEFAULT: _LIST | _STAGES | _KNOWN,
    names.RECOMMEND: _LIST | _STAGES | _KNOWN,
    names.RETRIEVE: _LIST | _KNOWN,
    names.RETRIEVE_ON_DEVICE: {names.ITEM_ID: ["string", "k"], names.SCORE: ["float32", "k"]},
    names.SIMILAR_ITEMS: _LIST | _IS_KNOWN,
    names.EMBED_USERS: _EMBEDDING | _KNOWN,
    names.EMBED_ITEMS: _EMBEDDING | _IS_KNOWN,
    **{signature: {names.RATING: ["float32", "n"]} for signature in _RATE},
    names.LIST_USERS: {names.USER_ID: ["string", "any"], names.NUM_USERS: ["int32"]},
    names.LIST_ITEMS: {
        names.ITEM_ID: ["string", "any"],
        names.TITLE: ["string", "any"],
        names.NUM_ITEMS: ["int32"],
    },
}
"""Outputs of each signature of a recommender that predicts ratings."""
INDEX_OUTPUTS: dict[str, Outputs] = {names.RETRIEVE: _LIST | _IS_KNOWN, names.SEARCH: _LIST}
"""Outputs of each signature of an approximate index."""


def model_request(model: str, sample: Sample, settings: CanarySettings) -> dict[str, Any]:
    """Returns the request for the probe of a recommender; see `_request`."""
    timed = {"signature": names.RECOMMEND, "inputs": {}}
    outputs = OUTPUTS if sample.scale is not None else _without_ratings(OUTPUTS)
    return _request(model, sample, all_cases(sample), outputs, timed, settings)


def index_request(index: str, kind: str, sample: Sample, width: int, settings: CanarySettings) -> dict[str, Any]:
    """Returns the request for the probe of an approximate index; see `_request`.

    Args:
      index: folder of the SavedModel.
      kind: "ivf" or "scann".
      sample: what the cases are made of.
      width: length of the vectors that the index searches for.
      settings: the maximum latency and the number of timed calls.
    """
    timed = {"signature": names.RETRIEVE, "inputs": {names.K: 10}}
    cases = ivf_cases(sample, width) if kind == "ivf" else index_cases(sample, width)
    request = _request(index, sample, cases, INDEX_OUTPUTS, timed, settings)
    # ScaNN needs its custom operators; an IVF index needs only TensorFlow.
    return request | {"imports": ["scann"] if kind == "scann" else []}


def _without_ratings(outputs: dict[str, Outputs]) -> dict[str, Outputs]:
    return {
        signature: {name: form for name, form in columns.items() if name != names.RATING}
        for signature, columns in outputs.items()
        if signature not in _RATE
    }


def _request(
    model: str,
    sample: Sample,
    cases: list[Case],
    outputs: dict[str, Outputs],
    timed: dict[str, Any],
    settings: CanarySettings,
) -> dict[str, Any]:
    """Returns the request as values that JSON can hold; ids may be any bytes, so each byte becomes one character.

    Args:
      model: folder of the SavedModel.
      sample: what the cases are made of.
      cases: all requests.
      outputs: expected outputs of each signature.
      timed: the signature whose calls are timed, and its inputs in addition to the user.
      settings: the maximum latency and the number of timed calls.
    """
    return {
        "model": model,
        "imports": [],
        "names": {key: value for key, value in vars(names).items() if key.isupper()},
        "outputs": outputs,
        "items": _to_plain(sample.items),
        "users": _to_plain(list(sample.seen)),
        "scale": sample.scale,
        "cases": [_to_plain(case._asdict()) for case in cases],
        "timed": timed,
        "calls": settings.calls,
        "ceilings_ms": {"p50": settings.latency_p50_ms, "p99": settings.latency_p99_ms},
    }


def _to_plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _to_plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_to_plain(part) for part in value]
    return value.decode("latin-1") if isinstance(value, bytes) else value

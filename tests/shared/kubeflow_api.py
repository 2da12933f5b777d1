"""Checks requests and answers against the published REST API of Kubeflow Pipelines, `kubeflow_api.json`."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

API: dict[str, Any] = json.loads((Path(__file__).parent / "kubeflow_api.json").read_text(encoding="utf-8"))
_ENUMERATIONS, _TYPES = API["enumerations"], API["types"]
# The fields of `kubernetes_executor_config.proto` that Atalaya's pipelines use, or kfp-kubernetes in newer versions.
_FROM_2_5 = {
    "imagePullSecret": {"secretName", "secretNameParameter"},
    "nodeSelector": {"labels", "nodeSelectorJson"},
    "pvcMount": {"constant", "mountPath", "pvcNameParameter"},
    "secretAsEnv": {"keyToEnv", "secretName", "secretNameParameter"},
    "secretAsVolume": {"mountPath", "optional", "secretName", "secretNameParameter"},
    "tolerations": {"effect", "key", "operator", "tolerationJson", "tolerationSeconds", "value"},
}
_FROM_2_16 = {
    "pvcMount": {"subPath"},
    "secretAsEnv": {"optional"},
    "securityContext": {"runAsGroup", "runAsNonRoot", "runAsUser"},
}


def operation(method: str, path: str) -> tuple[str, dict[str, str]]:
    """Returns the operation of a request and its path parameters; raises KeyError for an unknown operation."""
    for name in API["operations"]:
        verb, template = name.split()
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/:]+)", template)
        if verb == method and (match := re.fullmatch(pattern, path)):
            return name, match.groupdict()
    raise KeyError(f"{method} {path}: no such operation")


def problems_of_request(name: str, query: dict[str, str], body: Any, form: dict[str, Any]) -> list[str]:
    """Returns the differences of a request from the operation's published form."""
    known = API["operations"][name]
    found = [f"query parameter {key} is unknown" for key in query if key not in known.get("query", {})]
    for key, kind in known.get("query", {}).items():
        if query.get(key):
            found += _problems(_from_text(query[key], kind), kind, key)
    if set(form) != set(known.get("form", {})):
        found.append(f"the form has {sorted(form)}")
    if ("body" in known) != (body is not None):
        found.append(f"the body is {body!r}")
    elif body is not None:
        found += _problems(body, known["body"], "body")
    return [f"{name}: {problem}" for problem in found]


def problems_of_answer(name: str, answer: Any) -> list[str]:
    """Returns the differences of an answer from the operation's published form."""
    kind = API["operations"][name].get("returns")
    found = _problems(answer, kind, "answer") if kind else ["an empty object is expected"] * (answer != {})
    return [f"{name}: {problem}" for problem in found]


def unknown_fields(executor: dict[str, Any], release: tuple[int, int]) -> list[str]:
    """Returns the Kubernetes fields of a step that a server of this release (2.5 or newer) refuses as unknown."""
    newer = _FROM_2_16 if release >= (2, 16) else {}
    found = []
    for field, value in executor.items():
        if field not in {**_FROM_2_5, **newer}:
            found.append(field)
            continue
        known = _FROM_2_5.get(field, set()) | newer.get(field, set())
        entries = value if isinstance(value, list) else [value]
        found += sorted({key for entry in entries for key in entry if key not in known})
    return found


def _from_text(text: str, kind: str) -> Any:
    if kind == "Filter":
        # JSON of a protocol buffer: names in camel case and numbers of enumerations are allowed in it.
        tree = json.loads(text)
        for predicate in tree.get("predicates", []):
            if isinstance(predicate.get("operation"), int):
                predicate["operation"] = _ENUMERATIONS["PredicateOperation"][predicate["operation"]]
            if "stringValue" in predicate:
                predicate["string_value"] = predicate.pop("stringValue")
        return tree
    return int(text) if kind == "int32" and text.isdigit() else text


def _problems(value: Any, kind: str, where: str) -> list[str]:
    kind = kind.rstrip("!")
    if kind.endswith("[]"):
        if not isinstance(value, list):
            return [f"{where}: a list is expected, got {value!r}"]
        return [problem for n, item in enumerate(value) for problem in _problems(item, kind[:-2], f"{where}[{n}]")]
    if kind in _ENUMERATIONS:
        return [] if value in _ENUMERATIONS[kind] else [f"{where}: no {kind}: {value!r}"]
    if kind in _TYPES:
        return _problems_of_object(value, _TYPES[kind], where)
    return [] if _SCALARS[kind](value) else [f"{where}: {kind} is expected, got {value!r}"]


def _problems_of_object(value: Any, fields: dict[str, str], where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: an object is expected, got {value!r}"]
    found = [f"{where}.{key} is unknown" for key in value if key not in fields]
    found += [f"{where}.{key} is missing" for key, kind in fields.items() if kind.endswith("!") and key not in value]
    return found + [
        problem
        for key, kind in fields.items()
        if key in value
        for problem in _problems(value[key], kind, f"{where}.{key}")
    ]


def _is_int64(value: Any) -> bool:
    # The API specifies text, but a server also accepts numbers, which the SDK sends.
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and value.isdigit())


def _is_moment(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00")).tzinfo is not None
    except (AttributeError, ValueError):
        return False


_SCALARS = {
    "string": lambda value: isinstance(value, str),
    "int32": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "int64": _is_int64,
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "date-time": _is_moment,
}

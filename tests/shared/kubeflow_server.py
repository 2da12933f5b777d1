"""A server that answers as that of Kubeflow Pipelines does, keeps what it is sent and checks every request."""

import contextlib
import email
import json
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import yaml

import kubeflow_api

_DEFAULT_ACCOUNT = "pipeline-runner"
_NOW = "2026-03-04T05:06:07Z"
_FINAL = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")


class Request(NamedTuple):
    operation: str
    parameters: dict[str, str]
    """Of path and query."""
    body: Any
    headers: dict[str, str]


class Fault(NamedTuple):
    act: Callable[[BaseHTTPRequestHandler], None]
    when: str = ""
    """A part of the method and address of the request that it is for."""


class Refusal(Exception):
    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status

    def body(self) -> dict[str, Any]:
        """What the API's gateway sends."""
        return {"error": str(self), "code": 3, "message": str(self)}


class UploadRefusal(Refusal):
    """Uploads do not come by the gateway."""

    def body(self) -> dict[str, Any]:
        trace = f"{self}\ngithub.com/kubeflow/pipelines/backend/src/common/util.NewUserError\n\t/go/src/error.go:205"
        return {"error_message": str(self), "error_details": trace}


class KubeflowServer:
    """Started on a free port of this machine by `with`."""

    def __init__(self) -> None:
        self.release = (2, 17)
        self.multi_user = False
        self.forgets_accounts = False
        """Whether a recurring run loses its service account, as in 2.4.0 to 2.16.1; 2.17 fills its default in."""
        self.experiments: list[dict[str, Any]] = []
        self.pipelines: list[dict[str, Any]] = []
        self.versions: list[dict[str, Any]] = []
        self.packages: list[bytes] = []
        self.runs: list[dict[str, Any]] = []
        self.recurring: list[dict[str, Any]] = []
        self.course: list[dict[str, Any]] = []
        """What a run becomes at one question after the other: the last stays."""
        self.requests: list[Request] = []
        self.problems: list[str] = []
        """What requests, or answers, do not have in common with what is published."""
        self.most_enabled = 0
        """Most recurring runs of one name that were enabled at a time."""
        self.faults: list[Fault] = []
        """The first is what happens to the next request that it is for, and is used up then."""
        self._ids = 0
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> "KubeflowServer":
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def speak_tls(self, certificate: Path, key: Path) -> None:
        """From now on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.address = self.address.replace("http:", "https:")

    def asked(self, operation: str) -> list[Request]:
        """The requests for one operation, in order."""
        return [request for request in self.requests if request.operation == operation]

    def changes(self) -> list[str]:
        """The operations asked for, without those that only read."""
        return [request.operation for request in self.requests if not request.operation.startswith("GET")]

    def answer(self, method: str, url: str, headers: dict[str, str], content: bytes) -> Any:
        """The answer to a request; KeyError where no such operation is published."""
        parts = urlsplit(url)
        name, in_path = kubeflow_api.operation(method, parts.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        is_form = headers.get("Content-Type", "").startswith("multipart/form-data")
        form = _form(headers["Content-Type"], content) if is_form else {}
        body = json.loads(content) if content and not is_form else None
        self.problems += kubeflow_api.problems_of_request(name, query, body, form)
        request = Request(name, in_path | query, body, headers)
        self.requests.append(request)
        answer = _ANSWERS[name](self, request.parameters, body or form)
        names = [recurring["display_name"] for recurring in self.recurring if recurring["status"] == "ENABLED"]
        self.most_enabled = max(self.most_enabled, *(names.count(name) for name in names), 0)
        self.problems += kubeflow_api.problems_of_answer(name, answer)
        return answer

    def new_id(self) -> str:
        self._ids += 1
        return f"{self._ids:08d}-0000-4000-8000-000000000000"

    def _handler(server) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def respond(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if server.faults and server.faults[0].when in f"{self.command} {self.path}":
                    server.faults.pop(0).act(self)
                    return
                try:
                    answer = server.answer(self.command, self.path, dict(self.headers), content)
                    send(self, 200, answer)
                except Refusal as refusal:
                    send(self, refusal.status, refusal.body())
                except KeyError as error:
                    server.problems.append(str(error))
                    send(self, 404, {"error": str(error), "code": 5, "message": str(error)})

            do_GET = do_POST = do_DELETE = respond

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def send(handler: BaseHTTPRequestHandler, status: int, answer: Any, content_type: str = "application/json") -> None:
    content = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", content_type)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def refusing(status: int, message: str, when: str = "") -> Fault:
    """The API's way to say no."""
    return Fault(lambda handler: send(handler, status, {"error": message, "code": 2, "message": message}), when)


def with_page(status: int, content_type: str = "text/html") -> Fault:
    """A page for browsers, as of a proxy before the server."""
    return Fault(lambda handler: send(handler, status, "<html><body>Log in</body></html>", content_type))


def hanging() -> Fault:
    """No answer for as long as the client waits for one."""

    def act(handler: BaseHTTPRequestHandler) -> None:
        with contextlib.suppress(OSError):
            handler.rfile.read(1)  # returns when the client hangs up
        handler.close_connection = True

    return Fault(act)


def breaking_off() -> Fault:
    """The connection ends without an answer."""

    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True

    return Fault(act)


def _form(content_type: str, content: bytes) -> dict[str, Any]:
    message = email.message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + content)
    parts = {str(part.get_param("name", header="content-disposition")): part for part in message.get_payload()}
    return {name: part.get_payload(decode=True) for name, part in parts.items()}


def _page(field: str) -> Callable[[KubeflowServer, dict[str, str], Any], Any]:
    """Lists those that the filter, the experiment and the pipeline of a request let through."""

    def answer(server: KubeflowServer, parameters: dict[str, str], _: Any) -> Any:
        kept: list[dict[str, Any]] = getattr(
            server, {"pipeline_versions": "versions", "recurringRuns": "recurring"}.get(field, field)
        )
        for predicate in json.loads(parameters.get("filter") or "{}").get("predicates", []):
            text = predicate.get("string_value", predicate.get("stringValue"))
            kept = [one for one in kept if one[predicate["key"]] == text]
        for key in ("experiment_id", "pipeline_id"):
            if parameters.get(key):
                kept = [one for one in kept if one[key] == parameters[key]]
        # Two a page at most, so that whoever does not turn pages is found out.
        start = int(parameters.get("page_token") or 0)
        page = kept[start : start + min(2, int(parameters.get("page_size") or 2))]
        more = {"next_page_token": str(start + len(page))} if start + len(page) < len(kept) else {}
        return {field: page, "total_size": len(kept), **more} if page else {}

    return answer


def _healthz(server: KubeflowServer, _: dict[str, str], __: Any) -> Any:
    return {"multi_user": server.multi_user}


def _create_experiment(server: KubeflowServer, _: dict[str, str], body: Any) -> Any:
    if any(one["display_name"] == body["display_name"] for one in server.experiments):
        raise Refusal(409, "experiment already exists")
    created = {"experiment_id": server.new_id(), "created_at": _NOW, "storage_state": "AVAILABLE", **body}
    server.experiments.append(created)
    return created


def _create_pipeline(server: KubeflowServer, _: dict[str, str], body: Any) -> Any:
    name = body.get("name") or body.get("display_name")
    if not name:
        raise Refusal(400, "a pipeline needs a name")
    if any(one["display_name"] == name for one in server.pipelines):
        raise Refusal(409, "pipeline already exists")
    created = {"pipeline_id": server.new_id(), "created_at": _NOW, **body}
    server.pipelines.append(created)
    return created


def _upload_version(server: KubeflowServer, parameters: dict[str, str], form: Any) -> Any:
    pipeline_id, name = parameters.get("pipelineid"), parameters.get("name")
    if not any(one["pipeline_id"] == pipeline_id for one in server.pipelines):
        raise UploadRefusal(400, f"Failed to create a pipeline version: pipeline {pipeline_id} not found")
    if any((one["pipeline_id"], one["display_name"]) == (pipeline_id, name) for one in server.versions):
        raise UploadRefusal(409, f"Failed to create a pipeline version: The name {name} already exist")
    first = next(iter(yaml.safe_load_all(form["uploadfile"])))
    if first.get("schemaVersion") != "2.1.0":
        raise UploadRefusal(400, "Failed to create a pipeline version: unknown template format")
    created = {
        "pipeline_id": pipeline_id,
        "pipeline_version_id": server.new_id(),
        "display_name": name,
        "created_at": _NOW,
    }
    server.versions.append(created)
    server.packages.append(form["uploadfile"])
    return created


def _check_references(server: KubeflowServer, body: Any) -> None:
    wanted = body["pipeline_version_reference"]["pipeline_version_id"]
    ids = [one["pipeline_version_id"] for one in server.versions]
    if wanted not in ids:
        raise Refusal(404, "pipeline version not found")
    for executor in _executors(server.packages[ids.index(wanted)]):
        for field in kubeflow_api.unknown_fields(executor, server.release):
            said = f'failed to unmarshal kubernetes config: proto: (line 1:2): unknown field "{field}"'
            raise Refusal(500, f"Failed to create a run: Failed to compile: {said}")
    if not any(one["experiment_id"] == body["experiment_id"] for one in server.experiments):
        raise Refusal(404, "experiment not found")


def _executors(package: bytes) -> list[dict[str, Any]]:
    """What is asked of Kubernetes for each step."""
    _, *platforms = yaml.safe_load_all(package)
    found = [one["platforms"]["kubernetes"]["deploymentSpec"]["executors"] for one in platforms]
    return [executor for executors in found for executor in executors.values()]


def _create_run(server: KubeflowServer, _: dict[str, str], body: Any) -> Any:
    _check_references(server, body)
    account = body.get("service_account") or _DEFAULT_ACCOUNT
    created = {"run_id": server.new_id(), "created_at": _NOW, "state": "PENDING", **body, "service_account": account}
    server.runs.append(created)
    return created


def _get_run(server: KubeflowServer, parameters: dict[str, str], _: Any) -> Any:
    found = [one for one in server.runs if one["run_id"] == parameters["run_id"]]
    if not found:
        raise Refusal(404, f"Run {parameters['run_id']} not found")
    if server.course:
        found[0].update(server.course.pop(0) if len(server.course) > 1 else server.course[0])
    return found[0]


def _create_recurring(server: KubeflowServer, _: dict[str, str], body: Any) -> Any:
    _check_references(server, body)
    if not 1 <= int(body["max_concurrency"]) <= 10:
        raise Refusal(400, "The max concurrency of the recurring run must be within 1-10")
    cron = body["trigger"]["cron_schedule"]["cron"]
    if not _is_cron(cron):
        raise Refusal(400, f"Schedule cron is not a supported format(https://godoc.org/github.com/robfig/cron): {cron}")
    status = {"ENABLE": "ENABLED", "DISABLE": "DISABLED"}[body["mode"]]
    # As the server does it: 64-bit integers come back as text, what is false not at all.
    kept = {key: value for key, value in body.items() if value is not False}
    created = {"recurring_run_id": server.new_id(), "created_at": _NOW, "status": status, **kept}
    created["max_concurrency"] = str(body["max_concurrency"])
    if server.forgets_accounts:
        created.pop("service_account", None)
    else:
        created["service_account"] = body.get("service_account") or _DEFAULT_ACCOUNT
    server.recurring.append(created)
    return created


_DESCRIPTORS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_CRON_RANGES = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


def _is_cron(text: str) -> bool:
    """Five fields are the first five of six; only numbers are known here, of the names that the server also reads."""
    fields = text.split()
    if text in _DESCRIPTORS or len(fields) not in (5, 6):
        return text in _DESCRIPTORS
    numbers = [(number, bounds) for field, bounds in zip(fields, _CRON_RANGES, strict=False) for number in _ends(field)]
    return all(number.isdigit() and low <= int(number) <= high for number, (low, high) in numbers)


def _ends(field: str) -> list[str]:
    return [end for item in field.split(",") for end in item.split("/")[0].split("-") if end not in ("*", "?")]


def _recurring(server: KubeflowServer, parameters: dict[str, str]) -> dict[str, Any]:
    found = [one for one in server.recurring if one["recurring_run_id"] == parameters["recurring_run_id"]]
    if not found:
        raise Refusal(404, "recurring run not found")
    return found[0]


def _set_status(status: str) -> Callable[[KubeflowServer, dict[str, str], Any], Any]:
    def answer(server: KubeflowServer, parameters: dict[str, str], _: Any) -> Any:
        _recurring(server, parameters)["status"] = status
        return {}

    return answer


def _delete_recurring(server: KubeflowServer, parameters: dict[str, str], _: Any) -> Any:
    server.recurring.remove(_recurring(server, parameters))
    # As on a cluster: the runs are owned by the recurring run, and end with it.
    for run in server.runs:
        if run.get("recurring_run_id") == parameters["recurring_run_id"] and run["state"] not in _FINAL:
            run["state"] = "CANCELED"
    return {}


_BASE = "/apis/v2beta1"
_ANSWERS: dict[str, Callable[[KubeflowServer, dict[str, str], Any], Any]] = {
    f"GET {_BASE}/healthz": _healthz,
    f"GET {_BASE}/experiments": _page("experiments"),
    f"POST {_BASE}/experiments": _create_experiment,
    f"GET {_BASE}/pipelines": _page("pipelines"),
    f"POST {_BASE}/pipelines": _create_pipeline,
    f"GET {_BASE}/pipelines/{{pipeline_id}}/versions": _page("pipeline_versions"),
    f"POST {_BASE}/pipelines/upload_version": _upload_version,
    f"POST {_BASE}/runs": _create_run,
    f"GET {_BASE}/runs": _page("runs"),
    f"GET {_BASE}/runs/{{run_id}}": _get_run,
    f"GET {_BASE}/recurringruns": _page("recurringRuns"),
    f"POST {_BASE}/recurringruns": _create_recurring,
    f"DELETE {_BASE}/recurringruns/{{recurring_run_id}}": _delete_recurring,
    f"POST {_BASE}/recurringruns/{{recurring_run_id}}:disable": _set_status("DISABLED"),
    f"POST {_BASE}/recurringruns/{{recurring_run_id}}:enable": _set_status("ENABLED"),
}

import hashlib
import io

import pytest
from rich.console import Console

import kubeflow_api
import runner
from kubeflow_server import breaking_off, refusing
from pipeline.kubeflow import client as kubeflow_client
from pipeline.kubeflow import follow as kubeflow_follow
from pipeline.kubeflow.follow import Run
from schemas.errors import ServiceError

NEW = ["POST /apis/v2beta1/pipelines", "POST /apis/v2beta1/pipelines/upload_version"]
IMAGE = "registry.example.com/atalaya@sha256:" + "0" * 64
EXPERIMENT, RUN = "POST /apis/v2beta1/experiments", "POST /apis/v2beta1/runs"


def _submit(config, *options):
    return runner.main(["--kubeflow", "--config", str(config()), *options])


def _task(name, state, **more):
    return {"display_name": name, "state": state, **more}


def _course(*states):
    return [{"state": state, "run_details": {"task_details": tasks}} for state, tasks in states]


def _output(console):
    return console.file.getvalue()


def test_a_first_submission_makes_all_that_is_missing(server, config, compiled, capfd):
    assert _submit(config) == 0
    assert server.changes() == [*NEW, EXPERIMENT, RUN]
    (experiment,), (pipeline,), (version,), (run,) = server.experiments, server.pipelines, server.versions, server.runs
    assert (experiment["display_name"], pipeline["display_name"]) == ("shop", "shop")
    assert version["display_name"] == hashlib.sha256(server.packages[0]).hexdigest()[:16]
    assert run["pipeline_version_reference"] == {
        "pipeline_id": pipeline["pipeline_id"],
        "pipeline_version_id": version["pipeline_version_id"],
    }
    assert run["experiment_id"] == experiment["experiment_id"]
    assert f"{server.address}/#/runs/details/{run['run_id']}" in capfd.readouterr().out


def test_the_same_pipeline_is_uploaded_once(server, config, compiled):
    _submit(config)
    server.runs[0]["state"] = "SUCCEEDED"
    # Four others, on two pages of the server, do not hide it.
    server.pipelines[:0] = [dict(server.pipelines[0], pipeline_id=f"p{n}", display_name=f"shop{n}") for n in range(4)]
    server.requests.clear()
    assert _submit(config) == 0
    assert server.changes() == [RUN]
    assert len(server.versions) == 1 and len(server.runs) == 2


def test_a_changed_pipeline_is_a_new_version_of_the_same(server, config, compiled):
    _submit(config)
    server.runs[0]["state"] = "FAILED"
    compiled.image = "atalaya:2"
    server.requests.clear()
    assert _submit(config) == 0
    assert server.changes() == [NEW[1], RUN]
    old, new = server.versions
    assert old["pipeline_id"] == new["pipeline_id"] and old["display_name"] != new["display_name"]
    assert server.runs[-1]["pipeline_version_reference"]["pipeline_version_id"] == new["pipeline_version_id"]
    assert b"atalaya:2" in server.packages[-1]


def test_an_upload_that_is_refused_is_shown_without_its_stack_trace(connection, server, compiled, settings, tmp_path):
    package = tmp_path / "pipeline.yaml"
    package.write_text("name: no specification")
    with pytest.raises(ServiceError) as caught:
        kubeflow_client.upload(connection, settings.name, package, Console(file=io.StringIO()))
    assert "refuses the request (400: Failed to create a pipeline version: unknown template format). " in str(
        caught.value
    )


def test_a_version_that_another_command_uploads_meanwhile_is_named(connection, server, compiled, settings, monkeypatch):
    kubeflow_client.uploaded(connection, settings, Console(file=io.StringIO()))
    monkeypatch.setattr(kubeflow_client, "find", lambda *_: None)
    with pytest.raises(
        ServiceError, match=r"has that already \(409: .*already exist\)\. Did another command"
    ) as caught:
        kubeflow_client.uploaded(connection, settings, Console(file=io.StringIO()))
    assert "go:" not in str(caught.value)


def test_on_one_sqlite_file_there_is_one_run_at_a_time(server, config, compiled, capfd):
    _submit(config)
    assert _submit(config) == 2
    assert "a run of shop is active" in capfd.readouterr().err and len(server.runs) == 1
    # Of another recommender in the same experiment, or on a database: as many as there are.
    assert _submit(lambda: config('metadata = { kind = "mysql" }\n')) == 0
    for run in server.runs:
        run["pipeline_version_reference"] = {"pipeline_id": "another", "pipeline_version_id": "v"}
    assert _submit(config) == 0


def test_on_one_sqlite_file_no_run_is_started_beside_one_of_the_schedule(server, config, compiled, capfd):
    assert _submit(config, "--schedule", "0 0 3 * * *") == 0
    (recurring,) = server.recurring
    # As the scheduler starts it.
    shared = {key: recurring[key] for key in ("display_name", "experiment_id", "pipeline_version_reference")}
    run = {**shared, "run_id": "9", "state": "RUNNING", "recurring_run_id": recurring["recurring_run_id"]}
    server.runs = [run | {"runtime_config": {}}]
    assert _submit(config) == 2
    assert f"{server.address}/#/runs/details/9; wait for its end" in capfd.readouterr().err
    assert len(server.runs) == 1


def test_the_shipped_recommender_is_submitted_as_it_is(server, monkeypatch, capfd):
    """Compiled in earnest: 20 s, nearly all of it TFX's imports."""
    monkeypatch.setenv("ATALAYA_KUBEFLOW_HOST", server.address)
    monkeypatch.setenv("ATALAYA_KUBEFLOW_IMAGE", IMAGE)
    steps = [_task("trainer", "SUCCEEDED"), _task("pusher", "SUCCEEDED"), _task("pusher-driver", "SUCCEEDED")]
    server.course = _course(("SUCCEEDED", steps))
    assert runner.main(["--kubeflow", "--wait"]) == 0
    assert server.versions[0]["display_name"] == hashlib.sha256(server.packages[0]).hexdigest()[:16]
    assert server.packages[0].count(IMAGE.encode()) > 10
    assert server.runs[0]["service_account"] == "atalaya"
    out = capfd.readouterr().out
    assert "trainer                 succeeded" in out and "pusher                  succeeded" in out
    assert "driver" not in out


def test_experiment_and_service_account_are_those_of_the_settings(server, config, compiled):
    _submit(lambda: config('experiment = "nightly"\nservice_account = "runner"\n'))
    assert server.experiments[0]["display_name"] == "nightly"
    assert server.runs[0]["service_account"] == "runner"


def test_the_namespace_is_sent_to_a_server_of_several_users_alone(server, config, compiled):
    server.multi_user = True
    _submit(lambda: config('namespace = "ana"\n'))
    assert server.pipelines[0]["namespace"] == server.experiments[0]["namespace"] == "ana"
    lists = [request for request in server.requests if "namespace" in request.parameters]
    assert {request.operation.split("/")[-1] for request in lists} == {"pipelines", "experiments"}
    server.multi_user = False
    server.runs[0]["state"] = "SUCCEEDED"
    server.requests.clear()
    compiled.image = "atalaya:2"
    assert _submit(lambda: config('namespace = "ana"\n')) == 0
    assert not any(
        "namespace" in request.parameters or "namespace" in (request.body or {}) for request in server.requests
    )


def test_waiting_shows_the_steps_and_ends_with_success(server, config, compiled, capfd):
    server.course = _course(
        (
            "SUCCEEDED",
            [
                _task("root", "SUCCEEDED"),
                _task("trainer-driver", "SUCCEEDED"),
                _task("trainer", "SUCCEEDED", start_time="2026-03-04T05:00:00Z", end_time="2026-03-04T05:01:21Z"),
                _task("pusher", "SKIPPED"),
            ],
        )
    )
    assert _submit(config, "--wait") == 0
    out = capfd.readouterr().out
    assert "trainer                 succeeded, 81 s" in out and "pusher                  skipped" in out
    assert "driver" not in out and "root" not in out
    assert "The run succeeded" in out


@pytest.mark.parametrize("options", [(), ("--schedule", "@daily")])
@pytest.mark.parametrize(("release", "status"), [((2, 15), 1), ((2, 16), 0)])
def test_an_older_server_refuses_what_it_does_not_know_and_the_remedy_is_named(
    server, config, compiled, capfd, options, release, status
):
    compiled.executor = {"securityContext": {"runAsNonRoot": True}}
    server.release = release
    assert _submit(config, *options) == status
    remedy = (
        'unknown field "securityContext"). Servers before 2.16 do not know it: set kubeflow.run_as_non_root to false'
    )
    assert (remedy in " ".join(capfd.readouterr().err.split())) == bool(status)


def test_each_state_of_a_step_is_shown_once(connection, server, compiled, settings, console):
    run = _started(connection, server, settings)
    server.course = _course(
        ("PENDING", []),
        ("RUNNING", [_task("trainer", "RUNNING")]),
        ("RUNNING", [_task("trainer", "RUNNING")]),
        ("RUNNING", [_task("trainer", "SUCCEEDED"), _task("pusher", "RUNNING")]),
        ("SUCCEEDED", [_task("trainer", "SUCCEEDED"), _task("pusher", "SUCCEEDED")]),
    )
    assert kubeflow_follow.follow(connection, run, console, poll_s=0.01) == 0
    shown = [line.split()[1:3] for line in _output(console).splitlines()[:-1]]
    assert shown == [
        ["trainer", "running"],
        ["trainer", "succeeded"],
        ["pusher", "running"],
        ["pusher", "succeeded"],
    ]


def test_of_a_failed_run_it_is_said_where_the_cause_stands(connection, server, compiled, settings, console):
    run = _started(connection, server, settings)
    tasks = [_task("trainer", "FAILED"), _task("trainer-driver", "FAILED"), _task("pusher", "SKIPPED")]
    server.course = _course(("RUNNING", []), ("FAILED", tasks))
    assert kubeflow_follow.follow(connection, run, console, poll_s=0.01) == 1
    out = _output(console)
    assert f"The run failed: {run.address}" in out
    assert "Failed: trainer. Kubeflow's API does not give the reason" in out
    # Pods have the run's id as a label; a step's own last line begins with `Trainer: failed: `.
    command = f"kubectl logs -n kubeflow -l pipeline/runid={run.run_id} -c main --prefix --tail=-1 | grep 'failed: '"
    assert f"\n  {command}\n" in out and "executor-logs" in out


def test_what_the_server_says_of_the_run_itself_is_shown(connection, server, compiled, settings, console):
    run = _started(connection, server, settings)
    server.course = [{"state": "FAILED", "error": {"code": 2, "message": "no [quota]"}}]
    assert kubeflow_follow.follow(connection, run, console, poll_s=0.01) == 1
    assert "\n  no [quota]\n" in _output(console) and "kubectl" not in _output(console)


CANCELING = {"state": "CANCELING", "update_time": "2026-03-04T05:06:08Z"}


@pytest.mark.parametrize(
    "course",
    [
        [{"state": "CANCELING"}, {"state": "FAILED"}],
        [{"state": "FAILED", "state_history": [CANCELING]}],
        [{"state": "CANCELED"}],
    ],
    ids=["seen", "missed", "canceled"],
)
def test_a_run_that_is_terminated_was_ended_and_did_not_fail(connection, server, compiled, settings, console, course):
    run = _started(connection, server, settings)
    server.course = [{"state": "RUNNING"}, *course]
    assert kubeflow_follow.follow(connection, run, console, poll_s=0.01) == 1
    assert f"The run was terminated: {run.address}" in _output(console)
    assert server.course == course[-1:]  # looked on to the end


def test_a_server_that_comes_back_is_asked_on(connection, server, compiled, settings, console):
    run = _started(connection, server, settings)
    server.faults = [breaking_off(), refusing(503, "restarting"), breaking_off()]
    server.course = _course(("SUCCEEDED", []))
    assert kubeflow_follow.follow(connection, run, console, poll_s=0.001) == 0
    assert _output(console).count("no answer") == 3


def test_a_server_that_stays_away_is_given_up_and_the_run_goes_on(
    connection, server, compiled, settings, console, monkeypatch
):
    run = _started(connection, server, settings)
    server.course = _course(("RUNNING", [_task("trainer", "RUNNING")]))
    waits: list[float] = []

    def sleep(seconds):
        if not waits:  # after the first answer
            server.stop()
        waits.append(seconds)

    monkeypatch.setattr(kubeflow_follow.time, "sleep", sleep)
    with pytest.raises(ServiceError, match=r"cannot be reached: .*refused") as caught:
        kubeflow_follow.follow(connection, run, console, poll_s=5)
    assert waits == [5, 5, 10, 20, 40, 80]
    assert "trainer" in _output(console) and _output(console).count("no answer") == 5
    assert str(caught.value).endswith(f"The run continues: {run.address}")


def test_credentials_that_expire_on_the_way_are_not_tried_again(connection, server, compiled, settings, console):
    run = _started(connection, server, settings)
    server.faults = [refusing(401, "token has expired")]
    with pytest.raises(ServiceError, match=r"token has expired.*\nThe run continues"):
        kubeflow_follow.follow(connection, run, console, poll_s=0.01)
    assert "no answer" not in _output(console)


def test_looking_on_can_be_stopped(connection, server, compiled, settings, console, monkeypatch):
    run = _started(connection, server, settings)

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(kubeflow_follow.time, "sleep", interrupt)
    assert kubeflow_follow.follow(connection, run, console) == 130
    assert "the run continues" in _output(console)


def _started(connection, server, settings) -> Run:
    version, steps = kubeflow_client.uploaded(connection, settings, Console(file=io.StringIO()))
    assert steps == {"trainer", "pusher"}
    return kubeflow_client.start(connection, settings, version, steps)


def test_what_is_published_and_what_the_sdk_knows_are_the_same():
    """Two sources: the published description, and the models that a generator made of it for the SDK."""
    import kfp_server_api

    if kfp_server_api.__version__.startswith("2.17."):
        status, unknown_to_the_sdk = "GoogleRpcStatus", {}
        unused = {
            "Pipeline": {"tags"},
            "PipelineVersion": {"tags"},
            "RecurringRun": {"plugins_input"},
            "Run": {"plugins_input", "plugins_output"},
        }
    else:
        unknown_to_the_sdk = {
            "GetHealthzResponse": {"pipeline_store"},
            "Experiment": {"last_run_created_at"},
            "Pipeline": {"name"},
            "PipelineVersion": {"name"},
        }
        status, unused = "GooglerpcStatus", {}
    kinds = {"string": "str", "int32": "int", "int64": "str", "boolean": "bool", "date-time": "datetime"}
    for name, fields in kubeflow_api.API["types"].items():
        model = getattr(kfp_server_api, status if name == "Status" else f"V2beta1{name}")
        known = {sent: model.openapi_types[key] for key, sent in model.attribute_map.items()}
        assert set(known) == set(fields) - unknown_to_the_sdk.get(name, set()) | unused.get(name, set()), name
        for field, kind in fields.items():
            if field in known and kind.rstrip("!") in kinds:
                assert known[field] == kinds[kind.rstrip("!")], (name, field)
    for name, values in kubeflow_api.API["enumerations"].items():
        model = getattr(kfp_server_api, f"V2beta1{name}", None) or getattr(kfp_server_api, name)
        assert model.allowable_values == values


@pytest.mark.parametrize(
    ("operation", "query", "body", "problem"),
    [
        (RUN, {}, {"display_name": "r", "runtime_config": {}, "enable": 1}, "body.enable is unknown"),
        (RUN, {}, {"runtime_config": {}}, "body.display_name is missing"),
        (RUN, {}, {"display_name": 1, "runtime_config": {}}, "body.display_name: string is expected"),
        (RUN, {}, None, "the body is None"),
        (RUN, {"namespace": "n"}, {"display_name": "r", "runtime_config": {}}, "query parameter namespace is unknown"),
        ("GET /apis/v2beta1/runs", {"page_size": "ten"}, None, "page_size: int32 is expected"),
        ("GET /apis/v2beta1/runs", {"filter": '{"predicates": [{"operation": "IS"}]}'}, None, "no PredicateOperation"),
    ],
)
def test_a_request_that_is_not_as_published_is_found(operation, query, body, problem):
    assert any(problem in found for found in kubeflow_api.problems_of_request(operation, query, body, {}))


def test_an_operation_that_is_not_published_is_found():
    with pytest.raises(KeyError):
        kubeflow_api.operation("POST", "/apis/v2beta1/recurringruns/1:pause")

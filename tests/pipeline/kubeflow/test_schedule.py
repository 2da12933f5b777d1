import contextlib
import json

import pytest

import runner
from kubeflow_server import Refusal, refusing
from pipeline.kubeflow import schedule as kubeflow_schedule

NIGHTLY, HOURLY = "0 0 3 * * *", "0 30 * * * *"
BASE = "/apis/v2beta1/recurringruns"
ENABLE, DISABLE = f"POST {BASE}/{{recurring_run_id}}:enable", f"POST {BASE}/{{recurring_run_id}}:disable"


@pytest.fixture
def command(config, compiled, server, capfd):
    """Runs a command on the recommender's settings; returns its exit status and output."""

    def run(*options, lines=""):
        server.requests.clear()
        status = runner.main(["--kubeflow", "--config", str(config(lines)), *options])
        captured = capfd.readouterr()
        return status, captured.out + captured.err

    return run


def _of_recurring(server):
    return [operation.removeprefix("POST ") for operation in server.changes() if "recurring" in operation]


def test_a_new_schedule_says_all_that_the_server_would_guess(server, command):
    status, out = command("--schedule", NIGHTLY)
    assert status == 0 and "shop is scheduled: 0 0 3 * * *, at most 1 at a time, missed runs left out" in out
    assert "left out, in the time zone UTC, which is expected of the cluster (id" in out
    (body,) = [request.body for request in server.asked(f"POST {BASE}")]
    assert body["display_name"] == "shop"
    assert body["trigger"] == {"cron_schedule": {"cron": NIGHTLY}}
    assert body["max_concurrency"] == 1 and body["no_catchup"] is True
    assert body["pipeline_version_reference"]["pipeline_version_id"] == server.versions[0]["pipeline_version_id"]
    assert body["experiment_id"] == server.experiments[0]["experiment_id"]
    assert [one["status"] for one in server.recurring] == ["ENABLED"]
    assert not server.runs


def test_concurrency_catching_up_and_account_are_those_of_the_settings(server, command):
    lines = 'max_concurrency = 3\ncatch_up = true\nservice_account = "runner"\nmetadata = { kind = "mysql" }\n'
    _, out = command("--schedule", NIGHTLY, lines=lines)
    assert "at most 3 at a time, missed runs started later" in out
    (recurring,) = server.recurring
    assert (recurring["max_concurrency"], recurring["service_account"]) == ("3", "runner")
    assert server.asked(f"POST {BASE}")[0].body["no_catchup"] is False
    # What is false comes back as absent, a number as text: it is still the same schedule.
    status, out = command("--schedule", NIGHTLY, lines=lines)
    assert status == 0 and "already scheduled" in out and _of_recurring(server) == []


@pytest.mark.parametrize("forgets_accounts", [True, False], ids=["2.16", "2.17"])
@pytest.mark.parametrize("lines", ["", 'service_account = "runner"\n'], ids=["default account", "own account"])
def test_given_again_a_schedule_stays_whatever_the_server_makes_of_its_account(
    server, command, forgets_accounts, lines
):
    server.forgets_accounts = forgets_accounts
    _, first = command("--schedule", NIGHTLY, lines=lines)
    # A run of it at work would make a replacement fail.
    server.runs = [_run_of(server.recurring[0])]
    status, again = command("--schedule", NIGHTLY, lines=lines)
    assert status == 0 and "already scheduled" in again and server.changes() == []
    for out in (first, again):
        assert ("ignores the service account runner" in out) == (forgets_accounts and bool(lines))


@pytest.mark.parametrize("forgets_accounts", [True, False], ids=["2.16", "2.17"])
def test_another_account_in_the_settings_is_another_schedule(server, command, forgets_accounts):
    server.forgets_accounts = forgets_accounts
    command("--schedule", NIGHTLY)
    status, out = command("--schedule", NIGHTLY, lines='service_account = "runner"\n')
    assert status == 0 and "is deleted" in out
    (recurring,) = server.recurring
    assert recurring.get("service_account") == (None if forgets_accounts else "runner")
    assert server.asked(f"POST {BASE}")[0].body["service_account"] == "runner"


def test_the_zone_that_the_scheduler_must_have_is_named(command):
    _, out = command("--schedule", NIGHTLY, lines='time_zone = "Europe/Madrid"\n')
    assert "in the time zone Europe/Madrid" in out
    assert "CRON_SCHEDULE_TIMEZONE of its deployment ml-pipeline-scheduledworkflow has to be Europe/Madrid" in out
    assert "CRON_SCHEDULE_TIMEZONE" not in command("--schedule", NIGHTLY)[1]


@pytest.mark.parametrize("change", ["cron", "pipeline", "setting", "disabled by hand"])
def test_a_changed_schedule_takes_the_place_of_the_old(server, command, compiled, change):
    command("--schedule", NIGHTLY)
    (old,) = server.recurring
    server.recurring.append(dict(old, recurring_run_id="other", display_name="other-shop"))
    if change == "pipeline":
        compiled.image = "atalaya:2"
    if change == "disabled by hand":
        old["status"] = "DISABLED"
    cron = HOURLY if change == "cron" else NIGHTLY
    status, out = command("--schedule", cron, lines="catch_up = true\n" if change == "setting" else "")
    assert status == 0 and f"schedule {old['recurring_run_id']} is deleted" in out
    assert _of_recurring(server) == [
        BASE,
        DISABLE.removeprefix("POST "),
        ENABLE.removeprefix("POST "),
        f"DELETE {BASE}/{{recurring_run_id}}",
    ]
    other, new = server.recurring
    assert other["display_name"] == "other-shop"
    assert (new["status"], new["trigger"]["cron_schedule"]["cron"]) == ("ENABLED", cron)
    assert new["pipeline_version_reference"]["pipeline_version_id"] == server.versions[-1]["pipeline_version_id"]
    assert server.most_enabled == 1


def test_a_schedule_in_another_experiment_is_found_too(server, command):
    command("--schedule", NIGHTLY)
    command("--schedule", NIGHTLY, lines='experiment = "nightly"\n')
    (recurring,) = server.recurring
    assert recurring["experiment_id"] == server.experiments[1]["experiment_id"]
    assert server.most_enabled == 1


def _run_of(recurring):
    run = {"display_name": "r", "experiment_id": recurring["experiment_id"], "runtime_config": {}}
    return dict(run, run_id="9", state="RUNNING", recurring_run_id=recurring["recurring_run_id"])


@pytest.mark.parametrize("change", ["cron", "pipeline", "experiment"])
def test_while_a_run_of_it_is_at_work_a_schedule_of_one_run_is_not_replaced(server, command, compiled, change):
    command("--schedule", NIGHTLY)
    server.runs = [_run_of(server.recurring[0])]
    before = dict(server.recurring[0])
    if change == "pipeline":
        compiled.image = "atalaya:2"
    cron = HOURLY if change == "cron" else NIGHTLY
    lines = 'experiment = "nightly"\n' if change == "experiment" else ""
    status, out = command("--schedule", cron, lines=lines)
    assert status == 2 and f"{server.address}/#/runs/details/9; nothing is changed; run the command again" in out
    assert server.changes() == [] and server.recurring == [before]
    if change != "pipeline":  # where nothing is to be replaced, there is nothing to refuse
        assert "already scheduled" in command("--schedule", NIGHTLY)[1]
    server.runs[0]["state"] = "FAILED"
    assert command("--schedule", cron, lines=lines)[0] == 0
    (left,) = server.recurring
    assert left["status"] == "ENABLED" and left["recurring_run_id"] != before["recurring_run_id"]


def test_a_run_that_begins_while_its_schedule_is_replaced_brings_the_old_one_back(server, command, monkeypatch):
    command("--schedule", NIGHTLY)
    before = dict(server.recurring[0])
    create = kubeflow_schedule._create

    def create_meanwhile(*arguments):
        server.runs = [_run_of(before)]
        return create(*arguments)

    monkeypatch.setattr(kubeflow_schedule, "_create", create_meanwhile)
    status, out = command("--schedule", HOURLY)
    assert status == 2 and "nothing is changed" in out
    assert server.recurring == [before] and server.most_enabled == 1


def test_a_run_that_a_removed_schedule_left_at_work_holds_up_the_next(server, command):
    command("--schedule", NIGHTLY)
    server.runs = [_run_of(server.recurring[0])]
    _, out = command("--unschedule")
    assert "is disabled, but not deleted while one of its runs is active" in out
    assert command("--schedule", NIGHTLY)[0] == 2
    assert [one["status"] for one in server.recurring] == ["DISABLED"]


def test_where_several_may_be_at_work_a_run_outlives_the_update_of_its_schedule(server, command):
    lines = 'max_concurrency = 2\nmetadata = { kind = "mysql" }\n'
    command("--schedule", NIGHTLY, lines=lines)
    server.runs = [_run_of(server.recurring[0])]
    _, out = command("--schedule", HOURLY, lines=lines)
    assert "is disabled, but not deleted while one of its runs is active" in out
    assert server.runs[0]["state"] == "RUNNING"
    assert [one["status"] for one in server.recurring] == ["DISABLED", "ENABLED"]
    server.runs[0]["state"] = "SUCCEEDED"
    _, out = command("--schedule", HOURLY, lines=lines)
    assert "already scheduled" in out and "is deleted" in out
    assert [one["status"] for one in server.recurring] == ["ENABLED"]
    assert server.most_enabled == 1


@pytest.mark.parametrize("description", ["Made by hand", None])
@pytest.mark.parametrize("options", [("--schedule", HOURLY), ("--unschedule",)])
def test_a_strangers_schedule_of_the_same_name_is_left_alone(server, command, options, description):
    command("--schedule", NIGHTLY)
    stranger = dict(server.recurring[0], recurring_run_id="strange", description=description)
    stranger = {key: value for key, value in stranger.items() if value is not None}
    server.recurring.append(dict(stranger))
    status, out = command(*options)
    assert status == 0 and "schedule strange is also named shop, but was not made by Atalaya" in out
    assert stranger in server.recurring
    assert len(server.recurring) == (2 if options[0] == "--schedule" else 1)


def test_an_update_broken_off_is_mended_by_the_next(server, command):
    command("--schedule", NIGHTLY)
    server.faults = [refusing(500, "gone", when=":enable")]
    status, out = command("--schedule", HOURLY)
    assert status == 1 and "failed (500: gone)" in out
    assert [one["status"] for one in server.recurring] == ["DISABLED", "DISABLED"]
    status, _ = command("--schedule", HOURLY)
    (left,) = server.recurring
    assert status == 0 and left["status"] == "ENABLED"
    assert server.most_enabled == 1


def test_all_schedules_are_listed_page_by_page(server, command):
    command("--schedule", NIGHTLY)
    (first,) = server.recurring
    for number in range(4):
        name = f"shop-{number}"
        server.recurring.append(dict(first, recurring_run_id=name, display_name=name, status="DISABLED"))
    status, out = command("--list-schedules")
    assert status == 0 and server.changes() == []
    assert "Schedules are in the time zone UTC, which is expected of the cluster" in out
    rows = [line.split() for line in out.splitlines() if "shop" in line]
    assert [row[0] for row in rows] == ["shop", "shop-0", "shop-1", "shop-2", "shop-3"]
    assert rows[0][1:8] == [*NIGHTLY.split(), "enabled"] and rows[1][7] == "disabled"
    assert len(server.asked(f"GET {BASE}")) == 3


def test_no_schedules_are_said_to_be_none(command):
    assert command("--list-schedules") == (0, "no schedules\n")
    assert command("--unschedule") == (0, "shop has no schedule\n")


def test_unscheduling_disables_and_deletes_this_recommenders_alone(server, command):
    command("--schedule", NIGHTLY)
    (first,) = server.recurring
    server.recurring.append(dict(first, recurring_run_id="other", display_name="other-shop"))
    status, _ = command("--unschedule")
    assert status == 0
    assert server.changes() == [DISABLE, f"DELETE {BASE}/{{recurring_run_id}}"]
    assert [one["display_name"] for one in server.recurring] == ["other-shop"]


def test_the_namespace_bounds_what_is_listed_where_there_are_several_users(server, command):
    server.multi_user = True
    command("--list-schedules", lines='namespace = "ana"\n')
    assert server.asked(f"GET {BASE}")[0].parameters["namespace"] == "ana"


def test_a_descriptor_is_a_schedule_as_any_other(server, command):
    status, out = command("--schedule", "@daily")
    assert status == 0 and "shop is scheduled: @daily" in out
    assert server.recurring[0]["trigger"] == {"cron_schedule": {"cron": "@daily"}}
    assert "already scheduled" in command("--schedule", "@daily")[1]


@pytest.mark.parametrize(
    ("cron", "is_taken"), [("0 3 * * *", True), ("@daily", True), ("0 0 3 * * 7", False), ("0 0 x * * *", False)]
)
def test_the_server_is_as_lenient_as_the_real_one(server, cron, is_taken):
    body = {
        "display_name": "r",
        "max_concurrency": "1",
        "mode": "ENABLE",
        "pipeline_version_reference": {"pipeline_id": "p", "pipeline_version_id": "v"},
        "experiment_id": "e",
        "trigger": {"cron_schedule": {"cron": cron}},
    }
    server.versions, server.experiments = [{"pipeline_version_id": "v"}], [{"experiment_id": "e"}]
    server.packages = [b"schemaVersion: 2.1.0"]
    with contextlib.nullcontext() if is_taken else pytest.raises(Refusal, match="not a supported format"):
        server.answer("POST", BASE, {}, json.dumps(body).encode())


def test_a_cron_that_the_server_would_read_otherwise_is_refused_before_anything_else(server, command):
    status, out = command("--schedule", "0 3 * * *")
    assert status == 2 and "schedule '0 3 * * *': five fields" in out
    assert server.requests == []

"""Every step that is compiled for Kubeflow Pipelines, run as its container would run it, without a cluster.

It takes minutes: there are 12 steps in a run, each a process. Two of the first run's are fresh ones, the others copies
of one that has imported TFX. What runs is the installed wheel, in empty working directories, compiled from the
checkout.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import semaphores
import small_shop
from built_wheel import ROOT, build
from forks import Forks
from kubeflow_emulator import Emulator
from mariadb_server import MariaDB
from pipeline.kubeflow import lock as kubeflow_lock

pytestmark = [pytest.mark.e2e, semaphores.needed]

CONFIG = """
name = "shop"
[data]
folder = {data}
rating_scale = [1, 5]
columns = {{ user = "client", item = "product", rating = "stars", timestamp = "when" }}
timestamp_format = "%m/%d/%Y %H:%M"
[split]
method = "time"
[training]
refit = false
[canary]
calls = 20
latency_p50_ms = 1e6
latency_p99_ms = 1e6
[batch]
enabled = {batch}
k = 10
[kubeflow]
image = "atalaya:test"
root = {root}
volumes = [{{ claim = "atalaya", path = {root} }}, {{ claim = "data", path = {data} }}]
[kubeflow.metadata]
{store}
[gate.thresholds]
recall_at_10 = {{ at_least = {floor} }}
"""
FRESH = {("run-1", "import-schema-gen"), ("run-1", "trainer")}
"""A cheap step, and the one that imports most."""
USER, PASSWORD = "atalaya", "not-for-the-yaml"


class Place(NamedTuple):
    """Where the steps run."""

    folder: Path
    packages: Path
    """The installed wheel."""

    def environment(self, **more: str) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "PYTHONPATH": str(self.packages), **more}

    def compile(
        self, checkout: Forks, name: str, root: Path, store: str, batch: bool = False, floor: float = 0.0
    ) -> Path:
        """The settings of a recommender whose volume is `root`, compiled in the checkout, as a user does."""
        config, package = self.folder / f"{name}.toml", self.folder / f"{name}.yaml"
        values = {"data": self.folder / "data", "root": root}
        texts = {key: json.dumps(str(value)) for key, value in values.items()}
        config.write_text(CONFIG.format(**texts, store=store, batch=json.dumps(batch), floor=floor))
        _run(checkout, self.folder, "--kubeflow", "--compile-only", "--config", str(config), "-o", str(package))
        return package


def _run(checkout: Forks, folder: Path, *options: str) -> None:
    command = [sys.executable, str(ROOT / "runner.py"), *options]
    process = checkout.run(command, folder, dict(os.environ))
    assert process.returncode == 0, process.stdout + process.stderr


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("kubeflow")
    small_shop.write(folder / "data")
    packages = folder / "packages"
    (folder / "build").mkdir()
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(packages)]
    subprocess.run([*command, str(build(folder / "build"))], check=True)
    place = Place(folder, packages)
    # The checkout may be installed too, as an editable package: it must not be what runs.
    program = (
        "import components, pipeline, schemas as s; print(components.__file__, pipeline.__file__, s.__file__, sep=';')"
    )
    command = [sys.executable, "-c", program]
    printed = subprocess.run(command, cwd="/", env=place.environment(), text=True, check=True, capture_output=True)
    assert all(Path(path).is_relative_to(packages) for path in printed.stdout.strip().split(";"))
    return place


@pytest.fixture(scope="module")
def forks(place: Place) -> Iterator[Forks]:
    """Starts the wheel's steps."""
    with Forks.started(place.environment()) as forks:
        yield forks


@pytest.fixture(scope="module")
def checkout() -> Iterator[Forks]:
    """Starts the checkout's commands."""
    with Forks.started(os.environ | {"PYTHONPATH": str(ROOT)}) as forks:
        yield forks


@pytest.fixture(scope="module")
def local(place: Place, checkout: Forks) -> Path:
    """The version that a local run pushes."""
    folder = place.folder / "local"
    folder.mkdir()
    config = folder / "shop.toml"
    data = json.dumps(str(place.folder / "data"))
    config.write_text(CONFIG.format(data=data, root='"/unused"', store="", batch="false", floor=0.0))
    _run(checkout, folder, "--local", "--config", str(config))
    [version] = (folder / "serving" / "shop").iterdir()
    return version


@pytest.fixture(scope="module")
def sqlite(place: Place, checkout: Forks, forks: Forks) -> tuple[Emulator, Path]:
    root = place.folder / "volume"
    package = place.compile(checkout, "sqlite", root, 'kind = "sqlite"', batch=True)
    return Emulator(package, place.folder / "sqlite", place.environment(), forks, FRESH), root


@pytest.fixture(scope="module")
def first(sqlite: tuple[Emulator, Path]) -> dict[str, str]:
    """What each step of a first run printed, in which the Trainer was killed once."""
    emulator, root = sqlite
    return _run_with_a_kill(
        emulator, set(emulator.tasks), "trainer", "fitting to", root / "artifacts/shop/Trainer/model"
    )


def _run_with_a_kill(emulator: Emulator, steps: set[str], killed: str, words: str, output: Path) -> dict[str, str]:
    """Runs steps, one of which is killed when it prints these words and has written to `output`; Kubeflow tries it
    again. Returns what each step printed at last."""
    before = emulator.upstream(killed)
    printed = emulator.run_all("run-1", at_once=2, steps=before)
    process = emulator.start(killed, "run-1")
    for line in process.stdout:
        if words in line:
            process.send_signal(signal.SIGKILL)
            break
    assert process.wait() == -signal.SIGKILL
    # Half of what it wrote: the next attempt must not find it.
    [half] = output.iterdir()
    (half / "left behind").touch()
    printed |= emulator.run_all("run-1", at_once=2, steps=steps - before)
    assert not (half / "left behind").exists()
    return printed


def _versions(root: Path) -> list[Path]:
    return sorted((root / "serving" / "shop").glob("[0-9]*"))


def _files(version: Path) -> dict[str, bytes]:
    return {str(path.relative_to(version)): path.read_bytes() for path in version.rglob("*") if path.is_file()}


def _measured(version: Path) -> dict[tuple[str, str], float]:
    records = json.loads((version / "assets.extra" / "model_card.json").read_text())["evaluation"]["metrics"]
    return {(record["metric"], record["slice"]): record["value"] for record in records}


def _answers(version: Path) -> dict[str, Any]:
    """What the model recommends to every user, and what it predicts for pairs, in a fresh process."""
    program = (
        "import json, sys; import tensorflow as tf\n"
        "model = tf.saved_model.load(sys.argv[1])\n"
        f"users = tf.constant([f'c{{user:03}}' for user in range({small_shop.USERS})] + ['nobody'])\n"
        "out = model.recommend(users, k=20)\n"
        "items = [[item.decode() for item in row] for row in out['item_id'].numpy()]\n"
        f"pairs = tf.constant([f'p{{number % {small_shop.ITEMS}:02}}' for number in range(len(users))])\n"
        "rated = model.rate(users, pairs)['rating'].numpy()\n"
        "print(json.dumps([items, out['score'].numpy().tolist(), rated.tolist()]))\n"
    )
    command = [sys.executable, "-I", "-W", "ignore", "-c", program, str(version)]
    process = subprocess.run(command, cwd="/", capture_output=True, text=True, check=True)
    items, scores, ratings = json.loads(process.stdout)
    return {"items": items, "scores": scores, "ratings": ratings}


def test_each_step_says_that_it_ran(first):
    assert len(first) == 12
    for step, printed in first.items():
        [line] = [line for line in printed.splitlines() if ": ran in " in line]
        assert line.split(":")[0].lower() == step.replace("-", "")


def test_the_pushed_version_is_that_of_a_local_run(sqlite, first, local):
    _, root = sqlite
    [version] = _versions(root)
    ours, theirs = _files(version), _files(local)
    assert set(ours) == set(theirs)
    # Two exports of one model differ in the order of what they hold, and so in the hashes and ids that name them.
    in_some_order = {"saved_model.pb", "assets.extra/ranking.tflite", "assets.extra/retrieval.tflite"}
    cards = {f"assets.extra/{name}.json" for name in ("model_card", "origin", "ranking", "retrieval")}
    same = set(ours) - in_some_order - cards - {"fingerprint.pb"}
    assert {"variables/variables.data-00000-of-00001", "assets.extra/training.json"} < same
    assert {name: ours[name] for name in same} == {name: theirs[name] for name in same}
    assert {name: len(ours[name]) for name in in_some_order} == {name: len(theirs[name]) for name in in_some_order}
    # Sums of floating-point numbers in another order.
    assert _measured(version) == pytest.approx(_measured(local), rel=1e-6)
    assert _answers(version) == _answers(local)


def test_metrics_and_summaries_reach_kubeflow(sqlite, first):
    emulator, root = sqlite
    said = json.loads(emulator.output("run-1", "evaluator", "executor_output.json").read_text())
    [metrics] = said["artifacts"]["metrics"]["artifacts"]
    [evaluation] = (root / "artifacts" / "shop" / "Evaluator" / "evaluation").iterdir()
    verdict = json.loads((evaluation / "verdict.json").read_text())
    [ndcg] = [record for record in verdict["metrics"] if record["metric"] == "ndcg_at_10" and not record["slice"]]
    assert metrics["uri"] == "minio://pipelines/run-1/evaluator/metrics"
    assert metrics["metadata"]["ndcg_at_10"] == ndcg["value"]
    assert all(isinstance(value, float) for value in metrics["metadata"].values())
    assert emulator.output("run-1", "ratings-example-gen", "summary").read_text().startswith("## Data")
    page = emulator.output("run-1", "evaluator", "summary").read_text()
    assert page.startswith("## Blessed by the gate")
    assert f"| NDCG@10 | {ndcg['value']:.4f} | {ndcg['lower']:.4f} - {ndcg['upper']:.4f} |" in page
    [version] = _versions(root)
    assert f"Pushed as the newest version {version}" in emulator.output("run-1", "pusher", "summary").read_text()
    assert f"Pushed as the newest version {version}" in first["pusher"]


def test_a_push_that_is_tried_again_pushes_nothing_twice(sqlite, first):
    emulator, root = sqlite
    before = _versions(root)
    assert "Pusher: already done in this run" in emulator.run("pusher", "run-1")
    assert _versions(root) == before


def test_a_second_run_finds_all_in_the_cache_and_pushes_nothing(sqlite, first):
    emulator, root = sqlite
    before = _versions(root)
    second = emulator.run_all("run-2", at_once=2)
    ran = [step for step, printed in second.items() if "cached, did not need to run" not in printed]
    assert ran == ["latest-blessed-model"]
    assert "Nothing new was pushed" in second["pusher"]
    assert _versions(root) == before


def test_a_refused_model_fails_no_step_and_is_not_pushed(place, checkout, forks, sqlite, first):
    _, root = sqlite
    before = _versions(root)
    package = place.compile(checkout, "refused", root, 'kind = "sqlite"', batch=False, floor=0.999)
    strict = Emulator(package, place.folder / "refused", place.environment(), forks)
    # Everything up to the gate is in the cache, as the second run has shown.
    printed = strict.run_all("run-3", at_once=1)
    assert "Nothing was pushed, the model was refused: " in printed["pusher"]
    assert "must be >= 0.999" in printed["pusher"]
    assert strict.output("run-3", "evaluator", "summary").read_text().startswith("## Refused by the gate")
    assert _versions(root) == before


def test_a_step_takes_its_turn_on_the_sqlite_file_when_another_runs_step_is_done(sqlite):
    emulator, root = sqlite
    store = root / "artifacts" / "shop" / "metadata.sqlite"
    with kubeflow_lock.alone(store, "the step Trainer of the run by-hand"):
        process = emulator.start("import-schema-gen", "run-scheduled")
        for line in process.stdout:
            if "waiting for the step Trainer of the run by-hand" in line:
                break
        assert process.poll() is None
    printed, _ = process.communicate()
    assert process.returncode == 0, printed
    assert "ImportSchemaGen: " in printed.splitlines()[-1]


def test_a_step_without_its_inputs_fails(sqlite, first):
    emulator, _ = sqlite
    process = emulator.start("trainer", "run-without-transform")
    printed, _ = process.communicate()
    assert process.returncode == 1
    assert "Trainer: failed: RuntimeError: Trainer " in printed.splitlines()[-1]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    if shutil.which("mariadbd") is None:
        pytest.skip("no mariadbd on this machine; Debian's package mariadb-server has it")
    with MariaDB.started(tmp_path_factory.mktemp("mariadb")) as server:
        server.ask(f"CREATE DATABASE shops; CREATE USER {USER} IDENTIFIED BY '{PASSWORD}'")
        server.ask(f"GRANT ALL ON shops.* TO {USER}")
        yield server


@pytest.fixture(scope="module")
def on_mysql(place: Place, checkout: Forks, server: MariaDB) -> Path:
    """The recommender compiled for that server."""
    store = f'kind = "mysql"\nmysql = {{ host = "127.0.0.1", port = {server.port}, database = "shops" }}'
    package = place.compile(checkout, "mysql", place.folder / "volume-mysql", store)
    assert PASSWORD not in package.read_text()
    return package


def _with_password(place: Place, forks: Forks, package: Path, password: str) -> Emulator:
    secrets = {"ATALAYA_MYSQL_USER": USER, "ATALAYA_MYSQL_PASSWORD": password}
    return Emulator(package, place.folder / "mysql", place.environment(**secrets), forks)


def test_a_wrong_password_is_one_clear_line_that_does_not_tell_it(place, forks, server, on_mysql):
    emulator = _with_password(place, forks, on_mysql, "another-password")
    process = emulator.start("import-schema-gen", "run-0")
    printed, _ = process.communicate()
    assert process.returncode == 1
    last = printed.splitlines()[-1]
    assert f"the metadata store 127.0.0.1:{server.port}, database shops cannot be used" in last
    assert "user and password" in last
    assert "another-password" not in printed


def test_against_mysql_a_killed_step_is_tried_again_and_nothing_happens_twice(place, forks, server, on_mysql):
    emulator = _with_password(place, forks, on_mysql, PASSWORD)
    # Those that need no model; how a step meets its store is the same for all.
    steps = {"import-schema-gen", "ratings-example-gen", "statistics-gen", "example-validator", "latest-blessed-model"}
    output = place.folder / "volume-mysql/artifacts/shop/StatisticsGen/statistics"
    printed = _run_with_a_kill(emulator, steps, "statistics-gen", "Generating statistics for split", output)
    assert not any(PASSWORD in text for text in printed.values())
    again = emulator.run("statistics-gen", "run-1")
    assert "StatisticsGen: already done in this run" in again
    states = server.ask(
        "SELECT Type.name, Execution.last_known_state FROM shops.Execution JOIN shops.Type ON type_id = Type.id",
    )
    complete = "3"
    executions = Counter(name for name, _ in states)
    assert len(executions) == len(steps) and set(executions.values()) == {1}
    assert {state for _, state in states} == {complete}

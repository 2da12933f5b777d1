"""The files under deploy/ agree with each other, with the settings' defaults and with the shipped settings."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.kubeflow import KubeflowSettings, MetadataStoreSettings
from schemas.settings import load

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
BASE, MYSQL = DEPLOY / "kubeflow" / "base", DEPLOY / "kubeflow" / "mysql"
STORE = MetadataStoreSettings(kind="mysql")
SHIPPED = load(ROOT / "pipeline" / "configs" / "movielens-100k.toml")


def _documents(folder: Path) -> dict[tuple[str, str], Any]:
    """By kind and name: what a kustomization's own files hold."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    files = [folder / name for name in kustomization["resources"] if name.endswith(".yaml")]
    assert {path.name for path in folder.glob("*.yaml")} == {"kustomization.yaml", *(path.name for path in files)}
    documents = [document for path in files for document in yaml.safe_load_all(path.read_text())]
    return {(document["kind"], document["metadata"]["name"]): document for document in documents}


def _containers(document: Any) -> list[Any]:
    return document["spec"]["template"]["spec"]["containers"]


def test_the_base_holds_what_the_shipped_settings_name():
    base = _documents(BASE)
    (volume,) = SHIPPED.kubeflow.volumes
    account = SHIPPED.kubeflow.service_account
    assert set(base) == {
        ("ServiceAccount", account),
        ("Role", "atalaya"),
        ("RoleBinding", "atalaya"),
        ("PersistentVolumeClaim", volume.claim),
        ("Job", "atalaya-volume"),
    }
    assert SHIPPED.kubeflow.root == KubeflowSettings().root
    assert all(Path(path).is_relative_to(volume.path) for path in (SHIPPED.kubeflow.root, SHIPPED.kubeflow.data))
    binding = base["RoleBinding", "atalaya"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account}]
    assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) == ("Role", "atalaya")


def test_the_account_may_read_one_secret_and_change_nothing_of_others():
    rules = _documents(BASE)["Role", "atalaya"]["rules"]
    secrets = [rule for rule in rules if "secrets" in rule["resources"]]
    assert [(rule["resourceNames"], rule["verbs"]) for rule in secrets] == [(["mlpipeline-minio-artifact"], ["get"])]
    assert not any("*" in rule[key] for rule in rules for key in ("apiGroups", "resources", "verbs"))


def test_the_volume_is_given_to_the_images_user_where_it_is_mounted():
    job = _documents(BASE)["Job", "atalaya-volume"]
    (container,) = _containers(job)
    (volume,) = SHIPPED.kubeflow.volumes
    assert container["volumeMounts"] == [{"name": "atalaya", "mountPath": volume.path}]
    assert container["command"][-3:] == ["--owner=1000", "--group=1000", volume.path]
    assert "\nUSER 1000:1000\n" in (ROOT / "Dockerfile").read_text()
    claims = [entry["persistentVolumeClaim"]["claimName"] for entry in job["spec"]["template"]["spec"]["volumes"]]
    assert claims == [volume.claim]


def test_files_are_copied_as_the_images_user_to_where_the_shipped_settings_expect_them():
    path = DEPLOY / "kubeflow" / "data.yaml"
    (pod,) = yaml.safe_load_all(path.read_text())
    (volume,) = SHIPPED.kubeflow.volumes
    assert pod["spec"]["securityContext"] == {"runAsUser": 1000, "runAsGroup": 1000}
    (container,) = pod["spec"]["containers"]
    assert container["volumeMounts"] == [{"name": "atalaya", "mountPath": volume.path}]
    assert pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] == volume.claim
    # The commands at its head name the folders of the shipped settings.
    assert Path(SHIPPED.kubeflow.data).name == SHIPPED.data.folder.name
    assert (
        f" {SHIPPED.data.folder} {pod['metadata']['name']}:{Path(SHIPPED.kubeflow.data).parent}\n" in path.read_text()
    )


@pytest.mark.parametrize("folder", [BASE, MYSQL], ids=["base", "mysql"])
def test_all_lies_in_the_default_namespace(folder):
    assert yaml.safe_load((folder / "kustomization.yaml").read_text())["namespace"] == KubeflowSettings().namespace
    assert not any("namespace" in document["metadata"] for document in _documents(folder).values())


def test_the_database_is_where_the_defaults_look_for_it():
    mysql = _documents(MYSQL)
    service, deployment = mysql["Service", STORE.host], mysql["Deployment", STORE.host]
    assert [port["port"] for port in service["spec"]["ports"]] == [STORE.port]
    assert service["spec"]["selector"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    (container,) = _containers(deployment)
    environment = {entry["name"]: entry for entry in container["env"]}
    assert environment["MARIADB_DATABASE"]["value"] == STORE.database
    keys = {"MARIADB_USER": STORE.user_key, "MARIADB_PASSWORD": STORE.password_key}
    for variable, key in keys.items():
        assert environment[variable]["valueFrom"]["secretKeyRef"] == {"name": STORE.secret, "key": key}


def test_the_secret_is_made_of_a_file_that_is_not_committed():
    kustomization = yaml.safe_load((MYSQL / "kustomization.yaml").read_text())
    assert kustomization["resources"][0] == "../base"
    assert kustomization["secretGenerator"] == [{"name": STORE.secret, "envs": ["mysql.env"]}]
    assert kustomization["generatorOptions"]["disableNameSuffixHash"] is True
    example = dict(line.split("=", 1) for line in (MYSQL / "mysql.env.example").read_text().split())
    assert set(example) == {STORE.user_key, STORE.password_key} and example[STORE.password_key] == ""
    for path in (MYSQL / "mysql.env", DEPLOY / ".env"):
        ignored = subprocess.run(["git", "check-ignore", "--quiet", str(path)], cwd=ROOT)
        assert ignored.returncode in (0, 128), f"{path} could be committed"  # 128: no git repository here


def test_compose_serves_what_is_pushed_read_only_and_on_loopback():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert all(port.startswith("127.0.0.1:") for service in services.values() for port in service["ports"])
    source, target, mode = services["serving"]["volumes"][0].split(":")
    # TensorFlow Serving looks for versions in /models/$MODEL_NAME.
    assert (DEPLOY / source).resolve() == ROOT / SHIPPED.export.serving
    assert (target, mode) == ("/models", "ro")
    assert services["serving"]["environment"]["MODEL_NAME"].endswith(f":-{SHIPPED.name}}}")
    database = services["mysql"]["environment"]
    assert database["MARIADB_DATABASE"] == STORE.database
    assert database["MARIADB_PASSWORD"].startswith("${ATALAYA_MYSQL_PASSWORD:?")

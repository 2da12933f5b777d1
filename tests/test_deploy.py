"""The files under deploy/ agree with each other, with the settings' defaults and with the shipped settings."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

import pod_security
from schemas.settings import KubeflowSettings, load
from schemas.settings.kubeflow import MysqlSettings

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
BASE, MYSQL = DEPLOY / "kubeflow" / "base", DEPLOY / "kubeflow" / "mysql"
STORE = MysqlSettings()
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
        ("Role", "atalaya-use"),
        ("RoleBinding", "atalaya"),
        ("PersistentVolumeClaim", volume.claim),
        ("Job", "atalaya-volume"),
    }
    assert SHIPPED.kubeflow.root == KubeflowSettings().root
    assert all(Path(path).is_relative_to(volume.path) for path in (SHIPPED.kubeflow.root, SHIPPED.kubeflow.data))
    binding = base["RoleBinding", "atalaya"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account}]
    assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) == ("Role", "atalaya")
    (rule,) = base["Role", "atalaya-use"]["rules"]
    assert (rule["resources"], rule["resourceNames"], rule["verbs"]) == (["serviceaccounts"], [account], ["use"])


def test_the_account_may_read_one_secret_and_change_nothing_of_others():
    rules = _documents(BASE)["Role", "atalaya"]["rules"]
    secrets = [rule for rule in rules if "secrets" in rule["resources"]]
    assert [(rule["resourceNames"], rule["verbs"]) for rule in secrets] == [(["mlpipeline-minio-artifact"], ["get"])]
    # Of Argo's agent, which no release of Kubeflow Pipelines starts as this account.
    assert not any("tasksets" in resource for rule in rules for resource in rule["resources"])
    assert not any("*" in rule[key] for rule in rules for key in ("apiGroups", "resources", "verbs"))


def test_the_volume_is_given_to_the_images_user_where_it_is_mounted():
    job = _documents(BASE)["Job", "atalaya-volume"]
    (container,) = _containers(job)
    (volume,) = SHIPPED.kubeflow.volumes
    assert container["volumeMounts"] == [{"name": "atalaya", "mountPath": volume.path}]
    # Kubernetes gives the volume to this group; the job shows that its user may then write to it.
    pod = job["spec"]["template"]["spec"]["securityContext"]
    assert (pod["runAsUser"], pod["runAsGroup"], pod["fsGroup"]) == (1000, 1000, 1000)
    assert "\nUSER 1000:1000\n" in (ROOT / "Dockerfile").read_text()
    assert container["command"] == ["mkdir", "--parents", str(Path(SHIPPED.kubeflow.data).parent)]
    claims = [entry["persistentVolumeClaim"]["claimName"] for entry in job["spec"]["template"]["spec"]["volumes"]]
    assert claims == [volume.claim]
    # Of a job that restarts its containers, the pod and its log are gone once it gives up.
    assert (job["spec"]["template"]["spec"]["restartPolicy"], job["spec"]["backoffLimit"]) == ("Never", 2)


def test_files_are_copied_as_the_images_user_to_where_the_shipped_settings_expect_them():
    path = DEPLOY / "kubeflow" / "data.yaml"
    (pod,) = yaml.safe_load_all(path.read_text())
    (volume,) = SHIPPED.kubeflow.volumes
    context = pod["spec"]["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"]) == (1000, 1000)
    (container,) = pod["spec"]["containers"]
    assert container["volumeMounts"] == [{"name": "atalaya", "mountPath": volume.path}]
    assert pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] == volume.claim
    # The commands at its head name the folders of the shipped settings.
    assert Path(SHIPPED.kubeflow.data).name == SHIPPED.data.folder.name
    assert (
        f" {SHIPPED.data.folder} {pod['metadata']['name']}:{Path(SHIPPED.kubeflow.data).parent}\n" in path.read_text()
    )


def _pods() -> dict[str, Any]:
    """What pods are made of, by the name of the object that makes them: metadata and specification."""
    (pod,) = yaml.safe_load_all((DEPLOY / "kubeflow" / "data.yaml").read_text())
    objects = {**_documents(BASE), **_documents(MYSQL)}
    templates = {
        name: document["spec"]["template"]
        for (_, name), document in objects.items()
        if "template" in document.get("spec", {})
    }
    return templates | {"atalaya-data": pod}


SAFE = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}
WHOLE = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}


def _pod(whole: dict[str, Any], own: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"securityContext": WHOLE | whole, "containers": [{"name": "main", "securityContext": SAFE | own}], **more}


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        (_pod({}, {}), None),
        (_pod({}, {}, volumes=[{"name": "v", "csi": {}}, {"name": "w", "emptyDir": {}}]), None),
        (_pod({"runAsNonRoot": False}, {"runAsNonRoot": True}), None),
        (_pod({"runAsNonRoot": None}, {}), "main may run as root"),
        (_pod({}, {"runAsNonRoot": False}), "main may run as root"),
        (_pod({"runAsUser": 0}, {}), "the pod runs as root"),
        (_pod({}, {"runAsUser": 0}), "main runs as root"),
        (_pod({}, {"allowPrivilegeEscalation": True}), "main may gain privileges"),
        (_pod({}, {"privileged": True}), "main is privileged"),
        (_pod({}, {"capabilities": {"drop": ["NET_RAW"]}}), "main keeps capabilities"),
        (_pod({}, {"capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}}), "main adds capabilities"),
        (_pod({}, {"seccompProfile": {"type": "Unconfined"}}), "main has another seccomp profile"),
        (_pod({}, {"appArmorProfile": {"type": "Unconfined"}}), "main has another AppArmor profile"),
        (_pod({}, {"seLinuxOptions": {"type": "spc_t"}}), "main has SELinux options"),
        (_pod({}, {"procMount": "Unmasked"}), "main changes /proc"),
        (_pod({"sysctls": [{"name": "kernel.msgmax"}]}, {}), "the pod sets sysctls"),
        (_pod({}, {}, hostNetwork=True), "hostNetwork is true"),
        (_pod({}, {}, volumes=[{"name": "v", "hostPath": {}}]), "volume v is a hostPath"),
        (_pod({}, {}, initContainers=[{"name": "first", "securityContext": {}}]), "first may gain privileges"),
        ({"containers": [{"name": "main", "securityContext": SAFE}]}, "main has no seccomp profile"),
        (
            {"securityContext": WHOLE, "containers": [{"name": "m", "ports": [{"hostPort": 1}]}]},
            "m takes a port of the node",
        ),
    ],
)
def test_what_pod_security_refuses_is_found(pod, expected):
    found = pod_security.violations(pod)
    assert (expected in found) if expected else found == []


def test_pod_security_admits_all_pods():
    found = {name: pod_security.violations(pod["spec"]) for name, pod in _pods().items()}
    assert found == {"atalaya-data": [], "atalaya-mysql": [], "atalaya-volume": []}


def test_no_pod_has_a_sidecar_of_istios():
    # The steps have none either: of a database with one, the mesh would refuse them; a job with one does not end.
    assert [pod["metadata"]["labels"]["sidecar.istio.io/inject"] for pod in _pods().values()] == ["false"] * 3


@pytest.mark.parametrize("folder", [BASE, MYSQL], ids=["base", "mysql"])
def test_everything_is_in_the_default_namespace(folder):
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


def test_the_secret_is_made_of_a_file():
    kustomization = yaml.safe_load((MYSQL / "kustomization.yaml").read_text())
    assert kustomization["resources"][0] == "../base"
    assert kustomization["secretGenerator"] == [{"name": STORE.secret, "envs": ["mysql.env"]}]
    assert kustomization["generatorOptions"]["disableNameSuffixHash"] is True
    example = dict(line.split("=", 1) for line in (MYSQL / "mysql.env.example").read_text().split())
    assert set(example) == {STORE.user_key, STORE.password_key} and example[STORE.password_key] == ""


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("path", [MYSQL / "mysql.env", DEPLOY / ".env"], ids=["mysql.env", ".env"])
def test_a_file_of_secrets_is_not_committed(path):
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

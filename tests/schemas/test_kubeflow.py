import pytest
from pydantic import ValidationError

from schemas.settings import KubeflowSettings

DIGEST = "@sha256:" + "0f" * 32


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc", ""])
def test_a_time_zone_that_does_not_exist_is_refused(zone):
    with pytest.raises(ValueError):
        KubeflowSettings(time_zone=zone)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"image": "atalaya 1"}, "a container image such as"),
        ({"image": "Atalaya:1"}, "a container image such as"),
        ({"image": "atalaya@sha256:0"}, "a container image such as"),
        ({"image": "https://registry.example.com/atalaya"}, "a container image such as"),
        ({"data": "data"}, "or a gs:// address is expected"),
        ({"data": "gs://"}, "or a gs:// address is expected"),
        ({"data": "s3://bucket"}, "or a gs:// address is expected"),
        ({"data": "/mnt/../etc"}, "without .., or"),
        ({"outputs": "/mnt/atalaya/.."}, "an absolute path below /, without"),
        ({"metadata": {"sqlite": {"path": "/../metadata.sqlite"}}}, "an absolute path below /, without"),
        ({"volumes": [{"claim": "c", "path": "/"}]}, "an absolute path below /"),
        ({"volumes": [{"claim": "c", "path": "/mnt/./a"}]}, "an absolute path below /"),
        ({"volumes": [{"claim": "c", "path": "/mnt:a"}]}, "and colons"),
        ({"volumes": [{"claim": "My_Claim", "path": "/mnt"}]}, "a name that a volume may have"),
        ({"volumes": [{"claim": "c" * 64, "path": "/mnt"}]}, "a name that a volume may have"),
        ({"volumes": [{"claim": "data.shop", "path": "/mnt"}]}, "a name that a volume may have"),
        ({"secret_files": [{"secret": "key.json", "path": "/mnt"}]}, "a name that a volume may have"),
        (
            {"volumes": [{"claim": "a", "path": "/mnt"}], "secret_files": [{"secret": "a", "path": "/s"}]},
            "`volumes` and `secret_files` have 'a' twice",
        ),
        ({"volumes": [{"claim": "a", "path": path} for path in ("/mnt", "/srv")]}, "have 'a' twice"),
        ({"secret_files": [{"secret": "a", "path": path} for path in ("/mnt", "/srv")]}, "have 'a' twice"),
        ({"namespace": "team.shop"}, "a namespace (at most 63"),
        ({"namespace": "Shop"}, "a namespace (at most 63"),
        ({"service_account": "a" * 254}, "a name that Kubernetes allows"),
        (
            {"volumes": [{"claim": "c", "path": "/mnt"}, {"claim": "d", "path": "/mnt/"}]},
            "`volumes` and `secret_files` mount twice at /mnt",
        ),
        (
            {"volumes": [{"claim": "c", "path": "/mnt"}], "secret_files": [{"secret": "s", "path": "/mnt"}]},
            "mount twice at /mnt",
        ),
        ({"secret_files": [{"secret": "-s", "path": "/mnt"}]}, "a name that a volume may have"),
        ({"metadata": {"mysql": {"secret": "a..b"}}}, "a name that Kubernetes allows"),
        ({"metadata": {"mysql": {"port": 65536}}}, "less than or equal to 65535"),
        ({"secrets": [{"secret": "S", "key": "k", "variable": "V"}]}, "a name that Kubernetes allows"),
        ({"secrets": [{"secret": "s", "key": "a/b", "variable": "V"}]}, "a key of letters"),
        ({"secrets": [{"secret": "s", "key": "k", "variable": "PATH"}]}, "the variable PATH is taken"),
        ({"secrets": [{"secret": "s", "key": "k", "variable": "ATALAYA_MYSQL_USER"}]}, "ATALAYA_MYSQL_USER is taken"),
        ({"secrets": [{"secret": "s", "key": key, "variable": "V"} for key in ("a", "b")]}, "variable V is taken"),
        ({"variables": {"A-B": "1"}}, "a variable's name of letters"),
        ({"variables": {"PATH": "/bin"}}, "the variable PATH is taken"),
        ({"variables": {"A": "{{workflow.name}}"}}, "A holds two braces, {{, which Kubeflow would fill in"),
        (
            {"variables": {"V": "1"}, "secrets": [{"secret": "s", "key": "k", "variable": "V"}]},
            "the variable V is taken",
        ),
        ({"image_pull_secrets": ["Registry"]}, "a name that Kubernetes allows"),
        ({"resources": {"Trainer": {"tolerations": [{"value": "gpu"}]}}}, "a `key` is missing"),
        (
            {"resources": {"Trainer": {"tolerations": [{"key": "k", "operator": "Exists", "value": "v"}]}}},
            '`value` is of no use with operator = "Exists"',
        ),
        ({"resources": {"Trainer": {"tolerations": [{"key": "a/b/c"}]}}}, "a name of at most 63 letters"),
        ({"resources": {"Trainer": {"tolerations": [{"key": "k", "effect": "Never"}]}}}, "NoSchedule"),
        ({"resources": {"Trainer": {"node_selector": {"k": "two words"}}}}, "a value of at most 63 letters"),
        ({"resources": {"Trainer": {"node_selector": {"-k": "v"}}}}, "a name of at most 63 letters"),
        ({"resources": {"Trainer": {"gpu_type": "example.com/"}}}, "a name of at most 63 letters"),
        ({"resources": {"Trainer": {"memory": "16 GB"}}}, "an amount of memory such as 500Mi or 4Gi"),
        ({"resources": {"Trainer": {"cpu": "two"}}}, "a number of cores such as"),
        ({"resources": {"Trainer": {"cpu": "2", "cpu_limit": "1999m"}}}, "`cpu_limit` (1999m) must not be below"),
        ({"resources": {"Trainer": {"memory": "4Gi", "memory_limit": "4G"}}}, "`memory_limit` (4G) must not be below"),
        ({"resources": {"Trainer": {"memory": "1", "memory_limit": "0K"}}}, "`memory_limit` (0K) must not be below"),
    ],
)
def test_what_kubernetes_would_refuse_is_refused(settings, said):
    with pytest.raises(ValidationError) as caught:
        KubeflowSettings.model_validate(settings)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"image": "atalaya"},
        {"image": f"registry.example.com:5000/team/shop_atalaya:1.2-rc_1{DIGEST}"},
        {"image": f"localhost/atalaya{DIGEST}"},
        {"data": "gs://bucket/shop 1"},
        {"data": "/gcs/bucket/..shop/"},
        {"host": "http://[::1]:8080/pipeline"},
        {"volumes": [{"claim": "a-b-1", "path": "/mnt"}, {"claim": "d", "path": "/mnt/a"}]},
        {"volumes": [{"claim": "c" * 63, "path": "/mnt"}]},
        {"secrets": [{"secret": "a.b", "key": "k", "variable": "V"}], "metadata": {"mysql": {"secret": "a.b"}}},
        {"resources": {"Trainer": {"cpu": "0.5", "cpu_limit": "500m", "memory": "1000Ki", "memory_limit": "1025K"}}},
        {"resources": {"Trainer": {"cpu": "2", "memory_limit": "1M"}}},
        {"resources": {"Trainer": {"node_selector": {"cloud.google.com/gke-nodepool": "gpu_1", "k": ""}}}},
        {"resources": {"Trainer": {"tolerations": [{"key": "k"}, {"operator": "Exists", "effect": "NoExecute"}]}}},
        {"variables": {"OMP_NUM_THREADS": "4", "_EMPTY": ""}, "image_pull_secrets": ["registry.example.com"]},
    ],
)
def test_what_kubernetes_takes_passes(settings):
    KubeflowSettings.model_validate(settings)

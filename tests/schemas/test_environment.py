import re
from pathlib import Path

import pytest

from schemas.environment import Credentials, credentials, overridden
from schemas.errors import SettingsError
from schemas.settings import KubeflowSettings

SETTINGS = KubeflowSettings(host="http://localhost:8080", image="atalaya:1", max_concurrency=1, retries=5)


def test_a_variable_takes_the_place_of_its_setting_and_of_no_other():
    changed = overridden(
        SETTINGS,
        {
            "ATALAYA_KUBEFLOW_HOST": "https://pipelines.example.com",
            "ATALAYA_KUBEFLOW_CERTIFICATE_AUTHORITY": "/etc/ca.pem",
            "ATALAYA_KUBEFLOW_NAMESPACE": "ana",
            "ATALAYA_KUBEFLOW_EXPERIMENT": "nightly",
            "ATALAYA_KUBEFLOW_SERVICE_ACCOUNT": "runner",
            "ATALAYA_KUBEFLOW_IMAGE": "atalaya:2",
            "ATALAYA_KUBEFLOW_GPU_IMAGE": "atalaya:2-gpu",
            "ATALAYA_KUBEFLOW_ROOT": "/mnt/other",
            "ATALAYA_KUBEFLOW_DATA": "/mnt/data",
            "ATALAYA_KUBEFLOW_TOKEN": "t",
            "PATH": "/bin",
        },
    )
    assert changed == SETTINGS.model_copy(
        update={
            "host": "https://pipelines.example.com",
            "certificate_authority": Path("/etc/ca.pem"),
            "namespace": "ana",
            "experiment": "nightly",
            "service_account": "runner",
            "image": "atalaya:2",
            "gpu_image": "atalaya:2-gpu",
            "root": "/mnt/other",
            "data": "/mnt/data",
        }
    )


def test_without_variables_nothing_changes():
    settings = KubeflowSettings.model_validate(
        {
            "volumes": [{"claim": "c", "path": "/mnt"}],
            "resources": {"Trainer": {"cpu": "2"}},
            "time_zone": "Europe/Madrid",
        }
    )
    assert overridden(settings, {}) == settings


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ATALAYA_KUBEFLOW_HOST", "localhost:8080"),
        ("ATALAYA_KUBEFLOW_HOST", "http://user:password@localhost"),
        ("ATALAYA_KUBEFLOW_HOST", "http://[::1"),
        ("ATALAYA_KUBEFLOW_HOST", "http://localhost:80800"),
        ("ATALAYA_KUBEFLOW_IMAGE", "atalaya 1"),
        ("ATALAYA_KUBEFLOW_NAMESPACE", ""),
        ("ATALAYA_KUBEFLOW_EXPERIMENT", ""),
        ("ATALAYA_KUBEFLOW_DATA", "data"),
        ("ATALAYA_KUBEFLOW_DATA", "s3://data"),
    ],
)
def test_a_value_that_the_file_could_not_have_is_refused_by_its_variable(variable, value):
    with pytest.raises(SettingsError, match=f"^{variable}: .*; got {re.escape(repr(value))}$"):
        overridden(SETTINGS, {variable: value})


def test_no_text_of_credentials_holds_them():
    both = credentials({"ATALAYA_KUBEFLOW_TOKEN": " abc\n", "ATALAYA_KUBEFLOW_COOKIES": "c=def"})
    assert both.token.get_secret_value() == "abc" and both.cookies.get_secret_value() == "c=def"
    assert str(both) == f"{both}" == "ATALAYA_KUBEFLOW_TOKEN and ATALAYA_KUBEFLOW_COOKIES"
    assert not any(secret in text for secret in ("abc", "def") for text in (repr(both), both.model_dump_json()))
    assert both.hidden_in("abc, c=def and abd") == "***, *** and abd"


def test_blank_variables_are_no_credentials():
    assert credentials({"ATALAYA_KUBEFLOW_TOKEN": " \n"}) == Credentials()
    assert str(Credentials()) == ""

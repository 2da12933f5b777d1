"""Environment variables for runs on Kubeflow Pipelines: settings of this machine or user, and credentials."""

import json
from collections.abc import Mapping

from pydantic import SecretStr, ValidationError

from schemas.errors import SettingsError
from schemas.settings.kubeflow import KubeflowSettings
from schemas.settings.section import Section

_PREFIX = "ATALAYA_KUBEFLOW_"
_SETTINGS = (
    "host",
    "certificate_authority",
    "namespace",
    "experiment",
    "service_account",
    "image",
    "gpu_image",
    "root",
    "data",
)
_TOKEN, _COOKIES = f"{_PREFIX}TOKEN", f"{_PREFIX}COOKIES"


class Credentials(Section):
    """What the client shows the server. Neither is ever written: printed, a secret is asterisks."""

    token: SecretStr | None = None
    cookies: SecretStr | None = None
    """As a browser sends them: `authservice_session=...`."""

    def __str__(self) -> str:
        """The variables that hold one, never what they hold."""
        named = {_TOKEN: self.token, _COOKIES: self.cookies}
        return " and ".join(variable for variable, secret in named.items() if secret)

    def hidden_in(self, text: str) -> str:
        """The text without the secrets, which a server may repeat in its answer."""
        for secret in (self.token, self.cookies):
            if secret:
                text = text.replace(secret.get_secret_value(), "***")
        return text


def overridden(settings: KubeflowSettings, environment: Mapping[str, str]) -> KubeflowSettings:
    """The settings, with those replaced that variables such as `ATALAYA_KUBEFLOW_HOST` give.

    Raises:
      SettingsError: a variable has a value that the setting does not accept. The message names the variable.
    """
    given = {name: environment[_variable(name)] for name in _SETTINGS if _variable(name) in environment}
    tree = settings.model_dump(mode="json") | given
    try:
        return KubeflowSettings.model_validate_json(json.dumps(tree), strict=True)
    except ValidationError as error:
        lines = [
            f"{_variable(str(e['loc'][0]))}: {e['msg'].removeprefix('Value error, ')}; got {e['input']!r}"
            for e in error.errors()
        ]
        raise SettingsError("\n".join(lines)) from error


def credentials(environment: Mapping[str, str]) -> Credentials:
    """Token and cookies, if the environment has them.

    Raises:
      SettingsError: one cannot be sent in a header. The message names the variable, never its value.
    """
    return Credentials(token=_secret(environment, _TOKEN), cookies=_secret(environment, _COOKIES))


def _variable(setting: str) -> str:
    return _PREFIX + setting.upper()


def _secret(environment: Mapping[str, str], variable: str) -> SecretStr | None:
    value = environment.get(variable, "").strip()
    if not (value.isascii() and value.isprintable()):
        raise SettingsError(f"{variable}: holds a line break or another character that no header can have")
    return SecretStr(value) if value else None

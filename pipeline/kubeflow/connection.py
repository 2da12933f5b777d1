"""A connection to the API of Kubeflow Pipelines, with credentials, time limits and errors that name a remedy."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kfp.client.set_volume_credentials import ServiceAccountTokenVolumeCredentials
from kfp_server_api.exceptions import ApiException
from urllib3 import exceptions

from pipeline.kubeflow.sdk import SdkClient
from schemas.environment import Credentials
from schemas.errors import ServiceError, SettingsError
from schemas.settings import KubeflowSettings

TIMEOUT_S = (10.0, 60.0)
"""Maximum seconds until a connection is open, and between two pieces of an answer."""
_IN_CLUSTER_HOST = "http://ml-pipeline.kubeflow.svc.cluster.local:8888"
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_PIPELINES_TOKEN = Path("/var/run/secrets/kubeflow/pipelines/token")
_NONE = "no credentials"
_UNKNOWN_FIELD = 'unknown field "securityContext"'
_TOO_OLD = "Servers before 2.16 do not know it: set kubeflow.run_as_non_root to false, or upgrade the server."
_LONGEST_MESSAGE, _LONGEST_BEGINNING = 400, 100
"""Maximum characters of a server's message, and of its beginning if its middle is left out."""


class Connection(SdkClient):
    """The SDK's client with a time limit for every request, whose only errors are `ServiceError`.

    Attributes:
      host: address of the API server.
      run_namespace: of the runs; None if the server has only one user, and no namespaces.
    """

    def __init__(
        self, settings: KubeflowSettings, credentials: Credentials, timeout_s: tuple[float, float] = TIMEOUT_S
    ):
        """Connects, and asks the server whether it has several users.

        Raises:
          SettingsError: there is no host, and this is not a cluster; or the certificate authority's file is absent.
          ServiceError: the server does not answer as it should.
        """
        self.host = (settings.host or _own_cluster()).rstrip("/")
        # A service's name: it serves the API alone, without the user interface.
        self._is_in_cluster = ".svc" in (urlsplit(self.host).hostname or "")
        self._credentials = credentials
        self._timeout_s = timeout_s
        arguments: dict[str, Any] = {"host": self.host}
        self._certificate_authority = settings.certificate_authority
        if self._certificate_authority:
            if not self._certificate_authority.is_file():
                raise SettingsError(
                    f"kubeflow.certificate_authority: {self._certificate_authority}: no such file; give the PEM file "
                    "of the authority that signed the server's certificate"
                )
            arguments["ssl_ca_cert"] = str(self._certificate_authority)
        if credentials.token:
            arguments["existing_token"] = credentials.token.get_secret_value()
        if credentials.cookies:
            arguments["cookies"] = credentials.cookies.get_secret_value()
        self._shown = str(credentials) or _NONE
        if self._shown == _NONE and self._is_in_cluster and _PIPELINES_TOKEN.exists():
            arguments["credentials"] = ServiceAccountTokenVolumeCredentials(str(_PIPELINES_TOKEN))
            self._shown = f"the service account's token in {_PIPELINES_TOKEN}"
        super().__init__(**arguments)
        self.run_namespace = settings.namespace if self.get_kfp_healthz().multi_user else None
        self.use_namespace(self.run_namespace)

    def address(self, run_id: str) -> str:
        """The page of a run in the user interface."""
        page = f"/#/runs/details/{run_id}"
        return f"{page} in the user interface of Kubeflow Pipelines" if self._is_in_cluster else self.host + page

    def send(self, request: Callable[..., Any]) -> Any:
        """Sends a request within the time limit.

        Raises:
          ServiceError: the server does not answer, refuses the request, or answers with a web page.
        """
        try:
            response = request(_request_timeout=self._timeout_s)
        except ApiException as error:
            raise self._refused(error.status, error.body, error.reason) from None
        except exceptions.HTTPError as error:
            raise self._unreachable(error) from None
        if "html" in (response.getheader("content-type") or ""):
            raise ServiceError(
                f"{self.host} answers with a web page, perhaps to log in, where the API of Kubeflow Pipelines is "
                f"expected ({self._shown} shown). {self._remedy(401)}",
                response.status,
            )
        return response

    def _unreachable(self, error: exceptions.HTTPError) -> ServiceError:
        if isinstance(error, exceptions.LocationValueError):
            what = "is not an address of a server: check kubeflow.host"
        elif isinstance(error, exceptions.NewConnectionError):  # a subclass of urllib3's time-out
            reason = str(error).rpartition(": ")[2]
            what = f"cannot be reached: {reason}. Is the port forwarded, and is kubeflow.host right?"
        elif isinstance(error, exceptions.TimeoutError):
            connect, read = self._timeout_s
            seconds = connect if isinstance(error, exceptions.ConnectTimeoutError) else read
            what = (
                f"does not answer within {seconds:g} s. It may have done what was requested: look before you repeat it"
            )
        else:
            tls = ", or does it expect https://" if self.host.startswith("http:") else ""
            what = f"closed the connection ({type(error).__name__}). Is it being restarted{tls}? Try again"
        return ServiceError(f"{self.host} {what}")

    def _refused(self, status: int, body: bytes | None, reason: str | None) -> ServiceError:
        if status == 0:
            return self._not_trusted(" ".join((reason or "").split()))
        text, is_of_the_api = _said(body)
        said = self._credentials.hidden_in(text or reason or "")
        what = {
            401: f"does not know you by {self._shown}",
            403: f"forbids this to {self._shown}",
            404: "has no such thing",
            409: "has that already",
        }
        remedy = _TOO_OLD if _UNKNOWN_FIELD in said else self._remedy(status, is_of_the_api)
        return ServiceError(
            f"{self.host} {what.get(status, 'failed' if status >= 500 else 'refuses the request')} "
            f"({status}: {_shortened(said)}). {remedy}",
            status,
        )

    def _not_trusted(self, said: str) -> ServiceError:
        """The error for a failed TLS handshake: the certificate is not trusted, or the server does not use TLS."""
        if not any(part in said.lower() for part in ("certificate", "hostname")):
            return ServiceError(
                f"{self.host} does not speak TLS as expected of https://: {said}. Is its address http://, or the port "
                "another one? Check kubeflow.host"
            )
        authority = self._certificate_authority
        remedy = (
            f"Is its certificate signed by the authority in {authority}?"
            if authority
            else "If a private authority signed its certificate, give that one's PEM file as "
            "kubeflow.certificate_authority"
        )
        return ServiceError(f"{self.host} cannot prove who it is: {said}. {remedy}")

    def _remedy(self, status: int, is_of_the_api: bool = False) -> str:
        if status in (401, 403) and self._shown == _NONE:
            return "Give ATALAYA_KUBEFLOW_TOKEN or ATALAYA_KUBEFLOW_COOKIES in the environment."
        if status == 401:
            return "Renew it: it may have expired."
        if status == 403:
            return (
                "Ask for the right to it, and check kubeflow.namespace. If it is about kubeflow.service_account: the "
                "server's ALLOWEDSERVICEACCOUNTS has to list it and, in a profile, you need the verb `use` on it "
                "(docs/kubeflow.md)."
            )
        if status == 404 and is_of_the_api:
            return "Was it deleted in the meantime? Run the command again: it creates what is missing."
        if status == 409:
            return "Did another command create it in the meantime? Run this one again."
        if status == 404:
            return "Check kubeflow.host: the address of the API or of the user interface of Kubeflow Pipelines 2."
        return "See the log of the deployment ml-pipeline." if status >= 500 else "Check the settings [kubeflow]."


def _own_cluster() -> str:
    if not _SERVICE_ACCOUNT.is_dir():
        raise SettingsError(
            "kubeflow.host: missing; it may be left out only inside a cluster, and this is not one; forward the port "
            "(kubectl port-forward -n kubeflow svc/ml-pipeline-ui 8080:80) and give http://localhost:8080, there or as "
            "ATALAYA_KUBEFLOW_HOST"
        )
    return _IN_CLUSTER_HOST


def _said(body: bytes | None) -> tuple[str, bool]:
    """A server's error message in one line, and whether it has the form of the API's."""
    text = (body or b"").decode("utf-8", "replace")
    try:
        tree = json.loads(text)
        # Uploads have another form than the rest: `error_message`, and a stack trace in `error_details`.
        said = tree.get("message") or tree.get("error_message") or tree["error"]
        return " ".join(str(said).split()), True
    except (ValueError, AttributeError, KeyError):
        return "" if "<html" in text.lower() else " ".join(text.split()), False


def _shortened(text: str) -> str:
    """The text, if it is long without its middle: the request is at its beginning, the cause at its end."""
    if len(text) <= _LONGEST_MESSAGE:
        return text
    return f"{text[:_LONGEST_BEGINNING]} ... {text[_LONGEST_BEGINNING + 5 - _LONGEST_MESSAGE :]}"

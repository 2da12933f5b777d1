"""What the SDK's client does by itself, and what ours does instead."""

import kfp
import pytest
from urllib3 import exceptions

from kubeflow_server import breaking_off
from pipeline.kubeflow.connection import Connection
from pipeline.kubeflow.sdk import SdkClient
from schemas.environment import Credentials
from schemas.settings import KubeflowSettings


class _Plain(SdkClient):
    """Sends requests without a change."""

    def send(self, request):
        return request()


@pytest.fixture
def clients(server, monkeypatch, tmp_path):
    """The SDK's client and ours, with a context in the home folder."""
    (tmp_path / "context.json").write_text('{"namespace": "n", "client_authentication_cookie": "c=1"}')
    monkeypatch.setattr(kfp.Client, "_LOCAL_KFP_CONTEXT", str(tmp_path / "context.json"))
    return kfp.Client(host=server.address), _Plain(host=server.address)


def _cookie(server) -> str | None:
    return {name.lower(): value for name, value in server.requests[-1].headers.items()}.get("cookie")


def test_nothing_in_the_home_folder_is_sent(server, clients):
    sdk, ours = clients
    sdk.get_kfp_healthz()
    assert _cookie(server) == "c=1", "the SDK does not read the home folder: the change is not needed"
    ours.get_kfp_healthz()
    assert _cookie(server) is None


def test_a_request_is_sent_once(server, clients):
    sdk, ours = clients
    server.faults = [breaking_off()]
    sdk.get_kfp_healthz()
    assert not server.faults, "the SDK does not repeat requests: the change is not needed"
    server.faults = [breaking_off()]
    with pytest.raises(exceptions.HTTPError):
        ours.get_kfp_healthz()


def test_every_request_passes_through_send(server, monkeypatch):
    connection = Connection(KubeflowSettings(host=server.address), Credentials())
    sent = []

    def send(self, request):
        sent.append(request)
        return request()

    monkeypatch.setattr(Connection, "send", send)
    connection.list_experiments()
    connection.list_pipelines()
    connection.list_runs()
    connection.list_recurring_runs()
    assert len(sent) == 4

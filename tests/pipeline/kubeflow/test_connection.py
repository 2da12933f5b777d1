import shutil
import socket
import subprocess
from pathlib import Path

import certifi
import pytest

import runner
from kubeflow_server import Fault, breaking_off, hanging, refusing, send, with_page
from pipeline.kubeflow import connection as kubeflow_connection
from pipeline.kubeflow.connection import Connection
from schemas.environment import Credentials, credentials
from schemas.errors import ServiceError, SettingsError
from schemas.settings import KubeflowSettings

TOKEN, COOKIES = "eyJ.secret-token", "authservice_session=secret-cookie"


def _ask(server, timeout_s=kubeflow_connection.TIMEOUT_S, **secrets):
    return Connection(KubeflowSettings(host=server.address), Credentials(**secrets), timeout_s)


def _shown(server):
    headers = {name.lower(): value for name, value in server.requests[-1].headers.items()}
    return headers.get("authorization"), headers.get("cookie")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, (None, None)),
        ({"ATALAYA_KUBEFLOW_TOKEN": f"{TOKEN}\n"}, (f"Bearer {TOKEN}", None)),
        ({"ATALAYA_KUBEFLOW_COOKIES": COOKIES}, (None, COOKIES)),
        ({"ATALAYA_KUBEFLOW_TOKEN": TOKEN, "ATALAYA_KUBEFLOW_COOKIES": COOKIES}, (f"Bearer {TOKEN}", COOKIES)),
    ],
)
def test_what_the_environment_holds_is_shown_with_every_request(
    server, config, compiled, monkeypatch, environment, expected
):
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert runner.main(["--kubeflow", "--config", str(config())]) == 0
    headers = [{name.lower(): value for name, value in request.headers.items()} for request in server.requests]
    assert len(headers) > 5
    assert {(header.get("authorization"), header.get("cookie")) for header in headers} == {expected}


def test_in_a_cluster_the_service_accounts_token_is_shown_and_read_again(server, monkeypatch, tmp_path):
    port = server.address.rpartition(":")[2]
    token = tmp_path / "token"
    token.write_text("first")
    name = "ml-pipeline.kubeflow.svc.cluster.local"
    monkeypatch.setattr(kubeflow_connection, "_SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setattr(kubeflow_connection, "_PIPELINES_TOKEN", token)
    monkeypatch.setattr(kubeflow_connection, "_IN_CLUSTER_HOST", f"http://{name}:{port}")
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *rest: resolve("127.0.0.1" if host == name else host, *rest)
    )
    connection = Connection(KubeflowSettings(), Credentials())
    assert _shown(server) == ("Bearer first", None)
    token.write_text("second")
    connection.get_kfp_healthz()
    assert _shown(server) == ("Bearer second", None)
    # The service has the API, not the pages.
    assert connection.address("7") == "/#/runs/details/7 in the user interface of Kubeflow Pipelines"


def test_the_service_accounts_token_is_not_shown_to_strangers(server, monkeypatch, tmp_path):
    (tmp_path / "token").write_text("first")
    monkeypatch.setattr(kubeflow_connection, "_PIPELINES_TOKEN", tmp_path / "token")
    _ask(server)
    assert _shown(server) == (None, None)


def test_without_a_host_outside_a_cluster_the_remedy_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(kubeflow_connection, "_SERVICE_ACCOUNT", tmp_path / "none")
    with pytest.raises(SettingsError, match=r"kubeflow.host: missing.*port-forward.*ATALAYA_KUBEFLOW_HOST"):
        Connection(KubeflowSettings(), Credentials())


def test_what_the_sdk_keeps_in_the_home_folder_does_not_count(server, monkeypatch, tmp_path):
    import kfp

    (tmp_path / "context.json").write_text('{"namespace": "n", "client_authentication_cookie": "c=1"}')
    monkeypatch.setattr(kfp.Client, "_LOCAL_KFP_CONTEXT", str(tmp_path / "context.json"))
    connection = _ask(server)
    assert connection.run_namespace is None and _shown(server) == (None, None)


@pytest.mark.parametrize(
    ("fault", "secrets", "expected"),
    [
        (refusing(401, "who"), {}, r"not know you by no credentials \(401: who\)\. Give ATALAYA_KUBEFLOW_TOKEN or"),
        (
            refusing(401, "old"),
            {"token": TOKEN},
            r"not know you by ATALAYA_KUBEFLOW_TOKEN \(401: old\).*may have expired",
        ),
        (refusing(403, "no"), {"cookies": COOKIES}, r"forbids this to ATALAYA_KUBEFLOW_COOKIES \(403: no\).*namespace"),
        (refusing(403, "no"), {"token": TOKEN}, "kubeflow.service_account: .*ALLOWEDSERVICEACCOUNTS.*the verb `use`"),
        (with_page(404), {}, r"has no such thing \(404: Not Found\)\. Check kubeflow.host"),
        (refusing(404, "Run 7 not found"), {}, r"no such thing \(404: Run 7 not found\)\. Was it deleted"),
        (refusing(500, "lost\n the store"), {}, r"failed \(500: lost the store\)\. See the log of the deployment"),
        (refusing(400, "bad name"), {}, r"refuses the request \(400: bad name\)"),
        (with_page(200), {}, r"web page, perhaps to log in.*no credentials shown.*ATALAYA_KUBEFLOW_TOKEN"),
        (breaking_off(), {}, r"closed the connection"),
    ],
)
def test_each_failure_is_reported_in_a_line_with_its_remedy(server, fault, secrets, expected):
    server.faults = [fault]
    with pytest.raises(ServiceError, match=expected) as caught:
        _ask(server, **secrets)
    assert str(caught.value).startswith(server.address) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (401, "Review.authentication.k8s.io: the token has an audience other than pipelines.kubeflow.org"),
        (403, 'User "ana" is not authorized with reason: (cannot verb "create" resource "runs" in namespace "bob")'),
    ],
)
def test_of_a_long_message_the_beginning_and_the_cause_at_the_end_are_shown(server, status, cause):
    message = "Failed to create a run" + ": Failed to authorize with API" * 20 + f": {cause}"
    server.faults = [refusing(status, message)]
    with pytest.raises(ServiceError) as caught:
        _ask(server)
    assert f"({status}: Failed to create a run: Failed" in str(caught.value)
    assert f"{cause}). " in str(caught.value) and len(str(caught.value)) < len(message)


def test_a_message_is_shortened_to_its_limit_and_no_sooner():
    text = "a" * 100 + "b" * 300
    assert kubeflow_connection._shortened(text) == text
    assert kubeflow_connection._shortened(text + "c") == "a" * 100 + " ... " + "b" * 294 + "c"


def test_a_server_that_does_not_answer_is_given_up(server):
    server.faults = [hanging()]
    with pytest.raises(ServiceError, match=r"does not answer within 0\.1 s\. It may have done what was requested"):
        _ask(server, timeout_s=(60.0, 0.1))


def test_a_time_out_holds_for_every_request(connection, server):
    """Whichever method of the SDK asks: without one, this test would not end."""
    connection._timeout_s = (60.0, 0.1)
    calls = [
        lambda: connection.list_pipelines(),
        lambda: connection.get_run("r"),
        lambda: connection.delete_recurring_run("r"),
        lambda: connection.create_experiment("e"),
    ]
    for call in calls:
        server.faults = [hanging()]
        with pytest.raises(ServiceError, match=r"within 0\.1 s"):
            call()


def test_a_host_where_nobody_listens():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ServiceError, match=r"cannot be reached: .*refused\. Is the port forwarded"):
            Connection(KubeflowSettings(host=address), Credentials())


def test_a_host_that_is_no_address():
    with pytest.raises(ServiceError, match=r"^http://a\.\.b is not an address of a server"):
        Connection(KubeflowSettings(host="http://a..b"), Credentials())


def test_a_server_that_does_not_speak_tls(server):
    address = server.address.replace("http:", "https:")
    with pytest.raises(ServiceError, match=r"does not speak TLS .*Is its address http://.*kubeflow\.host$") as caught:
        Connection(KubeflowSettings(host=address), Credentials())
    assert "certificate" not in str(caught.value)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, signed by itself alone, and its key."""
    if not shutil.which("openssl"):
        pytest.skip("the command openssl, which makes the certificate, is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    signed, key = folder / "certificate.pem", folder / "key.pem"
    what = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=shop -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(["openssl", *what.split(), "-keyout", key, "-out", signed], check=True, capture_output=True)
    return signed, key


def test_a_private_authority_counts_once_its_file_is_given(server, config, certificate, monkeypatch, capfd):
    server.speak_tls(*certificate)
    command = ["--kubeflow", "--list-schedules", "--config", str(config())]
    assert runner.main(command) == 1
    err = capfd.readouterr().err
    assert "cannot prove who it is: " in err and "give that one's PEM file as kubeflow.certificate_authority" in err
    monkeypatch.setenv("ATALAYA_KUBEFLOW_CERTIFICATE_AUTHORITY", str(certificate[0]))
    assert runner.main(command) == 0
    assert "no schedules" in capfd.readouterr().out


def test_a_host_by_another_name_than_its_certificates(server, certificate):
    server.speak_tls(*certificate)
    address = server.address.replace("127.0.0.1", "localhost")
    with pytest.raises(ServiceError, match=r"cannot prove who it is: .*(localhost|[Hh]ostname)"):
        Connection(KubeflowSettings(host=address, certificate_authority=certificate[0]), Credentials())


def test_a_host_that_speaks_tls_alone(server, certificate):
    plain = server.address
    server.speak_tls(*certificate)
    with pytest.raises(ServiceError, match=r"closed the connection .*does it expect https://\?"):
        Connection(KubeflowSettings(host=plain), Credentials())


def test_an_authority_that_signed_nothing_here_is_named(server, certificate):
    server.speak_tls(*certificate)
    another = Path(certifi.where())
    with pytest.raises(ServiceError, match=f"signed by the authority in {another}"):
        Connection(KubeflowSettings(host=server.address, certificate_authority=another), Credentials())


def test_an_absent_file_of_an_authority_is_named(server, tmp_path):
    absent = tmp_path / "ca.pem"
    with pytest.raises(SettingsError, match=f"^kubeflow.certificate_authority: {absent}: no such file; give the PEM"):
        Connection(KubeflowSettings(host=server.address, certificate_authority=absent), Credentials())
    assert server.requests == []


@pytest.mark.parametrize(
    "fault",
    [refusing(500, f"cannot parse {TOKEN} and {COOKIES}"), refusing(401, TOKEN), breaking_off(), with_page(200)],
    ids=["quoted", "refused", "broken off", "page"],
)
def test_no_secret_reaches_an_output(server, config, compiled, monkeypatch, capfd, fault):
    monkeypatch.setenv("ATALAYA_KUBEFLOW_TOKEN", TOKEN)
    monkeypatch.setenv("ATALAYA_KUBEFLOW_COOKIES", COOKIES)
    server.faults = [fault]
    for options in (["-v"], ["-v", "--list-schedules"], ["-v", "--schedule", "0 0 3 * * *"]):
        assert runner.main(["--kubeflow", "--config", str(config()), *options]) in (0, 1)
    captured = capfd.readouterr()
    assert "secret" not in captured.out + captured.err
    assert "Traceback" not in captured.out + captured.err
    assert captured.out


def test_a_server_that_repeats_the_secret_is_quoted_without_it(server):
    server.faults = [refusing(500, f"cannot parse {TOKEN}")]
    with pytest.raises(ServiceError, match=r"cannot parse \*\*\*\)"):
        _ask(server, token=TOKEN)


@pytest.mark.parametrize("value", ["two\nlines", "n\u00e9"])
def test_what_no_header_can_hold_is_refused_and_not_shown(value):
    with pytest.raises(SettingsError, match=r"^ATALAYA_KUBEFLOW_TOKEN: holds a line break") as caught:
        credentials({"ATALAYA_KUBEFLOW_TOKEN": value})
    assert value not in str(caught.value)


def test_failures_end_the_command_with_status_1(server, config, capfd):
    server.faults = [Fault(lambda handler: send(handler, 500, "nothing to say", "text/plain"))]
    assert runner.main(["--kubeflow", "--config", str(config()), "--list-schedules"]) == 1
    captured = capfd.readouterr()
    assert "failed (500: nothing to say)" in captured.err and captured.out == ""

import json
from concurrent import futures

import grpc
from apache_beam.portability.api import beam_provision_api_pb2 as api
from apache_beam.portability.api import beam_provision_api_pb2_grpc, endpoints_pb2
from google.protobuf import text_format

from pipeline.engines import beam_worker


class _Engine(beam_provision_api_pb2_grpc.ProvisionServiceServicer):
    """Answers as an engine does, and remembers who asked."""

    def GetProvisionInfo(self, request, context):
        self.asked = dict(context.invocation_metadata())["worker_id"]
        info = api.ProvisionInfo(runner_capabilities=["a", "b"])
        info.pipeline_options.update({"beam:option:parallelism:v1": "2"})
        info.control_endpoint.url, info.logging_endpoint.url = "localhost:17", "localhost:18"
        return api.GetProvisionInfoResponse(info=info)


def test_the_worker_works_for_who_started_it(monkeypatch):
    from apache_beam.runners.worker import sdk_worker_main

    found = {}
    monkeypatch.setattr(beam_worker.os, "environ", found)
    monkeypatch.setattr(sdk_worker_main, "main", lambda arguments: found.update(started=True))
    engine, server = _Engine(), grpc.server(futures.ThreadPoolExecutor(1))
    beam_provision_api_pb2_grpc.add_ProvisionServiceServicer_to_server(engine, server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    try:
        assert beam_worker.main(["--id=1-2", f"--provision_endpoint=localhost:{port}", "--artifact_endpoint=x:1"]) == 0
    finally:
        server.stop(0)
    assert (engine.asked, found["WORKER_ID"], found["started"]) == ("1-2", "1-2", True)
    control = text_format.Parse(found["CONTROL_API_SERVICE_DESCRIPTOR"], endpoints_pb2.ApiServiceDescriptor())
    logging = text_format.Parse(found["LOGGING_API_SERVICE_DESCRIPTOR"], endpoints_pb2.ApiServiceDescriptor())
    assert (control.url, logging.url, found["RUNNER_CAPABILITIES"]) == ("localhost:17", "localhost:18", "a b")
    assert sdk_worker_main._load_pipeline_options(found["PIPELINE_OPTIONS"]) == {"parallelism": "2"}
    assert json.loads(found["PIPELINE_OPTIONS"]) and found["TF_USE_LEGACY_KERAS"] == "1"

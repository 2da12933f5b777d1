"""A Python worker that an engine starts by itself on each of its hosts: `[beam.flink.workers] kind = "process"`.

    atalaya-beam-worker --id ID --provision_endpoint HOST:PORT

It does what `boot` does, the program in the containers of Beam (2.74 to 2.77): it asks the endpoint for the options and
the addresses of the other services, and passes them to Beam's worker in its environment. Unlike a worker of a pool, it
ends with the engine's process that started it.
"""

import argparse
import os
import sys
from typing import Any

ANSWER_SECONDS = 60


def main(arguments: list[str] | None = None) -> int:
    """Works until the engine has no more to do.

    Args:
      arguments: of the command line; None reads the process's own.

    Returns:
      The exit status.
    """
    parser = argparse.ArgumentParser(prog="atalaya-beam-worker", description="A Beam worker, started by an engine.")
    parser.add_argument("--id", required=True, help="name of the worker, given by the engine")
    parser.add_argument("--provision_endpoint", required=True, help="host:port of the engine's provision service")
    # Engines also pass the other arguments of `boot`; the endpoint's answer holds all of them.
    options, _ = parser.parse_known_args(arguments)
    os.environ.update(_environment(options.id, _provision(options.id, options.provision_endpoint)))
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main([])
    return 0


def _provision(worker: str, endpoint: str) -> Any:
    """The engine's `ProvisionInfo` for this worker."""
    import grpc
    from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc

    with grpc.insecure_channel(endpoint) as channel:
        service = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        request = beam_provision_api_pb2.GetProvisionInfoRequest()
        metadata = [("worker_id", worker)]
        return service.GetProvisionInfo(request, metadata=metadata, timeout=ANSWER_SECONDS, wait_for_ready=True).info


def _environment(worker: str, info: Any) -> dict[str, str]:
    """The environment variables that Beam's worker reads."""
    from google.protobuf import json_format, text_format

    return {
        "WORKER_ID": worker,
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "LOGGING_API_SERVICE_DESCRIPTOR": text_format.MessageToString(info.logging_endpoint),
        "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(info.control_endpoint),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
        # Keras 2, in which the models are written; read when TensorFlow is imported.
        "TF_USE_LEGACY_KERAS": "1",
    }


if __name__ == "__main__":
    sys.exit(main())

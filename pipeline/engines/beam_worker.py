"""A Python worker that an engine starts by itself on each of its hosts: `[beam.flink.workers] kind = "process"`.

    atalaya-beam-worker --id ID --provision_endpoint HOST:PORT

It follows the contract of `boot`, the program in Beam's containers: the endpoint says where work and options come from.
Unlike a worker of a pool, it ends with the engine's process that started it.
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
    # Engines also hand on what their containers' `boot` wants; the endpoint's answer holds all of it.
    options, _ = parser.parse_known_args(arguments)
    os.environ.update(_environment(options.id, _provision(options.id, options.provision_endpoint)))
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main([])
    return 0


def _provision(worker: str, endpoint: str) -> Any:
    """Asks the engine what this worker is to do."""
    import grpc
    from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc

    with grpc.insecure_channel(endpoint) as channel:
        service = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        request = beam_provision_api_pb2.GetProvisionInfoRequest()
        metadata = [("worker_id", worker)]
        return service.GetProvisionInfo(request, metadata=metadata, timeout=ANSWER_SECONDS, wait_for_ready=True).info


def _environment(worker: str, info: Any) -> dict[str, str]:
    """What Beam's worker reads from its environment."""
    from google.protobuf import json_format, text_format

    return {
        "WORKER_ID": worker,
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "LOGGING_API_SERVICE_DESCRIPTOR": text_format.MessageToString(info.logging_endpoint),
        "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(info.control_endpoint),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
        # Keras 2, in which the models were written; read when TensorFlow is imported.
        "TF_USE_LEGACY_KERAS": "1",
    }


if __name__ == "__main__":
    sys.exit(main())

"""A small server of SavedModels on TensorFlow Serving's stubs, as a process.

    python -m benchmarks.prediction_service NAME=FOLDER [NAME=FOLDER ...]

It answers `PredictionService.Predict` as TensorFlow Serving's `predict_util.cc` does: it runs the SavedModel in a
session, feeds the tensors that the SignatureDef names, and fills in what the request leaves out from the SignatureDef's
defaults. It prints its port when it is ready, and serves until its standard input ends.
"""

import os
import sys
from collections.abc import Callable
from concurrent import futures
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

WORKERS = 8
_STATUS = {code.value[0]: code for code in grpc.StatusCode}


class _Signature(NamedTuple):
    """A signature of a loaded model. run: from the inputs' values to the outputs', both in the definition's order."""

    definition: meta_graph_pb2.SignatureDef
    run: Callable[..., list[np.ndarray]]


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers requests for models by their names."""

    def __init__(self, folders: dict[str, Path]):
        """Loads the SavedModels in the folders, by name."""
        self._models = {name: _load(folder) for name, folder in folders.items()}

    def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """Runs the signature that the request names; `serving_default` if it names none."""
        signatures = self._models[request.model_spec.name]
        name = request.model_spec.signature_name or "serving_default"
        if name not in signatures:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
        definition, run = signatures[name]
        given = dict(definition.defaults) | dict(request.inputs)
        if set(given) != set(definition.inputs):
            wrong = sorted(set(given) ^ set(definition.inputs))
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"missing or unknown inputs: {wrong}")
        try:
            fetched = run(*(tf.make_ndarray(given[key]) for key in definition.inputs))
        except tf.errors.OpError as error:
            context.abort(_STATUS[error.error_code], error.message)
        response = predict_pb2.PredictResponse()
        for (key, info), values in zip(definition.outputs.items(), fetched, strict=True):
            response.outputs[key].CopyFrom(tf.make_tensor_proto(values, info.dtype, values.shape))
        return response


def start(folders: dict[str, Path]) -> tuple[grpc.Server, int]:
    """Starts a server of the models in the folders, by name, on a free port of this machine; returns both."""
    server = grpc.server(futures.ThreadPoolExecutor(WORKERS))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(folders), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def _load(folder: Path) -> dict[str, _Signature]:
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        definitions = tf.compat.v1.saved_model.load(session, ["serve"], str(folder)).signature_def

        def runner(definition: meta_graph_pb2.SignatureDef) -> Callable[..., list[np.ndarray]]:
            inputs, outputs = (
                [info.name for info in ends.values()] for ends in (definition.inputs, definition.outputs)
            )
            return session.make_callable(outputs, feed_list=inputs)

        # The definition without a method restores the variables, and TensorFlow Serving does not serve it.
        return {
            name: _Signature(definition, runner(definition))
            for name, definition in definitions.items()
            if definition.method_name
        }


if __name__ == "__main__":
    running, bound = start({name: Path(folder) for name, folder in (word.split("=", 1) for word in sys.argv[1:])})
    print(bound, flush=True)
    sys.stdin.read()
    running.stop(grace=None).wait()

"""Measures a server of the pushed recommender under load: requests per second and latencies, next to TFRS BruteForce.

    python -m benchmarks.load [--model serving/movielens-100k/<version>] [--clients 1 8 64]

Without --model, it measures the version that `benchmarks.local_run` pushed, or, without one, a recommender of the same
size with random vectors. A small server on TensorFlow Serving's stubs (`benchmarks.prediction_service`) runs in another
process. Each client sends a request for one user over gRPC, waits for the answer and sends the next. The contenders
have the same vectors and take turns:

- recommend: the default number of items.
- BruteForce: TensorFlow Recommenders' exact index finds as many candidates as `recommend` does by default.
- BruteForce + rate: a second call rates these candidates; ordering them is left to the client and not measured.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import grpc
import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from benchmarks.local_run import SERVING
from benchmarks.synthetic import random_parts
from recommender.serving.export import save
from schemas import layout
from schemas import signatures as names
from schemas.settings import ServingSettings

ROOT = Path(__file__).parents[1]
OURS, INDEX, BOTH = "recommend", "BruteForce", "BruteForce + rate"
Ask = Callable[[int], Awaitable[Any]]
"""Sends the request with the given number and waits for the answer."""


class Load(NamedTuple):
    """What a number of clients measured. latencies: [requests] seconds. seconds: how long they sent requests."""

    latencies: list[float]
    seconds: float

    def __str__(self) -> str:
        p50, p99 = 1e3 * np.percentile(self.latencies, (50, 99))
        return f"{self.per_second:.0f} | {p50:.2f} | {p99:.2f}"

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds


def main() -> None:
    """Prints a row for each number of clients and contender."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a pushed version (default: local_run's, or random vectors)")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64], help="numbers of clients at a time")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of each turn (default: %(default)s)")
    parser.add_argument("--turns", type=int, default=4, help="turns of each contender (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        version = options.model or (layout.newest(SERVING) if layout.versions(SERVING) else _random(Path(folder)))
        model = tf.saved_model.load(str(version))
        users = model.list_users()[names.USER_ID].numpy().tolist()
        peer = Path(folder) / "brute_force"
        export_brute_force(model, peer)
        print(f"{version if options.model or layout.versions(SERVING) else 'random vectors'}: {len(users):,} users")
        print("| clients | contender | requests/s | p50 ms | p99 ms | requests/s of recommend / this |")
        print("|---|---|---|---|---|---|")
        with _server({OURS: version, INDEX: peer}) as address:
            for clients in options.clients:
                loads = asyncio.run(_measure_all(address, users, clients, options.turns, options.seconds))
                for name, load in loads.items():
                    ratio = loads[OURS].per_second / load.per_second
                    print(f"| {clients} | {name} | {load} | {ratio:.2f} |", flush=True)


async def measure(ask: Ask, clients: int, seconds: float) -> Load:
    """Lets clients send requests, each waiting for its answer before the next, and finish the last one."""
    latencies: list[float] = []
    started = time.perf_counter()

    async def client(first: int) -> None:
        number = first
        while (sent := time.perf_counter()) < started + seconds:
            await ask(number)
            latencies.append(time.perf_counter() - sent)
            number += clients

    await asyncio.gather(*map(client, range(clients)))
    return Load(latencies, time.perf_counter() - started)


def export_brute_force(model: Any, folder: Path) -> None:
    """Writes TFRS BruteForce with a model's vectors as a SavedModel, as TFRS's tutorials do.

    Args:
      model: a loaded recommender.
      folder: where to write it; the input `user_id` is [n] strings, the outputs `item_id` and `score` are
        [n, n_candidates].
    """
    users, items = model.list_users()[names.USER_ID], model.list_items()[names.ITEM_ID]
    # The first vector is that of unknown users.
    vectors = model.embed_users(tf.concat([[""], users], axis=0))[names.EMBEDDING].numpy()
    lookup = tf.keras.layers.StringLookup(vocabulary=users.numpy().tolist(), mask_token=None)
    table = tf.keras.layers.Embedding(*vectors.shape, embeddings_initializer=tf.keras.initializers.Constant(vectors))
    index = tfrs.layers.factorized_top_k.BruteForce(
        tf.keras.Sequential([lookup, table]), k=min(ServingSettings().n_candidates, len(items))
    )
    index.index(model.embed_items(items)[names.EMBEDDING], items)
    module = tf.Module()
    module.index = index

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, names.USER_ID)])
    def recommend(user_id: tf.Tensor) -> dict[str, tf.Tensor]:
        scores, found = index(user_id)
        return {names.ITEM_ID: found, names.SCORE: scores}

    tf.saved_model.save(module, str(folder), signatures=recommend)


async def _measure_all(address: str, users: list[bytes], clients: int, turns: int, seconds: float) -> dict[str, Load]:
    async with grpc.aio.insecure_channel(address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        asks = _contenders(stub, users)
        parts: dict[str, list[Load]] = {name: [] for name in asks}
        for turn in range(-1, turns):
            for name, ask in asks.items():
                load = await measure(ask, clients, seconds)
                # The first turn warms up.
                parts[name] += [load] * (turn >= 0)
    return {
        name: Load([value for load in loads for value in load.latencies], sum(load.seconds for load in loads))
        for name, loads in parts.items()
    }


def _contenders(stub: prediction_service_pb2_grpc.PredictionServiceStub, users: list[bytes]) -> dict[str, Ask]:
    ours, theirs = ([_request(name, names.USER_ID, [user]) for user in users] for name in (OURS, INDEX))

    async def rate_found(number: int) -> None:
        found = (await stub.Predict(theirs[number % len(users)])).outputs[names.ITEM_ID]
        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = OURS, names.RATE
        [num_items] = [dim.size for dim in found.tensor_shape.dim[1:]]
        request.inputs[names.USER_ID].CopyFrom(tf.make_tensor_proto([users[number % len(users)]] * num_items))
        items = request.inputs[names.ITEM_ID]
        items.CopyFrom(found)
        del items.tensor_shape.dim[0]
        await stub.Predict(request)

    return {
        OURS: lambda number: stub.Predict(ours[number % len(users)]),
        INDEX: lambda number: stub.Predict(theirs[number % len(users)]),
        BOTH: rate_found,
    }


def _request(model: str, name: str, values: list[bytes]) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return request


@contextmanager
def _server(folders: dict[str, Path]) -> Iterator[str]:
    """Starts the server in another process; yields its address."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.prediction_service"]
    command += [f"{name}={folder.resolve()}" for name, folder in folders.items()]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        yield f"127.0.0.1:{int(process.stdout.readline())}"


def _random(folder: Path) -> Path:
    """Writes a recommender with random vectors, of the size of MovieLens 100K."""
    version = folder / "random"
    save(random_parts(943, 1_682, 417, 85), str(version), ServingSettings(rating_weight=0.5))
    return version


if __name__ == "__main__":
    main()

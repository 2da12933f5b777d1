"""The export behind TensorFlow Serving's own protocol: its client, and a small server on its stubs."""

from collections.abc import Iterator

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from benchmarks.prediction_service import start
from recommender.serving.export import save
from recommender.serving.recommender import Recommender
from recommender.serving.serving import Served
from schemas.settings import ServingSettings
from small_recommender import NUM_USERS, make_parts

SETTINGS = ServingSettings(k=3, n_candidates=6, rating_weight=0.5)
USERS = [f"u{user}" for user in range(NUM_USERS)] + ["nobody"]


@pytest.fixture(scope="module")
def served() -> Served:
    return Served(Recommender(make_parts()), SETTINGS)


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[prediction_service_pb2_grpc.PredictionServiceStub]:
    folder = tmp_path_factory.mktemp("saved_model")
    save(make_parts(), str(folder), SETTINGS)
    server, port = start({"small": folder})
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)
    server.stop(grace=None).wait()


def _predict(stub: prediction_service_pb2_grpc.PredictionServiceStub, signature: str, **inputs) -> dict:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "small"
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return {name: tf.make_ndarray(value) for name, value in stub.Predict(request, timeout=30).outputs.items()}


def _assert_same(answer: dict, expected: dict) -> None:
    assert answer.keys() == expected.keys()
    for name, values in expected.items():
        assert answer[name].shape == values.shape
        if values.dtype == tf.float32:
            assert answer[name] == pytest.approx(values.numpy(), abs=1e-5), name
        else:
            assert answer[name].tolist() == values.numpy().tolist(), name


@pytest.mark.parametrize("signature", ["", "serving_default", "recommend"])
def test_a_user_is_enough(stub, served, signature):
    expected = served.recommend(tf.constant(USERS))
    assert expected["item_id"].shape == (len(USERS), 3)
    _assert_same(_predict(stub, signature, user_id=USERS), expected)


def test_every_input_can_be_given(stub, served):
    inputs = {
        "user_id": tf.constant(["u1", "nobody"]),
        "history_item_id": tf.constant([["i4", "i6"], ["", "i7"]]),
        "timestamp": tf.constant([2, 3], tf.int64),
        "k": tf.constant(5),
        "exclude": tf.constant([["i1"], ["i2"]]),
        "allow": tf.constant([f"i{item}" for item in range(20)]),
        "deny": tf.constant(["i3"]),
        "genre": tf.constant(["drama", "crime"]),
        "include_seen": tf.constant(True),
        "n_candidates": tf.constant(9),
        "rating_weight": tf.constant(2.0),
        "recent_item_id": tf.constant([["i1"], [""]]),
        "recent_rating": tf.constant([[2.0], [0.0]]),
        "recent_timestamp": tf.constant([[1], [0]], tf.int64),
    }
    expected = served.recommend(**inputs)
    assert all(expected["item_id"].numpy()[:, :5].all(axis=1))
    _assert_same(_predict(stub, "recommend", **inputs), expected)


def test_the_other_signatures_answer(stub, served):
    items = ["i3", "nothing", "i8"]
    _assert_same(_predict(stub, "similar_items", item_id=items), served.similar_items(tf.constant(items)))
    _assert_same(
        _predict(stub, "retrieve", user_id=USERS, k=np.int32(4)), served.retrieve(tf.constant(USERS), k=tf.constant(4))
    )
    _assert_same(_predict(stub, "embed_users", user_id=USERS), served.embed_users(tf.constant(USERS)))
    _assert_same(_predict(stub, "embed_items", item_id=items), served.embed_items(tf.constant(items)))
    rated = served.rate(tf.constant(USERS[:3]), tf.constant(items))
    _assert_same(_predict(stub, "rate", user_id=USERS[:3], item_id=items), rated)
    _assert_same(_predict(stub, "rate_on_device", user_id=USERS[:3], item_id=items), rated)


@pytest.mark.parametrize(
    ("signature", "inputs", "code"),
    [
        ("recommend", {"k": np.int32(3)}, grpc.StatusCode.INVALID_ARGUMENT),
        ("recommend", {"user_id": ["u1"], "users": ["u1"]}, grpc.StatusCode.INVALID_ARGUMENT),
        ("recommend", {"user_id": ["u1"], "exclude": [["i1"], ["i2"]]}, grpc.StatusCode.INVALID_ARGUMENT),
        ("advise", {"user_id": ["u1"]}, grpc.StatusCode.FAILED_PRECONDITION),
    ],
    ids=["nobody is named", "an unknown input", "another number of rows", "an unknown signature"],
)
def test_a_wrong_request_is_an_error_with_its_code(stub, signature, inputs, code):
    with pytest.raises(grpc.RpcError) as caught:
        _predict(stub, signature, **inputs)
    assert caught.value.code() == code

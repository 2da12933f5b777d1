"""The probe in this process, on real exports, good and broken ones."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.canary import contract, probe
from components.canary.cases import Sample
from recommender.serving.recommender import Parts, Recommender, Request
from recommender.serving.serving import Served
from schemas.canary import CanaryRecord
from schemas.settings import CanarySettings, ServingSettings
from small_recommender import NUM_ITEMS, NUM_USERS, Rater, make_parts


def save(folder: Path, parts: Parts, kind: type[Recommender] = Recommender, without: str = "") -> str:
    served = Served(kind(parts), ServingSettings(k=5, n_candidates=8, rating_weight=0.5))
    signatures = {name: function for name, function in served.signatures().items() if name != without}
    tf.saved_model.save(served, str(folder), signatures=signatures)
    return str(folder)


def sample(parts: Parts) -> Sample:
    splits = parts.seen.row_splits
    seen = {
        user: [parts.items[item] for item in parts.seen.values[splits[row] : splits[row + 1]]]
        for row, user in enumerate(parts.users)
    }
    return Sample(
        seen | {b"newcomer": []},
        dict(zip(parts.items, genres(parts), strict=True)),
        parts.scale,
    )


def genres(parts: Parts) -> list[list[bytes]]:
    """Names of each item's genres, without the unknown one."""
    rows = np.split(parts.item_genres.values, parts.item_genres.row_splits[1:-1])
    return [[parts.genres[genre] for genre in row if genre < len(parts.genres)] for row in rows]


def without_ratings() -> Parts:
    return make_parts()._replace(rater=None, biases=None, scale=None)


def examine(
    model: str, settings: CanarySettings | None = None, scale: tuple[float, float] | None = (1.0, 5.0)
) -> CanaryRecord:
    settings = settings or CanarySettings(calls=20, latency_p50_ms=1e6, latency_p99_ms=1e6)
    request = contract.model_request(model, sample(make_parts())._replace(scale=scale), settings)
    return CanaryRecord.model_validate(probe.examine(request))


def failed(record: CanaryRecord) -> set[str]:
    return {check.name for check in record.checks if not check.passed}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save(tmp_path_factory.mktemp("good"), make_parts())


def test_a_good_export_passes_every_check(good):
    record = examine(good)
    assert record.reasons == []
    assert record.blessed
    assert record.tensorflow == tf.__version__
    assert record.latency.calls == 20
    assert 0 < record.latency.p50_ms <= record.latency.p99_ms
    signatures = {check.name.split(",")[0] for check in record.checks if "," in check.name}
    assert signatures >= set(contract.OUTPUTS)
    assert len({check.name for check in record.checks}) == len(record.checks)


def test_an_export_without_ratings_passes_and_needs_no_signature_for_them(tmp_path):
    record = examine(save(tmp_path, without_ratings()), scale=None)
    assert record.reasons == [] and record.blessed
    tried = {check.name.split(",")[0] for check in record.checks if "," in check.name}
    unrated = set(contract.OUTPUTS) - {"rate", "rate_on_device"}
    assert tried >= unrated and not tried & {"rate", "rate_on_device"}


def test_ratings_that_the_training_record_does_not_know_of_are_noticed(good):
    assert failed(examine(good, scale=None)) >= {
        "recommend, sampled users: shapes",
        "serving_default, sampled users: shapes",
    }


def test_a_slow_export_is_refused(good):
    record = examine(good, CanarySettings(calls=20, latency_p50_ms=1e-6, latency_p99_ms=1e-6))
    assert failed(record) == {"latency, p50", "latency, p99"}
    assert record.reasons[0].startswith("latency, p50: expected at most 1e-06 ms (canary.latency_p50_ms), got ")


class Careless(Recommender):
    """Ignores exclusions, and rejects user ids that are not valid UTF-8 in `rate`."""

    def _excluded(self, exclude: tf.Tensor, num_rows: tf.Tensor) -> tf.RaggedTensor:
        return super()._excluded(exclude[:0], num_rows)

    def rate(self, user_id: tf.Tensor, item_id: tf.Tensor, *at: tf.Tensor) -> dict[str, tf.Tensor]:
        valid = tf.strings.unicode_transcode(user_id, "UTF-8", "UTF-8")
        with tf.control_dependencies([tf.debugging.assert_equal(user_id, valid)]):
            return Recommender.rate(self, user_id, item_id, *at)


class Vague(Recommender):
    """Omits an item from its list, reports every user as known, differs on the device, and in lists ignores times."""

    def recommend(self, request: Request, *asked: tf.Tensor) -> dict[str, tf.Tensor]:
        return super().recommend(request._replace(recent=None), *asked)

    def list_items(self, begin: tf.Tensor, end: tf.Tensor) -> dict[str, tf.Tensor]:
        return super().list_items(begin + 1, end)

    def embed_users(self, *asked: tf.Tensor) -> dict[str, tf.Tensor]:
        embedded = super().embed_users(*asked)
        return embedded | {"is_known": tf.ones_like(embedded["is_known"])}

    def retrieve_on_device(self, *asked: tf.Tensor) -> dict[str, tf.Tensor]:
        shown = super().retrieve_on_device(*asked)
        return shown | {"score": shown["score"] / 2}

    def rate_on_device(self, *asked: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"rating": 6 - super().rate_on_device(*asked)["rating"]}


class Deaf(Recommender):
    """Ignores times, weights and histories, predicts ratings outside the scale, and ignores popularity."""

    def __init__(self, parts: Parts):
        rng = np.random.default_rng(3)
        super().__init__(
            parts._replace(scale=(1.0, 9.0), rater=Rater(np.full([NUM_USERS + 1, NUM_ITEMS + 1], 7, np.float32)))
        )
        self._noise = tf.constant(rng.permutation(np.arange(8.0 * NUM_ITEMS)).reshape(8, -1), tf.float32)

    def recommend(self, request: Request, k: tf.Tensor, include_seen: tf.Tensor, *_: tf.Tensor) -> dict:
        default = tf.constant(8), tf.constant(0.5)
        with tf.control_dependencies([tf.debugging.Assert(tf.size(request.timestamp) == 0, ["no times, please"])]):
            return super().recommend(request, k, include_seen, *default)

    def embed_users(self, users: tf.Tensor, history_item_id: tf.Tensor, timestamp: tf.Tensor) -> dict:
        return super().embed_users(users, history_item_id[:0, :0], timestamp)

    def _score(self, queries: tf.Tensor) -> tf.Tensor:
        scores = super()._score(queries)
        return tf.where(queries[:, -1:] > 0, self._noise[: tf.shape(scores)[0]], scores)


class Greedy(Recommender):
    """Rates all items, however few candidates are asked for."""

    def recommend(self, request: Request, k: tf.Tensor, include_seen: tf.Tensor, *stages: tf.Tensor) -> dict:
        return super().recommend(request, k, include_seen, tf.constant(NUM_ITEMS), stages[1])


class Backward(Recommender):
    """Sorts the best items in ascending order, and returns at least four places."""

    def _best(self, scores: tf.Tensor, k: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        best, items = super()._best(scores, tf.maximum(k, 4))
        return tf.reverse(best, [1]), tf.reverse(items, [1])


def _forgetful(parts: Parts) -> Parts:
    """Returns parts in which one item's vector is NaN, and no user has seen any item."""
    candidates = parts.candidates.copy()
    candidates[2] = np.nan
    nothing = parts.seen._replace(values=parts.seen.values[:0], row_splits=np.zeros(NUM_USERS + 2, np.int64))
    return parts._replace(candidates=candidates, seen=nothing)


USER_LISTS, LISTS = ("recommend", "retrieve"), ("recommend", "retrieve", "similar_items")


def test_every_fault_of_a_broken_export_is_named_with_what_came(tmp_path):
    record = examine(save(tmp_path, _forgetful(make_parts()), Careless))
    assert not record.blessed
    assert failed(record) >= {
        "embed_items, sampled ids: embedding is finite",
        *(f"{signature}, k above the catalogue: number of items" for signature in USER_LISTS),
        *(f"{signature}, sampled users: exclusions" for signature in USER_LISTS),
        *(f"{signature}, one item excluded: exclusions" for signature in LISTS),
        *(f"{signature}, all items excluded: number of items" for signature in LISTS),
        "rate, invalid UTF-8",
    }
    reasons = "\n".join(record.reasons)
    assert "embedding is finite: expected only finite numbers, got 3 not finite" in reasons
    assert f"k above the catalogue: number of items: expected {NUM_ITEMS} in each row, got [{NUM_ITEMS - 1}]" in reasons
    assert "one item excluded: exclusions: expected no excluded or seen item, got [b'i0']" in reasons
    assert "rate, invalid UTF-8: expected an answer, got " in reasons


def test_a_wrong_order_and_a_k_that_is_not_kept_are_named(tmp_path):
    record = examine(save(tmp_path, make_parts(), Backward))
    assert failed(record) >= {
        "retrieve, sampled users: order",
        "similar_items, sampled items: order",
        *(f"{signature}, {case}: shapes" for signature in LISTS for case in ("k = 0", "k below 0")),
    }
    assert any("'item_id': ('string', 1, 0)" in reason.split(", got ")[0] for reason in record.reasons)
    assert any("'item_id': ('string', 1, 4)" in reason.split(", got ")[1] for reason in record.reasons)


def test_answers_that_contradict_each_other_are_named(tmp_path):
    record = examine(save(tmp_path, make_parts(), Vague))
    assert failed(record) == {
        "list_items",
        "retrieve_on_device",
        "rate_on_device",
        "recommend, a time: rating",
        *(f"embed_users, {case}: is_known" for case in ("unknown ids", "invalid UTF-8")),
    }


def test_an_export_that_does_not_listen_is_refused_for_each_thing(tmp_path):
    assert failed(examine(save(tmp_path, make_parts(), Deaf))) >= {
        *(f"recommend, {case}" for case in ("a time", "a time before all", "a time after all")),
        *(f"recommend, weight {weight}" for weight in ("nan", "inf", "-inf", "3e+38")),
        "recommend, weight 0: score",
        "recommend, sampled users: ratings",
        "rate, sampled pairs: ratings",
        "retrieve, unknown ids: lists",
        "retrieve, history: score",
    }


def test_more_candidates_than_asked_for_are_noticed(tmp_path):
    # Retrieval prefers the last items, and ratings, which differ more, the first ones.
    ratings = np.tile(np.linspace(5, 1, NUM_ITEMS + 1, dtype=np.float32), [NUM_USERS + 1, 1])
    parts = make_parts()
    candidates = np.zeros_like(parts.candidates)
    candidates[:, 0] = np.linspace(0, 1, NUM_ITEMS)
    parts = parts._replace(queries=np.ones_like(parts.queries), candidates=candidates, rater=Rater(ratings))
    assert failed(examine(save(tmp_path, parts, Greedy))) == {"recommend, 1 candidate"}


def test_a_missing_signature_is_refused_and_the_others_are_still_tested(tmp_path):
    record = examine(save(tmp_path, make_parts(), without="rate"))
    assert failed(record) == {"signatures"}
    assert record.reasons == ["signatures: expected no missing signatures, got ['rate']"]
    assert any(check.name.startswith("recommend,") for check in record.checks)


def test_what_is_no_saved_model_is_refused(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"no model")
    record = examine(str(tmp_path))
    assert failed(record) == {"load"}
    assert "expected a SavedModel, got " in record.reasons[0]

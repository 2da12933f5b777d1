import numpy as np
import pytest

from recommender.interactions.interactions import Interactions
from recommender.interactions.items import Items, describe
from recommender.training.fit_sequence import Fitted, fit_sequence, starting_vectors, training_windows
from recommender.training.sequence_measure import Measure
from recommender.training.windows import Timelines, Windows
from schemas.errors import DataError
from schemas.settings import SequenceModelSettings, Settings
from schemas.settings.on_device import FeatureInput
from small_interactions import divided, interactions

NUM_ITEMS = 6


def rounds(num_users: int, length: int) -> tuple[Interactions, Items]:
    """Users who choose one item after the other, in the order of the numbers, round and round."""
    user, step = np.divmod(np.arange(num_users * length), length)
    item = (user + step) % NUM_ITEMS + 1
    events = interactions(user, item, 1.0, 1_000_000 * (1 + step))
    ids = [str(number) for number in range(NUM_ITEMS)]
    return events, describe(ids, ids, [[] for _ in ids], np.bincount(item)[1:])


def fit(events: Interactions, items: Items, chosen: SequenceModelSettings, method: str, **training: object) -> Fitted:
    shared = {"name": "x", "data": {"folder": "."}, "split": {"method": method}, "training": training}
    everything = Settings.model_validate(shared)
    return fit_sequence(divided(events, everything), items, chosen, everything.split, everything.training)


def settings(**changes) -> SequenceModelSettings:
    tree = {"name": "x", "features": {"item": {"length": 3}}, "embedding_width": 8, "batch_size": 32, "epochs": 8}
    return SequenceModelSettings.model_validate(tree | {"learning_rate": 0.03, "dropout": 0.0} | changes)


@pytest.mark.parametrize("negatives", [None, 3])
def test_learns_what_comes_next(negatives: int | None) -> None:
    events, items = rounds(num_users=60, length=7)
    chosen = settings(negatives=negatives, gap=0, exclude_seen=False)
    fitted = fit(events, items, chosen, "time", refit=True)
    windows = Timelines(events, items).windows(events, chosen.features)
    # As long as those of the windows that training was stopped by, which are the latest.
    ranks = Measure(windows.take(windows.context_length >= 3), chosen, 0).ranks(fitted.model)
    assert np.mean(ranks == 1) > 0.95
    assert len(fitted.record["losses"]) == fitted.record["epochs"] and fitted.record["windows"] == 60 * 6


def test_the_same_seed_gives_the_same_model() -> None:
    events, items = rounds(num_users=20, length=5)
    runs = [
        fit(events, items, settings(epochs=2), "random", seed=seed, refit=False).model.get_weights()
        for seed in (1, 1, 2)
    ]
    assert all(np.array_equal(a, b) for a, b in zip(runs[0], runs[1], strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(runs[0], runs[2], strict=True))


def test_events_of_one_moment_teach_no_order() -> None:
    events, items = rounds(num_users=20, length=5)
    with pytest.raises(DataError, match="nothing to learn an order from"):
        fit(interactions(events.user, events.item, 1.0, np.ones(100)), items, settings(), "random")


def test_learns_the_order_of_events_without_times_and_ratings() -> None:
    events, items = rounds(num_users=60, length=7)
    untimed = interactions(events.user, events.item, None, None)
    chosen = settings(gap=0, exclude_seen=False)
    fitted = fit(untimed, items, chosen, "random", refit=True)
    windows = Timelines(untimed, items).windows(untimed, chosen.features)
    ranks = Measure(windows.take(windows.context_length >= 3), chosen, 0).ranks(fitted.model)
    assert np.mean(ranks == 1) > 0.95


@pytest.mark.parametrize("feature", ["rating", "age"])
def test_features_that_no_event_has_are_refused(feature: str) -> None:
    events, items = rounds(num_users=20, length=5)
    chosen = settings(features={"item": {"length": 3}, feature: {"length": 3}})
    with pytest.raises(
        DataError, match=f"the feature '{feature}' needs a .* none of the 100 .* remove features.{feature}"
    ):
        fit(interactions(events.user, events.item, None, None), items, chosen, "random")


class Fixed:
    """Scores that are given: [rows, 5], of padding and four items."""

    def __init__(self, scores: list[list[float]]):
        self._scores = np.array(scores, np.float32)

    def encode(self, context: dict[str, np.ndarray]) -> np.ndarray:
        return self._scores[: len(context["item"])]

    def score(self, encoded: np.ndarray):
        return type("Tensor", (), {"numpy": lambda _: encoded.copy()})()


def test_ranks_leave_out_the_context_and_share_ties() -> None:
    scores = [[99, 4, 3, 2, 1], [99, 4, 3, 2, 1], [99, 1, 1, 1, 1], [99, 4, 3, 2, 1], [99, 9, np.nan, 1, 0]]
    context = {"item": np.array([[0, 0], [1, 3], [0, 0], [0, 0], [0, 0]])}
    windows = Windows(context, np.array([3, 4, 2, 0, 2]), np.arange(5), np.ones(5))
    measure = Measure(windows, settings(), seed=0)
    # Third; second, as 1 and 3 are left out; one of four alike; of no catalogue; not a number.
    assert measure.ranks(Fixed(scores)).tolist() == [3, 2, 2.5, np.inf, 4]
    kept = Measure(windows, settings(exclude_seen=False), seed=0)
    assert kept.ranks(Fixed(scores)).tolist()[1] == 4
    found = measure.of(Fixed(scores))
    assert found["recall_at_10"] == 0.8 and found["windows"] == 5
    assert found["ndcg_at_10"] == pytest.approx(np.sum(1 / np.log2([4, 3, 3.5, 5])) / 5)


def test_a_gap_ends_contexts_earlier_but_never_empties_them() -> None:
    events, items = rounds(num_users=1, length=6)
    timelines = Timelines(events, items)
    skipped = np.array([0, 0, 0, 2, 9, 0])
    found = timelines.windows(events, {"item": FeatureInput(length=4)}, skipped).context["item"].tolist()
    assert found == [[1, 0, 0, 0], [1, 2, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [2, 3, 4, 5]]


@pytest.mark.parametrize(("gap", "labels"), [(0, [2, 3, 4, 4]), (5, [2, 3, 4])])
def test_without_a_gap_contexts_of_earlier_sittings_are_added(gap: int, labels: list[int]) -> None:
    """Items 1 and 2 are of one sitting, 3 and 4 of the next."""
    events = interactions([0, 0, 0, 0], [1, 2, 3, 4], None, [0, 60, 90_000, 90_060])
    _, items = rounds(num_users=1, length=6)
    windows = training_windows(Timelines(events, items), settings(gap=gap), "random", seed=1)
    assert windows.label.tolist() == labels
    if not gap:
        assert windows.context["item"][2:].tolist() == [[1, 2, 3], [1, 2, 0]]


def test_items_of_the_same_users_start_from_the_same_vector() -> None:
    events = interactions([0, 0, 1, 1, 2, 2], [1, 2, 1, 2, 3, 4], None, None, num_items=NUM_ITEMS + 1)
    items = describe(list("abcdef"), [""] * NUM_ITEMS, [[] for _ in range(NUM_ITEMS)], np.ones(NUM_ITEMS, np.int64))
    vectors = starting_vectors(events, items, width=8)
    products = np.zeros((NUM_ITEMS + 1, NUM_ITEMS + 1))
    products[1:3, 1:3] = products[3:5, 3:5] = 1
    assert vectors @ vectors.T == pytest.approx(products, abs=1e-5)

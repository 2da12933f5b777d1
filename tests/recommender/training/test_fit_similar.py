import numpy as np
import pytest

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged
from recommender.training.fit_similar import SimilarVectors, _first_good, _joined, fit_similar
from schemas.settings import Settings
from small_interactions import divided, interactions

NUM_USERS, NUM_ITEMS, PAGE = 300, 60, 10
NEW = 60
"""An item without events, of genre 0 like the items with even numbers."""
GENRES = Ragged.of([[item % 2] for item in range(NUM_ITEMS + 1)])
NOTHING = Ragged.of([[]] * (NUM_ITEMS + 1))
DAY = 86_400


def fit(events: Interactions, genres: Ragged = NOTHING, refit: bool = True) -> SimilarVectors:
    settings = Settings.model_validate({"name": "a", "data": {"folder": "."}, "training": {"refit": refit}})
    return fit_similar(divided(events, settings), Catalogue(NUM_USERS, 2, 0, 0, genres, NOTHING, NOTHING), settings)


def browsing(ratings: bool) -> Interactions:
    """Each user has a taste, odd or even numbers, and reads three of six pages of ten items, one a day.

    Without ratings, they choose four items of their taste and two others of each page, with ratings any six.
    """
    generator = np.random.default_rng(0)
    rows = []
    for user in range(NUM_USERS):
        for day, page in enumerate(generator.permutation(NUM_ITEMS // PAGE)[:3]):
            items = page * PAGE + generator.permutation(PAGE)
            is_own = items % 2 == user % 2
            chosen = items[:6] if ratings else np.concatenate([items[is_own][:4], items[~is_own][:2]])
            rows += [(user, item, 5 if item % 2 == user % 2 else 1, day * DAY + item) for item in chosen]
    user, item, like, timestamp = np.array(rows).T
    return interactions(user, item, like if ratings else None, timestamp, NUM_USERS, NUM_ITEMS + 1)


def of_the_same_taste(vectors: SimilarVectors) -> float:
    """Returns the share of the same parity in the first ten of the items with events."""
    scores = (vectors.queries @ vectors.candidates.T)[:NUM_ITEMS, :NUM_ITEMS]
    np.fill_diagonal(scores, -np.inf)
    best = np.argsort(-scores, axis=1)[:, :10]
    return float(np.mean(best % 2 == np.arange(NUM_ITEMS)[:, np.newaxis] % 2))


@pytest.mark.parametrize("ratings", [False, True])
def test_items_of_the_same_taste_come_first_though_pages_are_chosen_together(ratings: bool) -> None:
    assert of_the_same_taste(fit(browsing(ratings))) > 0.9


def test_a_new_item_is_similar_to_those_of_its_genre() -> None:
    vectors = fit(browsing(ratings=True), GENRES)
    scores = vectors.queries @ vectors.candidates.T
    assert (np.argsort(-scores[NEW, :NUM_ITEMS])[:10] % 2 == 0).all()
    assert scores[:NUM_ITEMS:2, NEW].min() > scores[1:NUM_ITEMS:2, NEW].max()


def test_an_item_without_events_and_content_is_followed_by_the_most_popular() -> None:
    events = browsing(ratings=False)
    vectors = fit(events)
    row = vectors.queries[NEW] @ vectors.candidates.T
    assert np.argsort(-row, kind="stable").tolist() == np.argsort(-events.popularity, kind="stable").tolist()


def test_products_are_cosines_plus_weighted_products_of_genres() -> None:
    vectors, genres = np.array([[3, 0], [1, 1], [0, 0]], np.float32), np.array([[1], [0], [0.5]], np.float32)
    joined = _joined(vectors, genres, 0.2)
    assert joined @ joined.T == pytest.approx(
        np.array([[1.2, 1 / 2**0.5, 0.1], [1 / 2**0.5, 1, 0], [0.1, 0, 0.05]]), rel=1e-5
    )


def test_genres_that_say_nothing_about_taste_do_not_count() -> None:
    """The genres are the pages, from each of which a user chooses only on one day."""
    pages = Ragged.of([[item // PAGE] for item in range(NUM_ITEMS + 1)])
    assert of_the_same_taste(fit(browsing(ratings=False), pages)) > 0.9


def test_the_first_value_that_is_not_worse_beyond_chance_is_chosen() -> None:
    class Measure:
        users = np.arange(4)

        def __call__(self, vectors: np.ndarray) -> np.ndarray:
            return vectors

    found = {"worse": [0.1, 0.2, 0.1, 0.2], "equal": [0.5, 0.6, 0.4, 0.6], "best": [0.6, 0.5, 0.6, 0.5]}
    assert _first_good(list(found), lambda value: np.array(found[value]), Measure()) == "equal"


def test_held_out_events_count_only_if_refitted() -> None:
    events = browsing(ratings=False)
    settings = Settings.model_validate({"name": "a", "data": {"folder": "."}})
    fitted = divided(events, settings).fitted
    first, again = fit(events, refit=False), fit(events, refit=True)
    assert first.queries.dtype == again.candidates.dtype == np.float32
    order = np.argsort(-first.candidates[:, -1], kind="stable")
    assert order.tolist() == np.argsort(-fitted.popularity, kind="stable").tolist()
    assert not np.array_equal(first.candidates, again.candidates)


def test_a_log_of_one_event_a_user_has_finite_vectors() -> None:
    events = interactions(range(NUM_USERS), np.arange(NUM_USERS) % NUM_ITEMS, None, None, NUM_USERS, NUM_ITEMS + 1)
    vectors = fit(events)
    assert np.isfinite(vectors.queries).all() and np.isfinite(vectors.candidates).all()

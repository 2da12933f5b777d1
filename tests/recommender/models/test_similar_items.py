import numpy as np
import pytest

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.ragged import Ragged
from recommender.models.similar_items import genre_vectors, similar_item_vectors, standard_residuals
from small_interactions import interactions

NOTHING = Ragged.of([[], [], [], []])
HOUR = 3_600


def products(events, genres=NOTHING, across=False, rank=4) -> np.ndarray:
    catalogue = Catalogue(events.num_users, 2, 0, 0, genres, NOTHING, NOTHING)
    vectors = similar_item_vectors(events, catalogue, across, rank)
    return vectors @ vectors.T


def test_cosines_of_users_who_count_by_the_number_of_their_items() -> None:
    """User 0 chose items 0 and 1, user 1 items 0, 1 and 2, user 2 item 2; item 3 has no event."""
    events = interactions([0, 0, 1, 1, 1, 2], [0, 1, 0, 1, 2, 2], None, None, num_items=4)
    one, some = 1 / 2 + 1 / 3, (1 / 3) / np.sqrt((1 / 2 + 1 / 3) * (1 / 3 + 1))
    assert one / np.sqrt(one * one) == 1.0
    assert products(events) == pytest.approx(
        np.array([[1, 1, some, 0], [1, 1, some, 0], [some, some, 1, 0], [0, 0, 0, 0]]), abs=1e-6
    )


def test_a_repeat_counts_once() -> None:
    once = interactions([0, 0, 1], [0, 1, 1], None, None, num_items=4)
    again = interactions([0, 0, 0, 1], [0, 1, 0, 1], None, None, num_items=4)
    assert products(again) == pytest.approx(products(once), abs=1e-6)


def test_ratings_that_agree_add_up_and_others_cancel() -> None:
    """The pairs of a user count (1 + z_i z_j) / n, by the definition."""
    user, item, rating = [0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 1, 2], [5, 5, 1, 2, 5, 1]
    events = interactions(user, item, rating, None, num_items=4)
    z = standard_residuals(events)
    assert np.sqrt(np.mean(z**2)) == pytest.approx(1.0)
    features = np.zeros((6, 4))
    for row, (who, what) in enumerate(zip(user, item, strict=True)):
        features[[who, who + 3], what] = np.array([1, z[row]]) / np.sqrt(2)
    lengths = np.linalg.norm(features, axis=0)
    features /= np.where(lengths > 0, lengths, 1)
    values = products(events)
    assert values == pytest.approx(features.T @ features, abs=1e-6)
    assert values[0, 1] > values[1, 2]


def test_pairs_of_one_sitting_do_not_count_across_sittings() -> None:
    """The user chose items 0 and 1 in one sitting and item 2 in the next."""
    events = interactions([0, 0, 0], [0, 1, 2], None, [0, 9, 2 * HOUR], num_items=4)
    features = np.array([[0, 0, 1, 0], [0, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]])
    values, vectors = np.linalg.eigh(features)
    expected = vectors @ np.diag(np.maximum(values, 0)) @ vectors.T  # the part that products can express
    assert products(events, across=True) == pytest.approx(expected, abs=1e-6)


def test_an_item_without_events_is_placed_by_its_kinds() -> None:
    """Items 0, 2 and 3 are of genre 0, items 1 and 2 of genre 1; a genre counts like a user with these items."""
    events = interactions([0, 0], [0, 1], None, None, num_items=4)
    values = products(events, Ragged.of([[0], [1], [0, 1], [0]]))
    share = {0: 1 / 2 + 1 / 3, 1: 1 / 2 + 1 / 2, 2: 1 / 3 + 1 / 2, 3: 1 / 3}
    assert values[3, :3] == pytest.approx(
        [(1 / 3) / np.sqrt(share[3] * share[0]), 0, (1 / 3) / np.sqrt(share[3] * share[2])], abs=1e-6
    )


def test_a_lower_rank_keeps_the_first_columns() -> None:
    generator = np.random.default_rng(0)
    pairs = np.unique(generator.integers(0, [30, 12], (150, 2)), axis=0).T
    nothing = Ragged.of([[]] * 12)
    events, catalogue = interactions(*pairs, None, None), Catalogue(30, 0, 0, 0, nothing, nothing, nothing)
    wide, narrow = (similar_item_vectors(events, catalogue, False, rank) for rank in (8, 3))
    assert narrow.shape == (12, 3)
    assert np.abs(wide[:, :3]) == pytest.approx(np.abs(narrow), abs=1e-4)


def test_rare_genres_make_items_more_similar_than_common_ones() -> None:
    """Genre 0 has items 0, 1 and 2, and counts 1 / 3; genre 1 has items 0 and 3, and counts 1 / 2."""
    catalogue = Catalogue(1, 2, 0, 0, Ragged.of([[0, 1], [0], [0], [1]]), NOTHING, NOTHING)
    length = np.sqrt(1 / 3 + 1 / 2)
    vectors = genre_vectors(catalogue, 8)
    common, rare = np.sqrt(1 / 3) / length, np.sqrt(1 / 2) / length
    assert vectors @ vectors.T == pytest.approx(
        np.array([[1, common, common, rare], [common, 1, 1, 0], [common, 1, 1, 0], [rare, 0, 0, 1]]), abs=1e-6
    )
    assert genre_vectors(catalogue, 1).shape == (4, 1)


def test_without_genres_there_is_no_column() -> None:
    assert genre_vectors(Catalogue(1, 0, 0, 0, NOTHING, NOTHING, NOTHING), 8).shape == (4, 0)


def test_without_ratings_there_are_no_residuals() -> None:
    assert standard_residuals(interactions([0, 1], [0, 1], None, None)).tolist() == [0, 0]
    assert standard_residuals(interactions([0, 1], [0, 0], [3, 3], None)).tolist() == [0, 0]

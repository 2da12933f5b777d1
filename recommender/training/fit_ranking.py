"""Fits the ranking model."""

import logging
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.hold_out import HoldOut
from recommender.interactions.interactions import Interactions
from recommender.models.bayesian import RatingFactors, Ratings, fit_bayesian
from recommender.models.biases import Biases, fit_biases
from recommender.models.binned import Binned
from recommender.models.callbacks import ProgressLog
from recommender.models.mood import Mood, RecentRatings, Timeline, mood_basis
from recommender.models.piecewise import PiecewiseLinear
from recommender.models.rating_model import RatingModel
from recommender.models.recent_ratings import recent_ratings_of_events
from recommender.models.side_features import item_features, user_features
from recommender.training.fit_network import fit_network
from schemas.settings import BayesianSettings, Settings

_LOG = logging.getLogger("atalaya")
_ROWS_AT_ONCE = 8_192
_MOST_MEASURED = 100_000
"""Maximum number of training ratings whose error is computed."""
_MEASURED = {"dimension": 8, "sweeps": 50, "burn_in": 20, "side_features": 64}
"""Maxima for the Bayesian model that is measured on held-out events."""


def fit_ranking(events: HoldOut, catalogue: Catalogue, settings: Settings, logs: str | None = None) -> tf.Module:
    """Fits the model that `ranking.model` names.

    Args:
      events: training events with ratings, of known users with known items.
      catalogue: users and items.
      settings: `ranking`, `split` and `training` are used.
      logs: folder for TensorBoard, or None.

    Returns:
      A module with the methods `moments` and `rate` of `RatingModel`.

    Raises:
      FloatingPointError: the fit gives ratings that are not finite.
    """
    if settings.ranking.model == "network":
        return fit_network(events, catalogue, settings, logs)
    return _fit_bayesian(events.interactions, catalogue, settings, settings.ranking.bayesian)


def fit_without_held_out(
    events: HoldOut, catalogue: Catalogue, settings: Settings, logs: str | None = None
) -> tf.Module:
    """Fits the model that `ranking.model` names without the held-out events, to be measured on these.

    The Bayesian one is narrower and takes fewer sweeps: it is a little worse, in a third of the time. Arguments, result
    and errors are those of `fit_ranking`.
    """
    if settings.ranking.model == "network":
        once = settings.model_copy(update={"training": settings.training.model_copy(update={"refit": False})})
        return fit_network(events, catalogue, once, logs)
    chosen = settings.ranking.bayesian
    less = {name: min(getattr(chosen, name), most) for name, most in _MEASURED.items()}
    return _fit_bayesian(events.fitted, catalogue, settings, chosen.model_copy(update=less))


def _fit_bayesian(
    events: Interactions, catalogue: Catalogue, settings: Settings, chosen: BayesianSettings
) -> RatingModel:
    """Fits all events at once: a posterior mean does not overfit with the number of sweeps, so none are held out."""
    begin = time.monotonic()
    _LOG.info("ranking: fitting to %d events, at most %d sweeps", len(events), chosen.sweeps)
    biases = fit_biases(events.user, events.item, events.rating, catalogue.num_users, catalogue.num_items)
    timeline = _timeline(events, biases)
    basis, mood = _mood(timeline, events.has_times, chosen.recent_events)
    if settings.split.method != "random":  # then requests come after all events
        timeline = timeline.latest(chosen.recent_events)
    ratings = Ratings(
        events.user,
        events.item,
        events.rating,
        mood,
        user_features(events.user, events.item, catalogue, chosen.side_features),
        item_features(events.user, events.item, catalogue, chosen.side_features),
    )
    log, sweeps = ProgressLog(chosen.sweeps), 0

    def report(done: int) -> None:
        nonlocal sweeps
        sweeps = done
        log("ranking sweeps", done)

    factors = fit_bayesian(ratings, chosen, settings.training.seed, report)
    model = _rating_model(factors, events, timeline, basis, mood, biases, settings)
    error = _rmse(model, events)
    _LOG.info("ranking: %d sweeps in %.0f s, training RMSE %.4f", sweeps, time.monotonic() - begin, error)
    return model


def _mood(timeline: Timeline, has_times: bool, num_events: int) -> tuple[PiecewiseLinear, Binned]:
    """Returns phi as a function, and of the events of the timeline."""
    recent = recent_ratings_of_events(timeline, num_events)
    if not has_times:
        recent = np.zeros_like(recent)  # then the mood is 0 everywhere
    basis = mood_basis(recent)
    return basis, Binned(recent, basis)


def _rating_model(
    factors: RatingFactors,
    events: Interactions,
    timeline: Timeline,
    basis: PiecewiseLinear,
    phi: Binned,
    biases: Biases,
    settings: Settings,
) -> RatingModel:
    """Creates the model, with the events from which it computes the mood of requests; phi: of these events.

    In a random split, requests come between the events, so all events are kept, and the default mood is the user's
    mean. Otherwise they come after them, so the latest events of each user suffice, and the default mood is that after
    all events in a split by time, and that after the user's last event in one by these.
    """
    num_events, num_users = settings.ranking.bayesian.recent_events, len(factors.user_bias) - 1
    mood = Mood(RecentRatings(timeline, num_events), basis, factors.mood_weights, biases)
    if settings.split.method == "random":
        moods = phi.times(tf.constant(factors.mood_weights)).numpy()
        return RatingModel(factors, mood, _mean_by_user(events.user, moods, num_users))
    times = np.full(num_users + 1, events.timestamp.max())
    if settings.split.method == "last":
        times[events.user] = events.timestamp  # the last of a user's events counts
    return RatingModel(factors, mood, in_blocks(mood, np.arange(num_users + 1, dtype=np.int32), times))


def _timeline(events: Interactions, biases: Biases) -> Timeline:
    deviations = events.rating - biases.mean - biases.item[events.item]
    return Timeline.of(events.user, events.timestamp, deviations, events.num_users)


def _mean_by_user(users: np.ndarray, values: np.ndarray, num_users: int) -> np.ndarray:
    """Returns [num_users + 1] float32, 0 for users without events."""
    sums, counts = np.bincount(users, values, num_users + 1), np.bincount(users, minlength=num_users + 1)
    return (sums / np.maximum(1, counts)).astype(np.float32)


def _rmse(model: RatingModel, events: Interactions) -> float:
    """Returns the error of training ratings, of a sample where there are many."""
    events = events.take(np.arange(0, len(events), len(events) // _MOST_MEASURED + 1))
    moments = in_blocks(model.moments, events.user, events.timestamp)
    predicted = in_blocks(model.rate, events.user, events.item, moments)
    error = float(np.sqrt(np.mean((predicted - events.rating) ** 2, dtype=np.float64)))
    if not np.isfinite(error):
        raise FloatingPointError(
            f"expected a finite training RMSE of the ranking model, got {error}; check that all ratings are finite "
            "and that none is far from the others"
        )
    return error


def in_blocks(function: Callable[..., tf.Tensor], *columns: np.ndarray) -> np.ndarray:
    """Applies the function to columns, [n] or [n, ...], in blocks of rows, which limits the memory."""
    blocks = np.array_split(np.arange(len(columns[0])), _num_blocks(columns[0]))
    return np.concatenate([function(*(tf.constant(column[rows]) for column in columns)).numpy() for rows in blocks])


def _num_blocks(column: np.ndarray) -> int:
    return len(column) // _ROWS_AT_ONCE + 1

"""Fits the second stage: the ranking model, or user and item biases where it is no better than they are."""

import logging
from typing import NamedTuple

import numpy as np

from recommender.evaluation.intervals import mean_over_users
from recommender.interactions.catalogue import Catalogue
from recommender.interactions.hold_out import HoldOut
from recommender.interactions.interactions import Interactions
from recommender.models.bias_rating import BiasRating
from recommender.models.biases import Biases, fit_biases
from recommender.serving.ratings import Rater
from recommender.training.fit_ranking import fit_ranking, fit_without_held_out, in_blocks
from schemas.settings import Settings
from schemas.training_record import RatingModel

_LOG = logging.getLogger("atalaya")


class SecondStage(NamedTuple):
    """How ratings are predicted.

    rater: fitted to all events. measured: fitted without the held-out events. model: that of `ranking.model`, or
    "biases". biases: of all events. scale: lowest and highest rating.
    """

    rater: Rater
    measured: Rater
    model: RatingModel
    biases: Biases
    scale: tuple[float, float]


def fit_second_stage(events: HoldOut, catalogue: Catalogue, settings: Settings, logs: str | None = None) -> SecondStage:
    """Fits the ranking model, unless it is no better than user and item biases on held-out events beyond chance.

    Better is a lower mean squared error of the ratings within the scale, with a 95 % interval of the paired difference
    over users. Where that is not shown, also for want of held-out ratings, the biases predict. The network stops by
    the same events, which is a small advantage for it.

    Args:
      events: training events with ratings, of known users with known items.
      catalogue: users and items.
      settings: `ranking`, `data`, `split` and `training` are used.
      logs: folder for TensorBoard, or None.

    Raises:
      FloatingPointError: the fit gives ratings that are not finite.
    """
    rated = events.interactions
    scale = settings.data.rating_scale or (float(rated.rating.min()), float(rated.rating.max()))
    biases = _biases(rated, catalogue)
    if not events.is_fitted.any() or not len(events.held_out):  # few of the events have a rating
        return SecondStage(BiasRating(biases), BiasRating(biases), "biases", biases, scale)
    measured = fit_without_held_out(events, catalogue, settings, logs)
    simple = BiasRating(_biases(events.fitted, catalogue))
    errors = [_squared_errors(one, events.held_out, scale) for one in (simple, measured)]
    gain = mean_over_users(errors[0] - errors[1], events.held_out.user)
    _LOG.info("ranking: mean squared error %.4f below that of biases, %.4f to %.4f", *gain)
    if not gain.lower > 0:
        _LOG.warning("ranking: not better than user and item biases beyond chance, so these predict ratings")
        return SecondStage(BiasRating(biases), simple, "biases", biases, scale)
    rater = fit_ranking(events, catalogue, settings, logs)
    return SecondStage(rater, measured, settings.ranking.model, biases, scale)


def _biases(events: Interactions, catalogue: Catalogue) -> Biases:
    return fit_biases(events.user, events.item, events.rating, catalogue.num_users, catalogue.num_items)


def _squared_errors(rater: Rater, events: Interactions, scale: tuple[float, float]) -> np.ndarray:
    """Returns those of the ratings that are served by default, [n] float64."""
    predicted = np.clip(in_blocks(rater.rate, events.user, events.item), *scale)
    return (predicted.astype(np.float64) - events.rating) ** 2

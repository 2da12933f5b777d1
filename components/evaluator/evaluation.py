"""The evaluation of one model: its events, its baselines and its answers."""

import logging
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from tfx.utils import io_utils

from components.evaluator.events import read_split
from components.evaluator.flow import MakePipeline, ask, load
from recommender.evaluation.answers import Answers
from recommender.evaluation.held_out import HeldOut
from recommender.evaluation.intervals import Interval
from recommender.evaluation.judging import Bounds, Measured, fit_baselines, judge
from recommender.models.biases import fit_biases
from schemas import layout
from schemas import signatures as names
from schemas.settings import FeatureSettings
from schemas.training_record import Chosen, TrainingRecord
from schemas.verdict import MetricRecord

_SEED = 0
"""Of the users and of the events that are drawn where there are many."""
_LOG = logging.getLogger("atalaya")


class Judged(NamedTuple):
    """What was measured. notes: facts about the model, and what was left out. is_by_biases: whether biases predict."""

    records: list[MetricRecord]
    notes: list[str]
    is_rated: bool
    has_other: bool
    is_other_rated: bool
    is_by_biases: bool


class Evaluation:
    """Judges a model, and another one on the same users."""

    def __init__(self, model: str, train: str, evaluation: str, features: FeatureSettings, max_users: int):
        """Loads the model and reads the events.

        Args:
          model: folder or address of the SavedModel with the record of its training.
          train: folder of the raw training examples.
          evaluation: folder of the raw evaluation examples.
          features: the bounds of the slices.
          max_users: maximum number of users who are judged.

        Raises:
          DataError: there are no examples.
        """
        self._model = model
        self._record = TrainingRecord.model_validate_json(io_utils.read_bytes_file(f"{model}/{layout.TRAINING_RECORD}"))
        self._catalogue: list[bytes] = np.asarray(load(model).list_items()[names.ITEM_ID]).tolist()
        items, users = {item: number for number, item in enumerate(self._catalogue)}, dict[bytes, int]()
        self._train = read_split(train, items, users)
        self._held_out = HeldOut.of(read_split(evaluation, items, users), _SEED, max_users)
        self._users = np.array([*users], object)[self._held_out.users]
        self._bounds = Bounds(features.user_activity_bounds, features.item_popularity_bounds)

    def judge(self, make_pipeline: MakePipeline, folder: str, other: str | None = None) -> Judged:
        """Measures the model on all slices, next to its baselines and, if given, another model.

        Args:
          make_pipeline: makes a pipeline of the engine whose workers ask the models.
          folder: existing folder or address for temporary files, which the workers see too.
          other: folder or address of the other SavedModel.
        """

        def answers_of(model: str, what: str) -> Answers:
            return ask(make_pipeline, model, self._held_out, self._users, self._catalogue, folder, what)

        answers = answers_of(self._model, "judging the model")
        answers_of_other = None if other is None else answers_of(other, "judging the last blessed model")
        _LOG.info("fitting the baselines to %d training events", len(self._train))
        biases = self._biases() if answers.rating is not None else None
        baselines = fit_baselines(self._train, self._held_out, biases, self._record.data.split_method, _SEED)
        found = judge(
            held_out=self._held_out,
            answers=answers,
            baselines=baselines,
            train=self._train,
            bounds=self._bounds,
            scale=self._record.data.rating_scale,
            other=answers_of_other,
        )
        judged, users = len(self._held_out.users), self._held_out.num_users
        drawn = [f"{judged:,} of {users:,} evaluated users were drawn, seed {_SEED}"] if judged < users else []
        return Judged(
            records=[_record(one) for one in found],
            notes=[*_facts(self._record.chosen), *drawn, *([baselines.without] if baselines.without else [])],
            is_rated=answers.rating is not None,
            has_other=other is not None,
            is_other_rated=answers_of_other is not None and answers_of_other.rating is not None,
            is_by_biases=self._record.chosen.rating_model == "biases",
        )

    def _biases(self) -> np.ndarray:
        """Returns what user and item biases predict for the held-out events, [m], within the scale."""
        rated, (users, items) = self._train.rated, (self._train.num_users, self._train.num_items)
        fitted = fit_biases(rated.user, rated.item, rated.rating, users, items)
        asked = np.minimum(self._held_out.users, users)[self._held_out.items.rows], self._held_out.items.values
        lowest, highest = self._record.data.rating_scale or (-np.inf, np.inf)
        return np.clip(fitted.predict(*asked).astype(np.float64), lowest, highest)


def _facts(chosen: Chosen) -> Iterator[str]:
    """Yields what a reader of the metrics should know about the second stage."""
    if chosen.rating_model == "biases":
        yield (
            "user and item biases predict the ratings: on held-out training events, the ranking model was not better "
            "beyond chance"
        )
    if chosen.rating_weight == 0:
        yield "`recommend` orders by the retrieval score alone: the weight of the predicted ratings is 0"


def _record(measured: Measured) -> MetricRecord:
    change: Interval | None = measured.change
    return MetricRecord(
        metric=measured.metric,
        slice=measured.slice,
        **measured.interval._asdict(),
        change=change.value if change else None,
        change_lower=change.lower if change else None,
        change_upper=change.upper if change else None,
    )

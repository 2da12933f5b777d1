"""Errors of predicted ratings, with intervals over users."""

import numpy as np

from recommender.evaluation.answers import Answers
from recommender.evaluation.held_out import HeldOut
from recommender.evaluation.intervals import Interval, jackknife_over_users

_CHANGE = "change of "


def errors_of(
    held_out: HeldOut, answers: Answers, bias_rating: np.ndarray | None, other: Answers | None, rows: np.ndarray
) -> dict[str, tuple[Interval, Interval | None]]:
    """Returns RMSE and MAE, those of the biases, and `lift_over_bias`, each with its change from another model.

    The change is paired: the jackknife leaves a user out of both models' errors at the same time. `lift_over_bias` is
    the biases' RMSE minus the model's. `rmse_at_time` has the predictions for the time of each rating.

    Args:
      held_out: the events.
      answers: predictions of the model; there are no errors without ratings.
      bias_rating: [m] predictions of user and item biases.
      other: predictions of another model, if there is one.
      rows: [m] bool, the events that count; of these, those with a rating.
    """
    rated = rows & ~np.isnan(held_out.rating)
    if answers.rating is None or bias_rating is None or not rated.any():
        return {}
    predicted = {"": answers.rating, "bias_": bias_rating}
    predicted |= {_CHANGE: other.rating} if other is not None and other.rating is not None else {}
    found = _intervals(held_out, predicted, rated)
    if answers.rating_at_time is not None and (timed := rated & held_out.is_timed).any():
        predicted = {"": answers.rating_at_time}
        predicted |= {_CHANGE: other.rating_at_time} if other is not None and other.rating_at_time is not None else {}
        at_time = _intervals(held_out, predicted, timed)
        found |= {name.replace("rmse", "rmse_at_time"): one for name, one in at_time.items() if name.endswith("rmse")}
    return {name: (one, found.get(f"{_CHANGE}{name}")) for name, one in found.items() if not name.startswith(_CHANGE)}


def _intervals(held_out: HeldOut, predicted: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, Interval]:
    given, users = held_out.rating[rows].astype(np.float64), held_out.items.rows[rows]
    errors = [rating[rows] - given for rating in predicted.values()]
    columns = np.stack([column for error in errors for column in (error**2, np.abs(error))], axis=1)

    def metrics(means: np.ndarray) -> dict[str, np.ndarray]:
        found = {}
        for place, prefix in enumerate(predicted):
            found[f"{prefix}rmse"] = np.sqrt(means[..., 2 * place])
            found[f"{prefix}mae"] = means[..., 2 * place + 1]
        if "bias_" in predicted:
            found["lift_over_bias"] = found["bias_rmse"] - found["rmse"]
        if _CHANGE in predicted:
            found |= {f"{_CHANGE}{name}": found[name] - found[f"{_CHANGE}{name}"] for name in ("rmse", "mae")}
        return found

    return jackknife_over_users(columns, users, metrics)

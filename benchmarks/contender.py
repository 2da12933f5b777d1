"""The contenders of a comparison, and the interfaces of fitted models."""

import importlib
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from benchmarks.measures import Scores

Kind = Literal["retrieval", "rating"]


class Retrieval(NamedTuple):
    """A fitted retrieval model.

    scores: scores of all items for users. new_users, new_items: whether it can score users or items without training
    events.
    """

    scores: Scores
    new_users: bool = False
    new_items: bool = False


class Rating(NamedTuple):
    """A fitted rating model.

    rate: predicts [n] ratings from [n] users, [n] items and [n] timestamps.
    """

    rate: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


class Refusal(Exception):
    """A contender cannot take part, or not with this data."""


class Contender(NamedTuple):
    """One line of the table.

    place: `module:function`; the module is imported only when needed, so that packages of other contenders may be
    missing. deterministic: whether all seeds give the same model. ours: whether it is a model of Atalaya.
    """

    name: str
    kind: Kind
    place: str
    deterministic: bool = False
    ours: bool = False

    def load(self) -> Callable[..., Retrieval | Rating]:
        """Returns the function that fits the contender to data with a seed; Atalaya's also take the settings.

        Raises:
          Refusal: a required package is not installed.
        """
        module, function = self.place.split(":")
        try:
            return getattr(importlib.import_module(module), function)
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] in ("benchmarks", "components", "recommender", "schemas"):
                raise
            raise Refusal(f"not installed: {error.name}; `make bench-quality` installs it") from error

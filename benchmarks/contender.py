"""The contenders of a comparison, and the interfaces of fitted models."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

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

    rate: predicts [n] ratings from [n] users, [n] items and [n] timestamps. served: the same from users and items
    alone, as a server is usually asked; None: `rate` does not read the times.
    """

    rate: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    served: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None


class Refusal(Exception):
    """A contender cannot take part, or not with this data."""


class Grid(NamedTuple):
    """Ascending values of a hyperparameter, and the one that the search starts from."""

    values: tuple[Any, ...]
    start: Any


class Contender(NamedTuple):
    """One line of the table.

    place: `module:function`; the module is imported only when needed, so that packages of other contenders may be
    missing. reads: what it reads in addition to pairs of user and item. space: what is chosen on held-out training
    events. deterministic: whether all seeds give the same model. ours: whether it is a model of Atalaya. movielens:
    whether it is for MovieLens 100K only.
    """

    name: str
    kind: Kind
    place: str
    reads: tuple[str, ...] = ()
    space: Mapping[str, Grid] = {}
    deterministic: bool = False
    ours: bool = False
    movielens: bool = False

    def load(self) -> Callable[..., Retrieval | Rating]:
        """Returns the function that fits the contender to data with a seed and values of its hyperparameters.

        Atalaya's also takes the settings.

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

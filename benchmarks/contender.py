"""The contenders: a name, a module, and the interfaces of fitted models."""

import importlib
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from benchmarks.measures import Scores

Kind = Literal["retrieval", "rating"]


class Retrieval(NamedTuple):
    """A fitted retrieval model.

    new_users, new_items: whether it can score users or items without training events.
    """

    scores: Scores
    new_users: bool = False
    new_items: bool = False


class Rating(NamedTuple):
    """A fitted model that takes users, items and timestamps, [n] each, and predicts ratings, [n]."""

    rate: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


class Refusal(Exception):
    """Why a contender does not take part with this data."""


class Contender(NamedTuple):
    """One line of the table.

    place: `module:function`; the module is imported only when it is needed, so that packages of others may be absent.
    """

    name: str
    kind: Kind
    place: str
    deterministic: bool = False
    ours: bool = False

    def load(self) -> Callable[..., Retrieval | Rating]:
        """Returns the function that fits it to data with a seed; Atalaya's takes the settings too.

        Raises:
          Refusal: a package that it needs is not installed.
        """
        module, function = self.place.split(":")
        try:
            return getattr(importlib.import_module(module), function)
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] in ("benchmarks", "components", "recommender", "schemas"):
                raise
            raise Refusal(f"not installed: {error.name}; `make bench-quality` installs it") from error

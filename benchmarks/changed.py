"""Settings with some values changed."""

from functools import reduce
from operator import getitem
from typing import Any

from schemas.settings import Settings


def changed(settings: Settings, values: dict[str, Any]) -> Settings:
    """Returns a copy of the settings with values changed by key path, such as `{"ranking.bayesian.dimension": 8}`."""
    tree = settings.model_dump()
    for path, value in values.items():
        *sections, key = path.split(".")
        reduce(getitem, sections, tree)[key] = value
    return Settings.model_validate(tree)

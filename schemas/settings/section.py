"""What all sections of the settings share: their base and the types of their values."""

import os
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator


def fits(pattern: str, expected: str) -> AfterValidator:
    """Refuses a text that `pattern` does not match as a whole, and says in words what is expected."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"{expected} is expected")
        return value

    return AfterValidator(check)


Share = Annotated[float, Field(gt=0, lt=1)]
"""A fraction strictly between 0 and 1."""
Fraction = Annotated[float, Field(ge=0, le=1)]
"""A fraction from 0 to 1."""
Dropout = Annotated[float, Field(ge=0, lt=1)]
PositiveInt = Annotated[int, Field(ge=1)]
NonNegativeInt = Annotated[int, Field(ge=0)]
AtLeastTwo = Annotated[int, Field(ge=2)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Name = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    """Base of every section: frozen; an unknown key is an error, and a `~` that begins a path is the home folder."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    @field_validator("*")
    @classmethod
    def _expand_home(cls, value: Any) -> Any:
        return Path(os.path.expanduser(value)) if isinstance(value, Path) and str(value).startswith("~") else value

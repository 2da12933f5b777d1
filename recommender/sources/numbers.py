"""Ratings as numbers: decimal marks, separators of thousands, and whole columns."""

import re
from collections.abc import Callable, Collection
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mark = Literal[".", ","]
LARGEST = 1e9
"""Absolute value of a rating or count; larger ones would swamp all others in float32."""
_SPACES = "'\u00a0\u202f "
_WITH_POINT = re.compile(rf"[-+]?(\d{{1,3}}([,{_SPACES}]\d{{3}})+|\d+|(?=\.\d))(\.\d*)?([eE][-+]?\d+)?")
_WITH_COMMA = re.compile(rf"[-+]?(\d{{1,3}}([.{_SPACES}]\d{{3}})+|\d+|(?=,\d))(,\d*)?([eE][-+]?\d+)?")
_PATTERNS: dict[Mark, re.Pattern[str]] = {".": _WITH_POINT, ",": _WITH_COMMA}


def is_number(text: str) -> bool:
    """Whether the text is a number with a decimal point or comma, perhaps with separators of thousands."""
    return any(pattern.fullmatch(text) for pattern in _PATTERNS.values())


def find_mark(values: Collection[str]) -> Mark | None:
    """Returns the decimal mark with which most of the distinct values are numbers; None if the data leave it open."""
    distinct = set(values)
    with_point, with_comma = (sum(bool(pattern.fullmatch(text)) for text in distinct) for pattern in _PATTERNS.values())
    if with_point == with_comma and any("," in text and is_number(text) for text in distinct):
        return None
    return "." if with_point >= with_comma else ","


def parse_number(text: str, mark: Mark) -> float:
    """Returns the number, NaN if the text is none."""
    if not _PATTERNS[mark].fullmatch(text):
        return float("nan")
    thousands = "," if mark == "." else "."
    return float(re.sub(f"[{thousands}{_SPACES}]", "", text).replace(mark, "."))


def parse_numbers(values: pa.Array, mark: Mark) -> np.ndarray:
    """Returns [num_rows] float64 of texts or numbers, NaN where a value is no number."""
    if not pa.types.is_string(values.type):
        return values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return of_distinct(values, lambda texts: [parse_number(text, mark) for text in texts])


def of_distinct(values: pa.Array, parse: Callable[[list[str]], npt.ArrayLike]) -> np.ndarray:
    """Returns [num_rows] float64 of texts, each distinct one parsed once; NaN where there is none."""
    encoded = values.dictionary_encode()
    numbers = np.append(np.asarray(parse(encoded.dictionary.to_pylist()), np.float64), np.nan)
    return numbers[pc.fill_null(encoded.indices, len(numbers) - 1).to_numpy()]

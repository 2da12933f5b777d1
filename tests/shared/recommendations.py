"""Comparison of tables of recommendations of `random_parts`."""

import numpy as np
import pyarrow as pa
import pytest

_SCORES = ("score", "retrieval_score", "rating")
_TOLERANCE = 1e-5


def assert_same(found: pa.Table, expected: pa.Table) -> None:
    """Asserts the same rows in the same order, with scores equal to 1e-5, since these depend on the users per call.

    Items of a user with almost equal scores could change places, so there must be none.
    """
    users, scores = (expected[name].to_numpy() for name in ("user_id", "score"))
    assert not np.any((users[1:] == users[:-1]) & (np.abs(np.diff(scores)) < 10 * _TOLERANCE))
    assert found.schema == expected.schema
    assert found.drop(_SCORES).equals(expected.drop(_SCORES))
    for name in _SCORES:
        assert found[name].to_numpy() == pytest.approx(expected[name].to_numpy(), abs=_TOLERANCE), name

"""Histories of raw ids on which the answers of both models are compared."""

import numpy as np

from components.on_device_exporter.trained import Trained
from schemas import signatures as names

_LENGTHS = (1, 2, 3, 5, 9, 10, 11, 30)
_DRAWN = 40
_UNKNOWN = b"\xf0\x9f\x8d\x94 unknown"


def make_histories(trained: Trained) -> list[dict[str, np.ndarray]]:
    """Makes the inputs of `recommend_ids`, call by call: short, long and empty histories, repeated and unknown ids.

    Ratings and ages of the events are drawn from 1 to 5, in descending order.
    """
    random = np.random.default_rng(0)
    ids = np.array([item["id"].encode(errors="surrogateescape") for item in trained.items])
    drawn = [random.choice(ids, min(_LENGTHS[call % len(_LENGTHS)], len(ids))) for call in range(_DRAWN)]
    first, last = ids[0], ids[-1]
    corners = [[_UNKNOWN], [_UNKNOWN, first], [first, _UNKNOWN, last], [last] * 12, [first, last, first]]
    # An empty array needs an explicit string type.
    rare = [np.array([], "S1"), *map(np.array, corners)]
    wanted = trained.history_inputs()
    calls = []
    for history in [*drawn, *rare]:
        numbers = -np.sort(-random.uniform(1.0, 5.0, len(history))).astype(np.float32)
        calls.append({name: history if name == names.HISTORY_ITEM_ID else numbers for name in wanted})
    return calls

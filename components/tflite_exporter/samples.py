"""Requests to both models, whose answers are compared."""

import itertools

from components.tflite_exporter.server import Request
from recommender.interactions.examples import TEXT, read_batches
from schemas import signatures as names

_PAIRS = 1_000
_USERS = 40
_UNKNOWN = b"\xf0\x9f\x8d\x94 unknown"
_COUNTS = (1, 10, 100)
_MANY = 2_000
"""More items than in a small catalogue, so that answers end in padding."""


def read_pairs(split: str) -> list[tuple[bytes, bytes]]:
    """Returns the first pairs of user and item of a split, and pairs with unknown ids."""
    batch = next(read_batches([f"{split}/*"], {names.USER_ID: TEXT, names.ITEM_ID: TEXT}))
    pairs = list(zip(batch[names.USER_ID][:_PAIRS].tolist(), batch[names.ITEM_ID][:_PAIRS].tolist(), strict=True))
    user, item = pairs[0]
    return [*pairs, (_UNKNOWN, item), (user, _UNKNOWN), (_UNKNOWN, _UNKNOWN)]


def make_requests(pairs: list[tuple[bytes, bytes]]) -> list[Request]:
    """Makes requests for users in the pairs and an unknown one, with and without history, for few and many items."""
    users = [*list(dict.fromkeys(user for user, _ in pairs if user != _UNKNOWN))[:_USERS], _UNKNOWN]
    items = list(dict.fromkeys(item for _, item in pairs))
    long = items[:30]
    histories = [[], items[:1], [*long, *long[::2], _UNKNOWN], [_UNKNOWN]]
    requests = [
        Request(user, histories[number % len(histories)] if number % 2 else [], _COUNTS[number % len(_COUNTS)])
        for number, user in enumerate(users)
    ]
    corners = itertools.product((users[0], _UNKNOWN), histories, (*_COUNTS, _MANY))
    return [*requests, *itertools.starmap(Request, corners)]

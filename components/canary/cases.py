"""Requests to an export, ordinary and hostile, with the answers that any model must give."""

from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any, NamedTuple

from schemas import signatures as names

UNKNOWN = [b"", b"no such id", "\U0001f354 not an id".encode(), b"x" * 10_000]
INVALID_UTF8 = b"\xff\xfe\x80"
LONG_HISTORY = 10_000
_K = 10
_MOST_FORBIDDEN = 1_000
_RECENT = 1_000
_TIMES = (("a time", 1_600_000_000), ("a time before all", -(2**62)), ("a time after all", 2**62))


class Sample(NamedTuple):
    """The users and items that the requests are made of.

    seen: for each user id, the ids of the items in the user's training events; a user without any may be unknown to
    the model. genres: for each item id of the whole catalogue, its genres. scale: lowest and highest rating, None for a
    model that predicts no ratings.
    """

    seen: dict[bytes, list[bytes]]
    genres: dict[bytes, list[bytes]]
    scale: tuple[float, float] | None

    @property
    def items(self) -> list[bytes]:
        """Ids of the whole catalogue."""
        return list(self.genres)


class Case(NamedTuple):
    """One request.

    inputs: values by name; the remaining inputs get the signature's defaults. num_shown: number of items that each row
    must show, None if it is not known. forbidden: for each row, ids that must not be shown. is_one_list: whether all
    rows must show the same items. expected: exact outputs by name. is_refused: whether the request is invalid and must
    raise an InvalidArgumentError.
    """

    signature: str
    name: str
    inputs: dict[str, Any]
    num_shown: int | None = None
    forbidden: list[list[bytes]] = []
    is_one_list: bool = False
    expected: dict[str, Any] = {}
    is_refused: bool = False


def all_cases(sample: Sample) -> list[Case]:
    """Returns all requests to a recommender; the first one to each signature is an ordinary one."""
    users, some_items = list(sample.seen), sample.items[:: max(1, len(sample.items) // 32)][:32]
    return [
        Case(names.SERVING_DEFAULT, "sampled users", {names.USER_ID: users}),
        *_of_users(names.RECOMMEND, sample),
        *_of_users(names.RETRIEVE, sample),
        *_two_stages(users, sample.scale is not None),
        *_similar(sample.items, some_items),
        *_of_embeddings(names.EMBED_USERS, names.USER_ID, [user for user, seen in sample.seen.items() if seen]),
        *_of_embeddings(names.EMBED_ITEMS, names.ITEM_ID, some_items),
        *_with_history(users[0], some_items),
        *(_of_ratings(users, some_items) if sample.scale is not None else ()),
        *_on_device(users[0], sample.seen[users[0]], sample.items),
        *_of_catalogue(sample.items),
    ]


def index_cases(sample: Sample, width: int) -> list[Case]:
    """Returns the requests that any approximate index must answer; how many items it finds is not checked.

    Args:
      sample: what the requests are made of.
      width: length of the vectors.
    """
    users, count = list(sample.seen), {names.K: _K}
    vectors = [[1.0] * width, [0.0] * width, [-1e30] * width, [float("nan")] * width]
    cases = [
        Case(names.RETRIEVE, "sampled users", {names.USER_ID: users, **count}, forbidden=list(sample.seen.values())),
        Case(names.SEARCH, "vectors", {names.EMBEDDING: vectors[:2], **count}),
        Case(names.SEARCH, "vectors beyond measure", {names.EMBEDDING: vectors[2:], **count}),
    ]
    for name, ids in (("unknown ids", UNKNOWN), ("invalid UTF-8", [INVALID_UTF8])):
        unknown = {names.IS_KNOWN: [False] * len(ids)}
        cases.append(Case(names.RETRIEVE, name, {names.USER_ID: ids, **count}, expected=unknown))
    for signature, key, one in (
        (names.RETRIEVE, names.USER_ID, users[:1]),
        (names.SEARCH, names.EMBEDDING, vectors[:1]),
    ):
        cases += [
            Case(signature, "k = 0", {key: one, names.K: 0}, 0),
            Case(signature, "k below 0", {key: one, names.K: -1}, 0),
            Case(signature, "k above the catalogue", {key: one, names.K: len(sample.items) + 3}),
        ]
    return [*cases, Case(names.RETRIEVE, "empty batch", {names.USER_ID: [], **count})]


def ivf_cases(sample: Sample, width: int) -> list[Case]:
    """Returns the requests to an IVF index, which applies all rules and finds every item if k is large enough."""
    items, users = sample.items, list(sample.seen)
    vector, beyond = {names.EMBEDDING: [[1.0] * width]}, len(items) + 3
    cases = [
        *index_cases(sample, width),
        *_of_lists(names.SEARCH, vector, items, len(items)),
        *_of_lists(names.RETRIEVE, {names.USER_ID: UNKNOWN[:1]}, items, len(items)),
        *_of_lists(names.RETRIEVE, {names.USER_ID: users[:1], names.INCLUDE_SEEN: True}, items, len(items)),
        Case(
            names.RETRIEVE,
            "another number of rows",
            {names.USER_ID: UNKNOWN, names.K: _K, names.EXCLUDE: [items[:1]] * 3},
            is_refused=True,
        ),
    ]
    genre = next((genres[0] for genres in sample.genres.values() if genres), None)
    if genre is not None:
        excluded = [item for item, genres in sample.genres.items() if genre not in genres]
        inputs: dict[str, Any] = {names.K: beyond, names.GENRE: [genre]}
        for signature, one in ((names.SEARCH, vector), (names.RETRIEVE, {names.USER_ID: UNKNOWN[:1]})):
            forbidden = [excluded[:_MOST_FORBIDDEN]]
            cases.append(Case(signature, "a genre", one | inputs, len(items) - len(excluded), forbidden))
    return cases


def _of_users(signature: str, sample: Sample) -> Iterator[Case]:
    users, items = list(sample.seen), sample.items
    yield Case(signature, "sampled users", {names.USER_ID: users}, forbidden=list(sample.seen.values()))
    one, seen_too = {names.USER_ID: users[:1]}, {names.INCLUDE_SEEN: True}
    for case in _of_lists(signature, one, items, len(items)):
        yield case._replace(inputs=case.inputs | seen_too)
    yield Case(signature, "empty batch", {names.USER_ID: []})
    few = min(_K, len(items))
    unknown = {names.IS_KNOWN: [False] * len(UNKNOWN)}
    unknown_users = {names.USER_ID: UNKNOWN, names.K: _K}
    yield Case(signature, "unknown ids", unknown_users, few, is_one_list=True, expected=unknown)
    invalid = {name: [[INVALID_UTF8]] for name in (names.HISTORY_ITEM_ID, names.EXCLUDE)} | {names.DENY: [INVALID_UTF8]}
    inputs: dict[str, Any] = {names.USER_ID: [INVALID_UTF8], names.K: _K, **invalid}
    yield Case(signature, "invalid UTF-8", inputs, few, expected={names.UNKNOWN_HISTORY: [1]})
    chosen = items[: max(1, min(500, len(items) // 2))]
    history = list(islice(cycle([*chosen, b"no such id"]), LONG_HISTORY))
    inputs = {names.USER_ID: [*UNKNOWN[:1], *users[:1]], names.HISTORY_ITEM_ID: [history] * 2}
    foreign = {names.UNKNOWN_HISTORY: [history.count(b"no such id")] * 2}
    yield Case(signature, "very long history", inputs, forbidden=[chosen] * 2, expected=foreign)
    inputs = {names.USER_ID: UNKNOWN, names.HISTORY_ITEM_ID: [items[:1]] * 3}
    yield Case(signature, "another number of rows", inputs, is_refused=True)
    for name, time in _TIMES:
        inputs = {names.USER_ID: users[:1], names.HISTORY_ITEM_ID: [items[:3]], names.TIMESTAMP: [time]}
        yield Case(signature, name, inputs, forbidden=[items[:3]])


def _two_stages(users: list[bytes], is_rated: bool) -> Iterator[Case]:
    signature, two = names.RECOMMEND, {names.USER_ID: users[:2], names.K: 2}
    for number in (-1, 0, 1, 2**31 - 1):
        yield Case(signature, f"{number} candidates", two | {names.N_CANDIDATES: number})
    for weight in (-1.0, 0.0, 1e6):
        yield Case(signature, f"weight {weight:g}", two | {names.RATING_WEIGHT: weight})
    if not is_rated:  # then the weight of ratings is ignored
        return
    for weight in (float("nan"), float("inf"), float("-inf"), 3e38):
        yield Case(signature, f"weight {weight:g}", two | {names.RATING_WEIGHT: weight}, is_refused=True)


def _similar(items: list[bytes], some_items: list[bytes]) -> Iterator[Case]:
    signature, others = names.SIMILAR_ITEMS, len(items) - 1
    inputs = {names.ITEM_ID: some_items, names.K: _K}
    yield Case(signature, "sampled items", inputs, min(_K, others), [[item] for item in some_items])
    # The request is for the last item, so that the first one can be excluded or allowed.
    yield from _of_lists(signature, {names.ITEM_ID: items[-1:]}, items, others)
    yield Case(signature, "empty batch", {names.ITEM_ID: []})
    for name, ids in (("unknown ids", UNKNOWN), ("invalid UTF-8", [INVALID_UTF8])):
        unknown = {names.IS_KNOWN: [False] * len(ids)}
        yield Case(signature, name, {names.ITEM_ID: ids, names.K: _K}, 0, expected=unknown)


def _of_lists(signature: str, one: dict[str, Any], items: list[bytes], num_left: int) -> Iterator[Case]:
    """Requests for one row, common to all signatures that return lists; `num_left` items may be shown."""
    yield Case(signature, "k = 0", {**one, names.K: 0}, 0)
    yield Case(signature, "k below 0", {**one, names.K: -1}, 0)
    beyond = {**one, names.K: len(items) + 3}
    yield Case(signature, "k above the catalogue", beyond, num_left)
    yield Case(signature, "k beyond measure", {**one, names.K: 2**31 - 1}, is_refused=True)
    yield Case(signature, "all items excluded", {**one, names.EXCLUDE: [items], names.K: _K}, 0)
    yield Case(signature, "all items denied", {**one, names.DENY: items, names.K: _K}, 0)
    yield Case(signature, "no such genre", {**one, names.GENRE: [b"no such genre", INVALID_UTF8], names.K: _K}, 0)
    if num_left < 2:
        return
    yield Case(signature, "one item excluded", beyond | {names.EXCLUDE: [items[:1]]}, num_left - 1, [items[:1]])
    only = {names.ITEM_ID: [[items[0]] + [b""] * (_K - 1)]}
    yield Case(signature, "one item allowed", {**one, names.ALLOW: items[:1], names.K: _K}, 1, expected=only)


def _of_embeddings(signature: str, key: str, known: list[bytes]) -> Iterator[Case]:
    for name, ids, is_known in (
        ("sampled ids", known, True),
        ("unknown ids", UNKNOWN, False),
        ("invalid UTF-8", [INVALID_UTF8], False),
        ("empty batch", [], True),
    ):
        yield Case(signature, name, {key: ids}, expected={names.IS_KNOWN: [is_known] * len(ids)})


def _on_device(user: bytes, seen: list[bytes], items: list[bytes]) -> Iterator[Case]:
    signature, few = names.RETRIEVE_ON_DEVICE, min(_K, len(items))
    yield Case(signature, "sampled user", {names.USER_ID: [user], names.K: _K}, forbidden=[seen])
    yield Case(signature, "k = 0", {names.USER_ID: [user], names.K: 0}, 0)
    newcomer = {names.USER_ID: UNKNOWN[1:2], names.K: len(items) + 3}
    yield Case(signature, "unknown id, k above the catalogue", newcomer, len(items))
    invalid = {names.USER_ID: [INVALID_UTF8], names.HISTORY_ITEM_ID: [INVALID_UTF8], names.K: _K}
    yield Case(signature, "invalid UTF-8", invalid, few)
    chosen = items[: max(1, min(500, len(items) // 2))]
    history = list(islice(cycle([*chosen, b"no such id"]), LONG_HISTORY))
    inputs = {names.USER_ID: UNKNOWN[:1], names.HISTORY_ITEM_ID: history}
    yield Case(signature, "very long history", inputs, forbidden=[chosen])


def _of_catalogue(items: list[bytes]) -> Iterator[Case]:
    number: dict[str, Any] = {names.NUM_ITEMS: len(items)}
    yield Case(names.LIST_ITEMS, "all", {}, expected=number)
    beyond = {names.BEGIN: len(items), names.END: len(items) + 3}
    yield Case(names.LIST_ITEMS, "beyond the last", beyond, expected=number | {names.ITEM_ID: [], names.TITLE: []})
    yield Case(names.LIST_USERS, "all", {})
    yield Case(names.LIST_USERS, "beyond the last", {names.BEGIN: 2**31 - 2}, expected={names.USER_ID: []})


def _with_history(user: bytes, items: list[bytes]) -> Iterator[Case]:
    inputs = {names.USER_ID: [user, UNKNOWN[0]], names.HISTORY_ITEM_ID: [items[:2], items[-2:]]}
    yield Case(names.EMBED_USERS, "history", inputs, expected={names.UNKNOWN_HISTORY: [0, 0]})


def _of_ratings(users: list[bytes], items: list[bytes]) -> Iterator[Case]:
    for name, ids in (
        ("sampled pairs", users),
        ("unknown ids", UNKNOWN),
        ("invalid UTF-8", [INVALID_UTF8]),
        ("empty batch", []),
    ):
        rated = list(islice(cycle(items), len(ids))) if name == "sampled pairs" else ids
        yield Case(names.RATE, name, {names.USER_ID: ids, names.ITEM_ID: rated})
        yield Case(names.RATE_ON_DEVICE, name, {names.USER_ID: ids, names.ITEM_ID: rated})
    unequal = {names.USER_ID: UNKNOWN, names.ITEM_ID: UNKNOWN[:1]}
    for signature in (names.RATE, names.RATE_ON_DEVICE):
        yield Case(signature, "more users than items", unequal, is_refused=True)
    two = {names.USER_ID: [*users[:1], UNKNOWN[1]]}
    for signature, asked in ((names.RATE, two | {names.ITEM_ID: [items[0], UNKNOWN[1]]}), (names.RECOMMEND, two)):
        for name, time in _TIMES:
            yield Case(signature, f"{name} for ratings", asked | {names.TIMESTAMP: [time] * 2})
            yield Case(signature, f"{name} with recent ratings", asked | _recent(items, time))


def _recent(items: list[bytes], time: int) -> dict[str, Any]:
    """Returns the inputs of two requests at a time, one with very many recent ratings, one with padding alone."""
    ids = list(islice(cycle([*items, INVALID_UTF8, b""]), _RECENT))
    times = list(islice(cycle([time, -(2**62), 2**62, 0]), _RECENT))
    return {
        names.TIMESTAMP: [time] * 2,
        names.RECENT_ITEM_ID: [ids, [b""] * _RECENT],
        names.RECENT_RATING: [list(islice(cycle([1.0, -1e30, 1e30, float("inf")]), _RECENT))] * 2,
        names.RECENT_TIMESTAMP: [times] * 2,
    }

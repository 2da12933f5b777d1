"""Which column is what."""

import pytest
from data_rows import data_settings

from recommender.sources.roles import Sample, find_roles
from schemas.errors import DataError

N = 240
USERS = [f"u{row % 9}" for row in range(N)]
ITEMS = [f"x{row % 13}" for row in range(N)]
RATINGS = [str(1 + row % 5) for row in range(N)]
TIMES = [str(1_600_000_000 + 1_000 * row) for row in range(N)]
EVENTS = [("view", "addtocart", "transaction")[row % 3] for row in range(N)]
PRICES = [f"{row}.99" for row in range(N)]
NUMBERS = [str(100 + row % 9) for row in range(N)], [str(5_000 + 7 * row) for row in range(N)]
COLUMNS = {
    "u": USERS,
    "i": ITEMS,
    "r": RATINGS,
    "t": TIMES,
    "e": EVENTS,
    "p": PRICES,
    "d": [f"2021-01-{1 + row % 28:02}" for row in range(N)],
    "T": [f"Title {row}" for row in range(N)],
    "n": [f"n{row}" for row in range(N)],
    "g": ["Drama|Comedy"] * N,
    "1": NUMBERS[0],
    "2": NUMBERS[1],
}


def sample(letters: str, *names: str) -> Sample:
    rows = [list(row) for row in zip(*(COLUMNS[letter] for letter in letters), strict=True)]
    return Sample("x.csv", names or None, rows)


def roles(letters: str, *names: str, **data) -> dict[str, int]:
    return find_roles(sample(letters, *names), data_settings(**data), "ratings").columns


PUBLIC = [
    ("uirt", "userId movieId rating timestamp"),
    ("uirt", "user_id item_id rating timestamp"),
    ("uir", "User-ID ISBN Book-Rating"),
    ("12r", "userID artistID weight"),
    ("teuip", "timestamp event visitorid itemid transactionid"),
    ("uirtt", "reviewerID asin overall unixReviewTime reviewTime"),
    ("uiprd", "ID_CLIENTE NOMBRE_EXPERIENCIA PRECIO CALIFICACION FECHA_INTERACCION"),
    ("deip2u", "event_time event_type product_id price category_id user_id"),
    ("idpu", "StockCode InvoiceDate UnitPrice CustomerID"),
]
EXPECTED = [
    {"user": 0, "item": 1, "rating": 2, "timestamp": 3},
    {"user": 0, "item": 1, "rating": 2, "timestamp": 3},
    {"user": 0, "item": 1, "rating": 2},
    {"user": 0, "item": 1, "rating": 2},
    {"user": 2, "item": 3, "timestamp": 0, "event": 1},
    {"user": 0, "item": 1, "rating": 2, "timestamp": 3},
    {"user": 0, "item": 1, "rating": 3, "timestamp": 4},
    {"user": 5, "item": 2, "timestamp": 0, "event": 1},
    {"user": 3, "item": 0, "timestamp": 1},
]


@pytest.mark.parametrize(("public", "expected"), list(zip(PUBLIC, EXPECTED, strict=True)))
def test_public_data_sets_are_recognised_by_their_names(public, expected):
    columns, names = public
    assert roles(columns, *names.split()) == expected


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("uirt", {"user": 0, "item": 1, "rating": 2, "timestamp": 3}),
        ("uitr", {"user": 0, "item": 1, "rating": 3, "timestamp": 2}),
        ("tui", {"user": 1, "item": 2, "timestamp": 0}),
        ("teui", {"user": 2, "item": 3, "timestamp": 0, "event": 1}),
        ("ui", {"user": 0, "item": 1}),
        ("12", {"user": 0, "item": 1}),
        ("12rt", {"user": 0, "item": 1, "rating": 2, "timestamp": 3}),
        ("uip", {"user": 0, "item": 1, "rating": 2}),
        ("uie", {"user": 0, "item": 1, "event": 2}),
        ("1rd", {"user": 0, "item": 1, "timestamp": 2}),
    ],
)
def test_without_a_header_user_and_item_come_first(columns, expected):
    assert roles(columns) == expected


@pytest.mark.parametrize("columns", ["ui2", "222", "ui2t"])
def test_without_a_header_three_columns_of_ids_are_undecided(columns):
    with pytest.raises(DataError) as error:
        roles(columns)
    message = str(error.value)
    assert "which column is the user and which the item?" in message
    assert "Set data.columns.user and data.columns.item. The first rows:" in message
    assert message.count("\n  ") == 3


def test_unknown_names_leave_the_order_and_say_so():
    found = find_roles(sample("uirt", "a", "b", "c", "d"), data_settings(), "ratings")
    assert (found.columns["user"], found.columns["item"], found.columns["timestamp"]) == (0, 1, 3)
    assert found.by_order and found.reasons["timestamp"] == "its values are times"
    assert not find_roles(sample("uirt"), data_settings(), "ratings").by_order


def test_one_known_id_leaves_the_other_column_for_the_other_id():
    assert roles("irut", "thing", "rating", "user_id", "timestamp")["item"] == 0


def test_names_without_such_content_are_not_believed():
    found = roles("uirt", "user_id", "item_id", "type", "timestamp")
    assert "event" not in found, "five numbers are no types of events"
    assert "rating" not in roles("uie", "user_id", "item_id", "value")


def test_a_usual_name_of_event_types_is_believed_in_a_short_file():
    types = ["view", "buy", "view"]
    short = Sample("x.csv", ("user", "item", "event"), [["a", "x", name] for name in types])
    assert find_roles(short, data_settings(), "ratings").columns["event"] == 2
    numbers = Sample("x.csv", ("user", "item", "event"), [["a", "x", name] for name in "123"])
    assert "event" not in find_roles(numbers, data_settings(), "ratings").columns


def test_weights_without_a_column_of_event_types_are_refused():
    with pytest.raises(DataError, match=r"no column of event types was found for the weights in data\.events; set "):
        roles("uit", "user", "item", "date", events={"view": 1})
    with pytest.raises(DataError, match=r"data\.columns\.event"):
        roles("uie", "user", "item", "event", events={"view": 1}, columns={"event": ""})


def test_two_columns_of_one_meaning_are_undecided():
    with pytest.raises(DataError, match=r"two columns are called 'user_id'; rename one, or set data\.columns\.user to"):
        roles("uui", "user_id", "user_id", "item_id")
    assert roles("uui", "user_id", "user_id", "item_id", columns={"user": 2}) == {"user": 1, "item": 2}
    with pytest.raises(DataError, match=r"the user may be 'userId' or 'user_id'; set data\.columns\.user"):
        roles("uui", "userId", "user_id", "item_id")


def test_settings_stand_above_names():
    columns: dict[str, str | int] = {"user": "b", "item": "user_id", "rating": "", "timestamp": 4}
    assert roles("uird", "user_id", "b", "rating", "when", columns=columns) == {"user": 1, "item": 0, "timestamp": 3}


@pytest.mark.parametrize(
    ("names", "columns", "words"),
    [
        (
            ["user", "item"],
            {"user": "who"},
            r"no column 'who'; the header has: 'user', 'item'. Set data\.columns\.user",
        ),
        (["user", "item"], {"user": 3}, r"data\.columns\.user is 3, and there are 2 columns"),
        ([], {"user": "who"}, r"the file has no header; give the column's number, from 1"),
        (["user", "item"], {"user": "user", "item": 1}, "column 1 is given for user and for item"),
        (["who", "who"], {"user": "who"}, "two columns are called 'who'"),
    ],
)
def test_settings_that_do_not_fit_are_refused(names, columns, words):
    with pytest.raises(DataError, match=words):
        roles("ui", *names, columns=columns)


def items(letters: str, *names: str, item_name: str | None = None, **data) -> dict[str, int]:
    return find_roles(sample(letters, *names), data_settings(**data), "items", item_name).columns


def test_items_are_recognised_by_names_and_by_the_ratings_name():
    assert items("nTg", "movieId", "title", "genres") == {"item": 0, "title": 1, "genres": 2}
    assert items("Tng", "name", "id_articulo", "categoria") == {"item": 1, "title": 0, "genres": 2}
    assert items("Tng", "name", "code_x", "genres", item_name="code_x") == {"item": 1, "title": 0, "genres": 2}
    assert items("nTg") == {"item": 0, "title": 1, "genres": 2}
    assert items("nTg", "movieId", "title", "genres", item_columns={"genres": "", "title": ""}) == {"item": 0}


def test_items_without_a_column_of_ids_are_refused():
    with pytest.raises(DataError, match=r"no column of the item's id was found; set data\.item_columns\.item"):
        items("ui", "a", "b")

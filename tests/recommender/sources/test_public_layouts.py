"""Small files in the layouts of public data sets that are easily misread."""

import pytest

from recommender.sources.inference import infer
from schemas.errors import DataError
from schemas.settings import DataSettings


def columns(tmp_path, rows, table="ratings", item_name=None):
    """Returns the column of each role, numbered from 1 or named, of a file of these rows."""
    path = tmp_path / "data"
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    layout = infer([str(path)], DataSettings(folder=tmp_path), table, item_name).layouts[0]
    return {role: layout.column(role) for role in layout.columns}


def test_places_of_check_ins_are_items_and_coordinates_are_no_ratings(tmp_path):
    rows = [f"{n % 7}\t2010-10-{n % 28 + 1:02}T23:55:27Z\t30.23{n:04}\t-97.79{n:04}\t{n % 12 + 22000}"
            for n in range(200)]  # fmt: skip
    assert columns(tmp_path, rows) == {"user": 1, "item": 5, "timestamp": 2}


def test_an_empty_last_column_is_no_event_type(tmp_path):
    rows = [f"{n % 7} {n % 12} {n % 5 + 1} " for n in range(60)]
    assert columns(tmp_path, rows) == {"user": 1, "item": 2, "rating": 3}


def test_long_numbers_before_the_times_are_ids(tmp_path):
    rows = [f"10017{n % 7:05},11017{n % 12:05},{n % 5 + 1}.0,14{n:08}" for n in range(60)]
    assert columns(tmp_path, rows) == {"user": 1, "item": 2, "rating": 3, "timestamp": 4}


def test_amazons_ratings_of_2018_begin_with_the_item(tmp_path):
    rows = [f"00017133{n % 12:02},A1C6M8LCIX{n % 7}M6M,{n % 5 + 1}.0,14{n:08}" for n in range(60)]
    assert columns(tmp_path, rows) == {"user": 2, "item": 1, "rating": 3, "timestamp": 4}


def test_a_matrix_of_ratings_is_refused_in_short_lines(tmp_path):
    rows = [",".join([str(n), *(f"{(n * m) % 19 - 9}.{n % 97:02}" for m in range(1, 100))]) for n in range(150)]
    with pytest.raises(DataError, match="which column is the user and which the item") as error:
        columns(tmp_path, rows)
    assert len(str(error.value)) < 2000


def test_line_breaks_within_fields_are_not_shown(tmp_path):
    rows = ["a,b,c", *(f'k{n},"q{n}\n\nand more",w{n}' for n in range(60))]
    with pytest.raises(DataError) as error:
        columns(tmp_path, rows)
    assert str(error.value).count("\n") == 4


def test_an_items_file_may_call_its_ids_id(tmp_path):
    rows = ["id\tname\turl", *(f"{n}\tArtist {n}\thttp://x/{n}" for n in range(9))]
    assert columns(tmp_path, rows, "items", "artistID") == {"item": "id", "title": "name"}


def test_double_colons_count_more_than_bars_between_genres(tmp_path):
    rows = [f"{n}::Title {n} (1995)::Animation|Children's|Comedy|Drama" for n in range(9)]
    assert columns(tmp_path, rows, "items") == {"item": 1, "title": 2, "genres": 3}


def test_commas_count_more_than_bars_between_genres(tmp_path):
    rows = [f"{n},Title {n} (1995),Animation|Children's|Comedy" for n in range(9)]
    assert columns(tmp_path, rows, "items") == {"item": 1, "title": 2, "genres": 3}


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("CustID,MovieID,Rating,Date", {"user": "CustID", "item": "MovieID", "rating": "Rating", "timestamp": "Date"}),
        ("user_id,song_title,rating,listened_at",
         {"user": "user_id", "item": "song_title", "rating": "rating", "timestamp": "listened_at"}),
        ("user_id,foo,rating,time", {"user": "user_id", "item": "foo", "rating": "rating", "timestamp": "time"}),
        ("id_cliente,producto,puntos,fecha",
         {"user": "id_cliente", "item": "producto", "rating": "puntos", "timestamp": "fecha"}),
    ],
)  # fmt: skip
def test_columns_are_found_by_name_or_by_elimination(tmp_path, header, found):
    rows = [f"{n % 7 + 100},{n % 12},{n % 5 + 1},2021-03-{n % 28 + 1:02}" for n in range(60)]
    assert columns(tmp_path, [header, *rows]) == found


def test_a_date_of_birth_is_no_time_of_an_event(tmp_path):
    rows = [f"{n % 7},{n % 12},{n % 5 + 1},19{n % 40 + 50}-03-04,2021-03-{n % 28 + 1:02}" for n in range(60)]
    found = columns(tmp_path, ["customer_id,product_id,stars,birth_date,purchase_day_date", *rows])
    assert found["timestamp"] == "purchase_day_date"

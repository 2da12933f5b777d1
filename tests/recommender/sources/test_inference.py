"""How files are read, and what cannot be decided."""

import pyarrow as pa
import pyarrow.parquet
import pytest
from data_rows import data_settings, inferred, layout_of, rows_of, written

from recommender.sources.inference import infer
from schemas.errors import DataError

HEADER = "user_id,item_id,rating,timestamp\n"
ROWS = "".join(f"u{n % 5},x{n % 7},{n % 5},{1_600_000_000 + n}\n" for n in range(30))


def dated(*dates: str) -> str:
    return "user,item,date\n" + "".join(f"u{n % 5},x{n % 7},{text}\n" for n, text in enumerate(dates))


def test_what_is_found_in_a_plain_file(tmp_path):
    found = inferred(written(tmp_path, HEADER + ROWS))
    [layout] = found.layouts
    assert (layout.format, layout.compression, layout.encoding, layout.dialect.delimiter) == (
        "csv",
        None,
        "utf-8",
        b",",
    )
    assert (layout.decimal, layout.timestamp_format, layout.counts) == (".", "unix", False)
    assert layout.columns == {"user": 0, "item": 1, "rating": 2, "timestamp": 3}
    assert (layout.start, layout.line) == (len(HEADER), 2)
    assert found.reasons["user"] == "by its name" and found.item_name == "item_id"
    assert not found.by_order and found.empty == found.rounded == {}


def test_columns_are_named_or_numbered_from_1(tmp_path):
    assert layout_of(written(tmp_path, HEADER + ROWS)).column("item") == "item_id"
    headless = inferred(written(tmp_path, ROWS))
    assert headless.layouts[0].column("item") == 2 and headless.item_name is None


def test_files_are_named_without_their_folder(tmp_path):
    path = written(tmp_path, HEADER + ROWS, "part 1/ratings.csv")
    [layout] = infer([path], data_settings(), "ratings", base=str(tmp_path)).layouts
    assert layout.file == "part 1/ratings.csv"


def test_settings_stand_above_what_would_be_found(tmp_path):
    path = written(tmp_path, "user;item;score;when\na;x;1,5;20210113\nb;y;2;20210114\n")
    data = {
        "encoding": "latin-1",
        "delimiter": ";",
        "header": False,
        "decimal": ".",
        "timestamp_format": "unix",
        "columns": {"user": 2, "item": 1, "rating": 3, "timestamp": 4},
    }
    layout = layout_of(path, **data)
    assert (layout.encoding, layout.header, layout.decimal) == ("iso8859-1", None, ".")
    assert (layout.timestamp_format, layout.line) == ("unix", 1)
    assert layout.columns == {"user": 1, "item": 0, "rating": 2, "timestamp": 3}


def test_parts_without_rows_are_named_and_the_others_read(tmp_path):
    contents = {"a": HEADER + ROWS, "b": "", "c": HEADER, "d": "# no rows\n"}
    paths = [written(tmp_path, text, f"{name}.csv") for name, text in contents.items()]
    found = inferred(paths)
    assert [layout.path for layout in found.layouts] == paths[:1]
    assert found.empty == {
        paths[1]: "the file is empty; expected a table of events or items",
        paths[2]: "a header and no rows",
        paths[3]: "no rows",
    }
    with pytest.raises(DataError, match=r"b\.csv: the file is empty.*\n.*c\.csv: a header and no rows; expected at"):
        inferred(paths[1:3])


def test_parts_may_be_written_differently(tmp_path):
    one = written(tmp_path, HEADER + ROWS, "1.csv")
    two = written(tmp_path, "timestamp;rating;item_id;user_id\n1600000000;4;é;a\n".encode("latin-1"), "2.csv")
    _, second = inferred([one, two]).layouts
    assert second.columns == {"user": 3, "item": 2, "rating": 1, "timestamp": 0}
    assert (second.dialect.delimiter, second.encoding) == (b";", "iso8859-1")


def test_parts_need_the_same_roles(tmp_path):
    paths = [written(tmp_path, HEADER + ROWS, "1.csv"), written(tmp_path, "user_id,item_id\na,x\n", "2.csv")]
    with pytest.raises(DataError, match=r"2\.csv: has the columns user, item, and .*1\.csv has user, item, rating"):
        inferred(paths)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            dated("01/02/2021", "03/04/2021", "05/06/2021"),
            r"column 'date': day or month first\? '01/02/2021' may be %d/%m/%Y \(day first\) or "
            r"%m/%d/%Y \(month first\).*set data\.timestamp_format to one of them",
        ),
        (
            dated("soon", "later", "now").replace("date", "timestamp"),
            r"format of the times was not recognised; set data\.timestamp_format",
        ),
        ("user,item,rating\na,x,good\nb,y,bad\n", "column 'rating': no value is a number; expected ratings"),
        ('user,item,rating\na,x,"1,234"\nb,y,"2,345"\n', r"a comma may be a decimal mark .*; set data\.decimal to"),
    ],
)
def test_what_the_data_leave_open_is_refused_with_three_rows(tmp_path, content, words):
    path = written(tmp_path, content)
    with pytest.raises(DataError, match=words) as error:
        inferred(path)
    assert str(error.value).startswith(f"{path}: ")
    shown = str(error.value).partition("The first rows:\n")[2].splitlines()
    assert 2 <= len(shown) <= 3 and all(line.startswith("  a | x") or " | " in line for line in shown)


def test_a_day_beyond_the_sample_decides(tmp_path):
    path = written(tmp_path, dated(*["01/02/2021"] * 2_500, "03/04/2021", "25/02/2021"))
    assert layout_of(path).timestamp_format == "%d/%m/%Y"


def test_a_column_may_be_empty_in_the_sample(tmp_path):
    names, rows = "user_id,item_id,rating,timestamp\n", "a,x,,\n" * 2_500
    layout = layout_of(written(tmp_path, f"{names}{rows}b,y,4;5,2021-01-13\n".replace(",", "|").replace(";", ",")))
    assert (layout.decimal, layout.timestamp_format) == (",", "iso8601")
    layout = layout_of(written(tmp_path, f"{names}{rows}"))
    assert (layout.decimal, layout.timestamp_format) == (".", "unix"), "its rows are rejected, one by one"


def test_a_decimal_beyond_the_sample_decides(tmp_path):
    rows = 'a,x,"1,234"\n' * 2_500
    assert layout_of(written(tmp_path, f"user,item,rating\n{rows}b,y,2.5\n")).decimal == "."
    assert layout_of(written(tmp_path, f'user,item,rating\n{rows}b,y,"2,5"\n')).decimal == ","


@pytest.mark.parametrize(
    ("header", "counts"),
    [("user,artist,plays", True), ("user,artist,Play_Count", True), ("user,artist,rating", False)],
)
def test_a_column_named_like_counts_holds_counts(tmp_path, header, counts):
    path = written(tmp_path, f"{header}\na,x,3\nb,y,4\n")
    assert layout_of(path).counts == counts
    assert layout_of(path, rating_means="count").counts and not layout_of(path, rating_means="rating").counts


def test_small_numbers_in_a_column_of_times_are_an_order(tmp_path):
    path = written(tmp_path, "user,item,timestamp\n" + "".join(f"u{n},x,{n}\n" for n in range(20)))
    assert layout_of(path).timestamp_format == "unix"
    assert rows_of(path, "timestamp")[5] == (5,)


def test_rounded_times_are_noticed(tmp_path):
    rows = "".join(f"u{n % 5},x{n},8.{80 + n % 9}E+08\n" for n in range(20))
    found = inferred(written(tmp_path, "user,item,timestamp\n" + rows))
    assert found.layouts[0].timestamp_format == "unix" and list(found.rounded.values()) == ["8.80E+08"]


@pytest.mark.parametrize("encoding", ["utf-8", "auto"])
def test_a_header_that_is_not_of_the_encoding_is_refused(tmp_path, encoding):
    path = written(tmp_path, "usuario,título,calificación\na,x,4\nb,y,5\n".encode("latin-1"))
    if encoding == "auto":
        assert layout_of(path).encoding == "iso8859-1"
        return
    with pytest.raises(DataError, match=r"the header is not UTF-8: 'usuario, t.*; set data\.encoding to the file's"):
        inferred(path, encoding=encoding)


def test_the_item_of_an_items_file_may_have_the_ratings_name(tmp_path):
    path = written(tmp_path, "code_x;title\n1;One\n2;Two\n", "items.csv")
    assert infer([path], data_settings(), "items", "code_x").layouts[0].columns == {"item": 0, "title": 1}


def test_parquet_needs_no_delimiter(tmp_path):
    path = str(tmp_path / "x")
    pyarrow.parquet.write_table(pa.table({"ts": [1_600_000_000_000], "userId": [7], "movieId": ["a"]}), path)
    layout = layout_of(path)
    assert (layout.format, layout.header) == ("parquet", ("ts", "userId", "movieId"))
    assert layout.columns == {"user": 1, "item": 2, "timestamp": 0} and layout.timestamp_format == "unix_ms"


def test_a_header_of_200_kb_is_an_error_of_a_few_lines(tmp_path):
    path = written(tmp_path, ",".join(["x" * 200_000, "y"]) + "\na,1\nb,2\n")
    with pytest.raises(DataError) as error:
        inferred(path)
    assert len(str(error.value)) < 2_000 and str(error.value).count("\n") < 10


def test_times_and_decimals_are_found_for_each_file(tmp_path):
    first = written(tmp_path, "user;item;rating;time\na;x;4,5;1600000000\nb;y;3;1600000060\n", "1.csv")
    second = written(tmp_path, "user;item;rating;time\na;y;4.5;2021-01-02\n", "2.csv")
    found = inferred([first, second]).layouts
    assert [(layout.decimal, layout.timestamp_format) for layout in found] == [(",", "unix"), (".", "iso8601")]


def test_a_file_that_leaves_the_day_open_is_read_like_the_others(tmp_path):
    first = written(tmp_path, "user,item,date\na,x,01/02/2021\n", "1.csv")
    second = written(tmp_path, "user,item,date\na,y,13/02/2021\n", "2.csv")
    assert {layout.timestamp_format for layout in inferred([first, second]).layouts} == {"%d/%m/%Y"}

"""Files in blocks: every row once, under its line, whatever the size of the blocks and whatever is wrong with a row."""

import csv
import gzip
import io
import json
import random
import re

import pytest
from data_rows import data_settings, inferred, layout_of, parts_of, rows_of, written

from recommender.sources import blocks, pieces
from recommender.sources.blocks import num_pieces, plan_blocks, read_block, read_file
from recommender.sources.rows import Parsed
from schemas.errors import DataError

HEADER = "user_id,item_id,rating,timestamp\n"


def log(num_rows: int, seed: int = 0) -> str:
    """Rows of a CSV file, with quotes, commas and line ends in some ids."""
    chooser = random.Random(seed)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in range(num_rows):
        item = "".join(chooser.choices('ab", ', k=5)).strip() or "x"
        writer.writerow([f"u{row}", item + chooser.choice(["", "", "\nb"]), row % 5, 1_600_000_000 + row])
    return text.getvalue()


def lines_of(parts: list[Parsed]) -> list[int]:
    """The lines of all rows, usable or not, ascending."""
    accepted = [line for part in parts for line in part.table["line"].to_pylist()]
    return sorted(accepted + [reject.line for part in parts for reject in part.rejects])


@pytest.mark.parametrize("size", [1, 100, 500, 1 << 20])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_blocks_cover_the_rows_whatever_their_size(tmp_path, size, encoding):
    text = HEADER + "é,x,4,1600000000\n" * (encoding == "latin-1") + log(120)
    path = written(tmp_path, text.encode(encoding))
    layout, data = layout_of(path), data_settings()
    planned = plan_blocks(layout, size)
    assert len(planned) == 1 if size > 10_000 else len(planned) > 5
    parts = [part for block in planned for part in read_block(block, data)]
    whole = list(read_file(layout, data))
    assert [row for part in parts for row in part.table.to_pylist()] == whole[0].table.to_pylist()
    assert [reject for part in parts for reject in part.rejects] == whole[0].rejects
    rows = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert len(lines_of(parts)) == len(rows)
    assert sum(len(part.table) for part in parts) == sum("\n" not in row[1] for row in rows)


@pytest.mark.parametrize("kind", ["gzip", "utf-16"])
def test_what_cannot_be_read_from_the_middle_is_one_block_and_many_pieces(tmp_path, monkeypatch, kind):
    text = HEADER + log(300)
    path = written(tmp_path, gzip.compress(text.encode()) if kind == "gzip" else text.encode("utf-16"))
    layout, data = layout_of(path), data_settings()
    assert len(plan_blocks(layout, 100)) == 1
    [whole] = read_file(layout, data)
    monkeypatch.setattr(pieces.pieces, "__defaults__", (500,))
    monkeypatch.setattr(blocks, "PIECE_BYTES", 500)
    parts = list(read_file(layout, data))
    assert len(parts) > 5
    assert [row for part in parts for row in part.table.to_pylist()] == whole.table.to_pylist()
    assert [reject for part in parts for reject in part.rejects] == whole.rejects


def test_blocks_of_json_lines_end_at_lines(tmp_path):
    rows = [{"user": f"u{n}", "item": 'a "}', "rating": n % 5} for n in range(100)]
    path = written(tmp_path, "".join(json.dumps(row) + "\r\n" for row in rows))
    layout, data = layout_of(path), data_settings()
    parts = [part for block in plan_blocks(layout, 200) for part in read_block(block, data)]
    assert len(parts) > 10 and lines_of(parts) == list(range(1, 101))


def test_the_number_of_pieces_grows_with_the_file(tmp_path, monkeypatch):
    layout = layout_of(written(tmp_path, HEADER + log(300)))
    assert num_pieces(layout) == 1
    monkeypatch.setattr(blocks, "PIECE_BYTES", 1_000)
    assert num_pieces(layout) == 1 + (tmp_path / "ratings.csv").stat().st_size // 1_000


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_preamble_is_skipped_and_lines_are_those_of_the_file(tmp_path, end):
    lines = ["sep=;", "# a comment", "", "user;item;rating", "a;x;4", "", "b;y;3", "c;z", "# the end", ""]
    path = written(tmp_path, end.join(lines).encode("utf-8-sig"))
    assert lines_of(parts_of(path)) == [5, 7, 8]


def test_mixed_line_ends_and_nul_bytes_lose_no_row(tmp_path):
    path = written(tmp_path, b"user,item,rating\r\na,x,4\rb,y,3\n" + b"\0" * 50 + b"\nc,z,5\r\n")
    [part] = parts_of(path)
    assert part.table["line"].to_pylist() == [2, 3, 5] and part.rejects == []
    assert [(note.code, note.line) for note in part.notes] == [("nul-bytes", 4)]


def test_two_stray_quotes_that_join_rows_are_noticed_and_the_rows_read_apart(tmp_path):
    rows = [f"u{n},x{n},3,16000000{n:02}\n" for n in range(20)]
    rows[4], rows[15] = 'u4,"x4,3,1600000004\n', 'u15,x15",3,1600000015\n'
    path = written(tmp_path, "user,item,rating,timestamp\n" + "".join(rows))
    assert [user for (user,) in rows_of(path, "user")] == [f"u{n}" for n in range(20)]
    assert rows_of(path, "item")[4] == ('"x4',)


def test_a_row_that_is_too_long_is_rejected(tmp_path):
    path = written(tmp_path, HEADER + "a,x,4,1600000000\n" + "b" * (2 << 20) + ",x,4,1600000000\nc,x,4,1600000000\n")
    [part] = parts_of(path)
    assert part.reasons == {"the row is longer than 1 MiB": 1}
    assert part.table["line"].to_pylist() == [2, 4] and len(part.rejects[0].content) == 200


def mutated(content: bytes, chooser: random.Random) -> tuple[bytes, set[bytes]]:
    """Content with a few bytes inserted, deleted or changed, and its lines that are not near any of them."""
    untouched = set(content.splitlines())
    for _ in range(chooser.randint(1, 5)):
        place = chooser.randrange(len(content))
        untouched -= {
            line[0] for line in re.finditer(rb"[^\r\n]+", content) if line.start() - 2 <= place <= line.end() + 2
        }
        kind = chooser.choice(["insert", "delete", "change"])
        inserted = (
            b"" if kind == "delete" else bytes(chooser.choices(b'",;\n\r\0\\# \xff\xc3x1', k=chooser.randint(1, 3)))
        )
        content = content[:place] + inserted + content[place + (kind != "insert") :]
    return content, untouched


def line_numbers(content: bytes) -> dict[bytes, int]:
    return {text: number for number, text in enumerate(re.split(rb"\r\n|\n|\r", content), start=1)}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("quoted", [False, True])
def test_damage_to_some_rows_costs_no_other_row(tmp_path, end, quoted):
    chooser = random.Random(7)
    item = '"Title {0}, The ""best"""' if quoted else "x{0}"
    rows = [f"u{row},{item.format(row)},{row % 5 + 1},{1_600_000_000 + row}" for row in range(25)]
    original = end.join(["user_id,item_id,rating,timestamp", *rows, ""]).encode()
    header = original.splitlines()[0]
    refused = 0
    for trial in range(80):
        content, untouched = mutated(original, chooser)
        try:
            parts = parts_of(written(tmp_path, content))
        except DataError:
            refused += 1
            continue
        numbers, found = line_numbers(content), lines_of(parts)
        kept = {numbers[line] for line in untouched - {header}}
        assert len(found) == len(set(found)) and kept <= set(found), (trial, content)
        if header in untouched:
            assert kept <= {line for part in parts for line in part.table["line"].to_pylist()}, (trial, content)
    assert refused < 8


def test_columns_beyond_the_usual_width_are_not_looked_at(tmp_path):
    path = written(tmp_path, "a1,x1,5\n" + "a2,x2\na3,x3\n" * 4)
    [part] = parts_of(path)
    assert "rating" not in layout_of(path).columns and len(part.table) == 8
    assert part.reasons == {"wrong number of fields: expected 2, got 3": 1}


def test_a_file_of_random_bytes_is_refused_or_read(tmp_path):
    chooser = random.Random(3)
    signs = [b"a", b"1", b",", b'"', b"\n", b"\r", b"\0", b"\xff", b"\\", b";", b"{", b"}", b" ", b"#", b"::", b"."]
    for _ in range(150):
        path = written(tmp_path, b"".join(chooser.choices(signs, k=chooser.randint(1, 80))))
        for table in ("ratings", "items"):
            try:
                for layout in inferred(path, table).layouts:
                    list(read_file(layout, data_settings()))
            except DataError as error:
                assert str(error).startswith(path)

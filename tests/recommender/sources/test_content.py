"""What a file is by its first bytes, whatever its name."""

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from data_rows import written

from recommender.sources.content import EmptyFileError, decompressed, look, opened, read_exactly
from schemas.errors import DataError

TEXT = b"user,item\n" + b"".join(b"u%d,i%d\n" % (row, row % 7) for row in range(1_000))


def zstandard(content: bytes) -> bytes:
    return pa.Codec("zstd").compress(content, asbytes=True)


def read_all(path: str, size: int = 100) -> bytes:
    with opened(path) as stream:
        read = decompressed(stream, look(path).compression, path)
        return b"".join(iter(lambda: read(size), b""))


def archive(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name in names:
            file.writestr(name, "x")
    return stream.getvalue()


def parquet() -> bytes:
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"user": ["a"], "item": ["x"]}), stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (TEXT, ("csv", None)),
        (gzip.compress(TEXT), ("csv", "gzip")),
        (zstandard(TEXT), ("csv", "zstd")),
        (b'\xef\xbb\xbf\n {"user": 1}\n', ("jsonl", None)),
        (gzip.compress(b'{"user": 1}\n'), ("jsonl", "gzip")),
        (parquet(), ("parquet", None)),
    ],
    ids=["csv", "csv-gzip", "csv-zstd", "json", "json-gzip", "parquet"],
)
def test_the_content_decides(tmp_path, content, kind):
    found = look(written(tmp_path, content, "data.bin"))
    assert (found.format, found.compression) == kind


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (archive("xl/workbook.xml"), "an Excel workbook; save the sheet as CSV"),
        (archive("a.csv", "b.csv"), r"a zip archive \(a.csv, b.csv\); unzip it first"),
        (b"PK\x03\x04 damaged", "a zip archive; unzip it first"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"an Excel workbook \(.xls\)"),
        (b"<!DOCTYPE html>\n<html>", r"a web page \(HTML\).* Download the file again"),
        (b"version https://git-lfs.github.com/spec/v1\noid x", "a Git LFS pointer, not the data; run `git lfs pull`"),
        (bz2.compress(TEXT), "compressed with bzip2; decompress it"),
        (lzma.compress(TEXT), "compressed with xz; decompress it"),
        (b'[{"user": 1},\n', "a JSON array; expected JSON lines"),
        (b"SQLite format 3\x00", "an SQLite database; export"),
        (gzip.compress(parquet()), "a compressed Parquet file; decompress it"),
    ],
    ids=["xlsx", "zip", "zip-damaged", "xls", "html", "lfs", "bzip2", "xz", "json-array", "sqlite", "parquet-gzip"],
)
def test_what_is_not_read_is_named_with_what_to_do(tmp_path, content, words):
    with pytest.raises(DataError, match=words) as error:
        look(written(tmp_path, content))
    assert str(error.value).startswith(f"{tmp_path}/ratings.csv: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_an_error_by_itself(tmp_path, content):
    with pytest.raises(EmptyFileError, match="the file is empty"):
        look(written(tmp_path, content))


def test_what_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(DataError, match="absent: cannot be read: No such file"):
        look(str(tmp_path / "absent"))
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        look(str(tmp_path))


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(TEXT),
        gzip.compress(TEXT[:500]) + gzip.compress(b"", mtime=0) + gzip.compress(TEXT[500:]),
        gzip.compress(TEXT) + b"\0" * 512,
        zstandard(TEXT),
        TEXT,
    ],
    ids=["gzip", "members", "padded", "zstandard", "plain"],
)
@pytest.mark.parametrize("size", [100, 1 << 20])
def test_bytes_come_without_compression(tmp_path, content, size):
    assert read_all(written(tmp_path, content), size) == TEXT


@pytest.mark.parametrize("cut", [1, 4, 8, 30])
def test_a_gzip_file_that_is_cut_short_is_refused(tmp_path, cut):
    with pytest.raises(DataError, match=r"the gzip file is damaged; .*cut short, and rows are missing"):
        read_all(written(tmp_path, gzip.compress(TEXT)[:-cut]))
    with pytest.raises(DataError, match="cut short"):
        read_all(written(tmp_path, gzip.compress(TEXT) + gzip.compress(TEXT)[:-cut]))


def test_damaged_compression_is_refused(tmp_path: Path):
    content = bytearray(gzip.compress(TEXT))
    content[len(content) // 2] ^= 0xFF
    with pytest.raises(DataError, match="is damaged; get it again"):
        read_all(written(tmp_path, bytes(content)))


def test_a_zstandard_file_that_is_cut_short_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="the zstandard file is damaged"):
        read_all(written(tmp_path, zstandard(TEXT)[:-30]))


def test_exactly_as_many_bytes_as_asked_for_are_read():
    read = io.BytesIO(b"abcdef").read
    assert read_exactly(lambda size: read(min(size, 2)), 5) == b"abcde"
    assert read_exactly(read, 5) == b"f"


def test_text_that_begins_like_another_format_is_text(tmp_path):
    for content in (b"ORCID,item\n1,2\n", b"BZh;x\n", b"{3F2504E0-4F89},x\n"):
        assert look(written(tmp_path, content)).format == "csv"

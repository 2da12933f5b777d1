"""What a file is by its first bytes, and its bytes without compression."""

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Literal, NamedTuple

import pyarrow as pa

from recommender.sources.files import open_file
from schemas.errors import DataError

Format = Literal["csv", "parquet", "jsonl"]
Compression = Literal["gzip", "zstd"]

HEAD_BYTES = 1 << 20
_MAGIC: dict[bytes, Compression] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_PARQUET = b"PAR1"
_ZIP = b"PK\x03\x04"
_REFUSED = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an Excel workbook (.xls); save the sheet as CSV",
    b"\xfd7zXZ\x00": "compressed with xz; decompress it with unxz",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; extract it first",
    b"SQLite format 3\x00": "an SQLite database; export the table as CSV",
    b"%PDF-": "a PDF document; export the data as CSV",
    b"Obj\x01": "an Avro file; convert it to Parquet",
    b"ARROW1": "an Arrow file; convert it to Parquet",
    b"version https://git-lfs": "a Git LFS pointer, not the data; run `git lfs pull`",
}
_REFUSED_IF_BINARY = {
    b"BZh": "compressed with bzip2; decompress it with bunzip2",
    b"Rar!": "a RAR archive; extract it first",
    b"ORC": "an ORC file; convert it to Parquet",
}
"""Text may begin with these, too, such as a header whose first column is called ORCID."""
_MARKUP = (b"<!doctype html", b"<html", b"<head", b"<?xml")


_JSON_OBJECT = re.compile(rb"\{\s*[\"}]")


class Content(NamedTuple):
    """What a file holds. compression: of the file, or None. head: its first bytes without compression."""

    format: Format
    compression: Compression | None
    head: bytes


def look(path: str) -> Content:
    """Reads the head of a file.

    Raises:
      DataError: the file cannot be read, is empty, or is something that is not read here; the message names what it is
        and what to do.
    """
    with opened(path) as stream:
        magic = stream.read(16)
        if not magic:
            raise EmptyFileError(f"{path}: the file is empty; expected a table of events or items")
        compression = next((name for start, name in _MAGIC.items() if magic.startswith(start)), None)
        stream.seek(0)
        if magic.startswith(_ZIP):
            raise DataError(f"{path}: {_archive(stream)}")
        head = read_exactly(decompressed(stream, compression, path), HEAD_BYTES)
    is_binary = any(byte < 9 for byte in head[:64])
    for start, what in (_REFUSED | (_REFUSED_IF_BINARY if is_binary else {})).items():
        if head.startswith(start):
            raise DataError(f"{path}: {what}")
    if head[257:262] == b"ustar":
        raise DataError(f"{path}: a tar archive; extract it first, and give the file inside")
    if head.startswith(_PARQUET):
        if compression:
            raise DataError(f"{path}: a compressed Parquet file; decompress it, since Parquet is compressed inside")
        return Content("parquet", None, head)
    # Marks and zero bytes of any encoding are passed over.
    text = head[:1024].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if text[:16].lower().startswith(_MARKUP):
        raise DataError(f"{path}: a web page (HTML), not the data; it may be a sign-in page. Download the file again")
    if text.startswith(b"[") and text[1:].lstrip()[:1] == b"{":
        raise DataError(f"{path}: a JSON array; expected JSON lines, one object a line: `jq -c '.[]'` writes them")
    if not head:
        raise EmptyFileError(f"{path}: the file is empty; expected a table of events or items")
    if len(head) == HEAD_BYTES and head.count(b"\n") + head.count(b"\r") < 2:
        raise DataError(
            f"{path}: no row ends within the first {HEAD_BYTES >> 20} MiB after the header; expected a table with a "
            f"row on each line, got {text[:40].decode(errors='replace')!r}"
        )
    return Content("jsonl" if _JSON_OBJECT.match(text) else "csv", compression, head)


class EmptyFileError(DataError):
    """A file without bytes."""


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """Opens a file; an error of the operating system becomes a DataError."""
    try:
        with open_file(path) as stream:
            yield stream
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{path}: cannot be read: {reason}; give the path of an existing file") from error


def decompressed(stream: BinaryIO, compression: Compression | None, path: str) -> Callable[[int], bytes]:
    """Returns a function that reads at most a number of bytes without compression; b"" at the end.

    The function raises DataError if the compressed data are damaged or cut short.
    """
    if compression is None:
        return stream.read
    if compression == "gzip":
        return _read_gzip(stream, path)
    return _read_zstandard(stream, path)


def read_exactly(read: Callable[[int], bytes], size: int) -> bytes:
    """Reads `size` bytes, fewer only at the end."""
    parts = []
    while size and (part := read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _read_zstandard(stream: BinaryIO, path: str) -> Callable[[int], bytes]:
    inner = pa.input_stream(stream, compression="zstd")

    def read(size: int) -> bytes:
        try:
            return inner.read(size)
        except OSError as error:
            raise DataError(f"{path}: {_damaged('zstandard')}: {error}") from error

    return read


def _read_gzip(stream: BinaryIO, path: str) -> Callable[[int], bytes]:
    members = _gzip_members(stream, path)
    rest = b""

    def read(size: int) -> bytes:
        nonlocal rest
        if not rest:
            rest = next(members, b"")
        part, rest = rest[:size], rest[size:]
        return part

    return read


def _gzip_members(stream: BinaryIO, path: str) -> Iterator[bytes]:
    """Yields pieces of all members, as Python's gzip does not say where a file is cut short."""
    inflate = zlib.decompressobj(wbits=31)
    started = False
    pending = b""
    while pending or (pending := stream.read(1 << 18)):
        if not started and not pending.strip(b"\0"):
            pending = b""
            continue
        started = True
        try:
            piece = inflate.decompress(pending, 1 << 20)
        except zlib.error as error:
            raise DataError(f"{path}: {_damaged('gzip')}: {error}") from error
        pending = inflate.unconsumed_tail or inflate.unused_data
        if inflate.eof:
            inflate, started = zlib.decompressobj(wbits=31), False
            pending = pending.lstrip(b"\0")
        if piece:
            yield piece
    if started:
        raise DataError(f"{path}: {_damaged('gzip')}: it is cut short, and rows are missing")


def _damaged(kind: str) -> str:
    return f"the {kind} file is damaged; get it again from its source"


def _archive(stream: BinaryIO) -> str:
    try:
        names = zipfile.ZipFile(stream).namelist()
    except zipfile.BadZipFile:
        names = []
    if any(name.startswith("xl/") for name in names):
        return "an Excel workbook; save the sheet as CSV"
    inside = f" ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})" if names else ""
    return f"a zip archive{inside}; unzip it first, and give the file inside"

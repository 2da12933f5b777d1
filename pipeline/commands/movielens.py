"""MovieLens 100K as GroupLens and as RecBole write it, read into the same rows; and the terms of its use."""

import zipfile
from collections.abc import Iterator
from typing import NamedTuple

from schemas.errors import DataError

TERMS = """\
MovieLens 100K is the work of the GroupLens research group, University of Minnesota. Their licence allows research
use, asks for a citation, and forbids redistribution and commercial use without their permission; the full text:
https://files.grouplens.org/datasets/movielens/ml-100k-README.txt
Cite: F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. ACM Transactions on
Interactive Intelligent Systems 5, 4, Article 19. https://doi.org/10.1145/2827872"""

Row = tuple[str, ...]


class Tables(NamedTuple):
    """The rows of `ratings.csv` and `items.csv`, without their headers, in the source's order."""

    ratings: list[Row]
    items: list[Row]


def convert_grouplens(archive: zipfile.ZipFile) -> Tables:
    """Reads GroupLens's `ml-100k.zip`: `u.data` (tabs), `u.item` (`|`, Latin-1, a 0/1 flag a genre), `u.genre`.

    Raises:
        DataError: A file is absent, or a line has another number of fields than the format.
    """
    genres = [name for name, _ in _table(archive, "ml-100k/u.genre", "|", 2)]
    items: list[Row] = []
    for fields in _table(archive, "ml-100k/u.item", "|", 5 + len(genres)):
        flags = fields[5:]
        names = [genre for genre, flag in zip(genres, flags, strict=True) if flag == "1"]
        # A few of GroupLens's titles end in a blank.
        items.append((fields[0], " ".join(fields[1].split()), "|".join(names)))
    return Tables(list(_table(archive, "ml-100k/u.data", "\t", 4)), items)


def convert_recbole(archive: zipfile.ZipFile) -> Tables:
    """Reads the copy in RecBole's wheel: tabs, a header line, title and year in two columns, blanks between genres.

    RecBole cut GroupLens's title at its last parenthesis, so title and year are joined again. The one film without
    a name and a year is `unknown` at GroupLens and misspelt in both columns here.

    Raises:
        DataError: A file is absent, or a line has another number of fields than the format.
    """
    folder = "recbole/dataset_example/ml-100k"
    items: list[Row] = []
    for item, title, year, genres in list(_table(archive, f"{folder}/ml-100k.item", "\t", 4, "utf-8"))[1:]:
        full_title = "unknown" if title == year == "unkonwn" else f"{title} ({year})"
        items.append((item, full_title, genres.replace(" ", "|")))
    return Tables(list(_table(archive, f"{folder}/ml-100k.inter", "\t", 4, "utf-8"))[1:], items)


def _table(
    archive: zipfile.ZipFile, member: str, separator: str, width: int, encoding: str = "latin-1"
) -> Iterator[Row]:
    """The member's lines that are not empty, each divided into `width` fields."""
    try:
        text = archive.read(member).decode(encoding)
    except KeyError:
        raise DataError(f"{archive.filename}: it does not contain {member}") from None
    for number, line in enumerate(text.split("\n"), start=1):
        fields = tuple(line.rstrip("\r").split(separator))
        if fields == ("",):
            continue
        if len(fields) != width:
            raise DataError(f"{member}, line {number}: expected {width} fields, found {len(fields)}: {line!r}")
        yield fields

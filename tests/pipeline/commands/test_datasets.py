"""Data sets without a network: converters on hand-made archives, and every way in which a source can fail."""

import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.commands import datasets
from pipeline.commands.datasets import Dataset, Source, prepare
from pipeline.commands.movielens import Tables, convert_grouplens, convert_recbole
from schemas.errors import DataError

GENRES = [
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
]
RATINGS = "196\t242\t3\t881250949\n186\t302\t3\t891717742\n6\t267\t5\t883599478\n"
RATINGS_CSV = "user_id,item_id,rating,timestamp\n196,242,3,881250949\n186,302,3,891717742\n6,267,5,883599478\n"
# Each of these is a case of its own: an article moved behind, an accent, a year that is not last, no year, a comma.
ITEMS_CSV = """\
item_id,title,genres
71,"Lion King, The (1994)",Animation|Children's|Musical
242,Kolya (1996),Comedy
267,unknown,unknown
302,L.A. Confidential (1997),Crime|Film-Noir|Mystery|Thriller
543,"Misérables, Les (1995)",Drama|Musical
1005,"Double vie de Véronique, La (Double Life of Veronique, The) (1991)",Drama
1412,Land Before Time III: The Time of the Great Giving (1995) (V),Animation|Children's
1635,Two Friends (1986),Drama
"""


def grouplens_line(item: int, title: str, *genres: str) -> str:
    """A line of `u.item`, with a flag for each of the nineteen genres."""
    flags = "|".join("1" if genre in genres else "0" for genre in GENRES)
    return f"{item}|{title}|01-Jan-1995||http://example.org/{item}|{flags}\n"


GROUPLENS_MEMBERS = {
    "ml-100k/u.data": RATINGS.encode(),
    "ml-100k/u.genre": ("".join(f"{name}|{number}\n" for number, name in enumerate(GENRES)) + "\n").encode(),
    "ml-100k/u.item": (
        grouplens_line(71, "Lion King, The (1994)", "Animation", "Children's", "Musical")
        + grouplens_line(242, "Kolya (1996)", "Comedy")
        + "267|unknown||||1"
        + "|0" * 18
        + "\n"
        + grouplens_line(302, "L.A. Confidential (1997)", "Crime", "Film-Noir", "Mystery", "Thriller")
        + grouplens_line(543, "Misérables, Les (1995)", "Drama", "Musical")
        + grouplens_line(1005, "Double vie de Véronique, La (Double Life of Veronique, The) (1991)", "Drama")
        + grouplens_line(
            1412, "Land Before Time III: The Time of the Great Giving (1995) (V)", "Animation", "Children's"
        )
        + grouplens_line(1635, "Two Friends (1986) ", "Drama")
    ).encode("latin-1"),
}
RECBOLE_MEMBERS = {
    "recbole/dataset_example/ml-100k/ml-100k.inter": (
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n" + RATINGS
    ).encode(),
    "recbole/dataset_example/ml-100k/ml-100k.item": (
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        "71\tLion King, The\t1994\tAnimation Children's Musical\n"
        "242\tKolya\t1996\tComedy\n"
        "267\tunkonwn\tunkonwn\tunknown\n"
        "302\tL.A. Confidential\t1997\tCrime Film-Noir Mystery Thriller\n"
        "543\tMisérables, Les\t1995\tDrama Musical\n"
        "1005\tDouble vie de Véronique, La (Double Life of Veronique, The)\t1991\tDrama\n"
        "1412\tLand Before Time III: The Time of the Great Giving (1995)\tV\tAnimation Children's\n"
        "1635\tTwo Friends\t1986\tDrama\n"
    ).encode(),
}


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def never(path: Path) -> None:
    pytest.fail(f"nothing should have been fetched into {path}")


def unreachable(path: Path) -> None:
    path.write_bytes(b"half of it")
    raise DataError("no connection: name or service not known")


@pytest.fixture
def archives(tmp_path: Path) -> dict[str, Path]:
    """The two hand-made archives, outside the data folder."""
    store = tmp_path / "store"
    store.mkdir()
    return {
        "first": write_zip(store / "first.zip", GROUPLENS_MEMBERS),
        "second": write_zip(store / "second.whl", RECBOLE_MEMBERS),
    }


@pytest.fixture
def dataset(archives: dict[str, Path]) -> Dataset:
    """A small data set with two sources that can be reached: GroupLens's format, then RecBole's."""

    def source(name: str, convert: Callable[[zipfile.ZipFile], Tables]) -> Source:
        path = archives[name]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return Source(name, path.name, digest, lambda to: shutil.copy(path, to) and None, convert)

    sources = (source("first", convert_grouplens), source("second", convert_recbole))
    return Dataset("small", sources, num_ratings=3, num_items=8, terms="the terms")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def said() -> list[str]:
    return []


def with_first(dataset: Dataset, **changes: object) -> Dataset:
    return replace(dataset, sources=(replace(dataset.sources[0], **changes), dataset.sources[1]))


def assert_written(target: Path) -> None:
    assert (target / "ratings.csv").read_bytes() == RATINGS_CSV.encode()
    assert (target / "items.csv").read_bytes() == ITEMS_CSV.encode()
    assert sorted(path.name for path in target.iterdir()) == ["SHA256SUMS", "items.csv", "ratings.csv"]
    assert [path.name for path in target.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("position", [0, 1], ids=["grouplens", "recbole"])
def test_both_sources_give_the_same_bytes(dataset: Dataset, folder: Path, position: int) -> None:
    only = replace(dataset, sources=(dataset.sources[position],))
    assert_written(prepare(only, folder))


def test_the_first_source_comes_first_and_the_terms_are_said(dataset: Dataset, folder: Path, said: list[str]) -> None:
    prepare(with_first(dataset, name="FIRST"), folder, said.append)
    assert len(said) == 1 and "from FIRST" in said[0] and said[0].endswith("the terms")


def test_a_second_call_fetches_nothing(dataset: Dataset, folder: Path, said: list[str]) -> None:
    prepare(dataset, folder)
    offline = replace(dataset, sources=tuple(replace(source, fetch=never) for source in dataset.sources))
    prepare(offline, folder, said.append)
    assert said == [f"small: already in {folder / 'small'}"]


@pytest.mark.parametrize("name", ["ratings.csv", "items.csv", "SHA256SUMS"])
def test_a_missing_or_changed_file_is_written_again(dataset: Dataset, folder: Path, name: str) -> None:
    target = prepare(dataset, folder)
    with (target / name).open("a") as file:
        file.write("1,1,1,1\n")
    assert_written(prepare(dataset, folder))
    (target / name).unlink()
    assert_written(prepare(dataset, folder))


def test_falls_back_and_says_why_in_one_line(dataset: Dataset, folder: Path, said: list[str]) -> None:
    assert_written(prepare(with_first(dataset, fetch=unreachable), folder, said.append))
    assert said[0] == "small: not from first: no connection: name or service not known"
    assert "from second" in said[1]


def test_another_checksum_is_refused(dataset: Dataset, folder: Path, said: list[str]) -> None:
    assert_written(prepare(with_first(dataset, sha256="0" * 64), folder, said.append))
    found = dataset.sources[0].sha256
    assert f"has the SHA-256 {found}, expected {'0' * 64}" in said[0]


def test_other_counts_are_refused_and_nothing_stays_behind(dataset: Dataset, folder: Path) -> None:
    with pytest.raises(DataError, match="expected 4 ratings and 8 items, found 3 and 8"):
        prepare(replace(dataset, num_ratings=4), folder)
    assert list(folder.iterdir()) == []


def test_no_source_says_what_to_put_where_and_leaves_nothing(dataset: Dataset, folder: Path) -> None:
    offline = replace(dataset, sources=tuple(replace(source, fetch=unreachable) for source in dataset.sources))
    with pytest.raises(DataError) as caught:
        prepare(offline, folder)
    assert str(folder / "first.zip") in str(caught.value) and str(folder / "second.whl") in str(caught.value)
    assert str(caught.value).count("name or service not known") == 2
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["first", "second"])
def test_an_archive_put_there_by_hand_is_used(
    dataset: Dataset, archives: dict[str, Path], folder: Path, name: str
) -> None:
    folder.mkdir()
    shutil.copy(archives[name], folder)
    offline = replace(dataset, sources=tuple(replace(source, fetch=never) for source in dataset.sources))
    assert_written(prepare(offline, folder))
    assert (folder / archives[name].name).is_file()


def test_a_damaged_archive_put_there_by_hand_is_refused(dataset: Dataset, folder: Path, said: list[str]) -> None:
    folder.mkdir()
    (folder / "first.zip").write_bytes(b"not the archive")
    assert_written(prepare(with_first(dataset, fetch=never), folder, said.append))
    assert "first.zip has the SHA-256" in said[0]


def test_a_line_with_a_field_too_few_is_named(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "bad.zip", {**GROUPLENS_MEMBERS, "ml-100k/u.data": b"1\t2\t3\t4\n1\t2\t3\n"})
    with (
        zipfile.ZipFile(path) as archive,
        pytest.raises(DataError, match=r"u\.data, line 2: expected 4 fields, found 3"),
    ):
        convert_grouplens(archive)


def test_an_archive_without_a_file_is_named(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(write_zip(tmp_path / "empty.zip", {})) as archive,
        pytest.raises(DataError, match=r"does not contain recbole/dataset_example/ml-100k/ml-100k\.item"),
    ):
        convert_recbole(archive)


def test_the_command_ends_with_2_and_no_stack_trace(
    monkeypatch: pytest.MonkeyPatch, dataset: Dataset, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    offline = replace(dataset, sources=tuple(replace(source, fetch=unreachable) for source in dataset.sources))
    monkeypatch.setitem(datasets.DATASETS, "movielens-100k", offline)
    assert datasets.main(["movielens-100k", "--folder", str(folder)]) == 2
    assert capsys.readouterr().err.startswith("small could not be fetched from any source:")


def test_a_server_that_cannot_be_reached_is_a_data_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    # Port 9 of the own machine: refused at once, without a network.
    with pytest.raises(DataError, match=r"no connection: .*refused"):
        datasets.download(tmp_path / "ml-100k.zip", "http://127.0.0.1:9/ml-100k.zip")


def test_nothing_heavy_is_imported() -> None:
    script = "import sys, pipeline.datasets; print([m for m in ('pandas', 'tensorflow', 'rich') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

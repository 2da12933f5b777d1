"""The written settings read the same data in the same way."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
import tomli
from data_rows import written

from recommender.sources.inspection import Inspection, inspect
from recommender.sources.settings_file import recommender_name
from schemas.settings import Settings, check

ROWS = [(f"u{n % 25}", f"x{n % 13}", 1 + n % 5, 1_600_000_000 + 3_600 * n) for n in range(200)]


def inspected(folder: Path, ratings: str = "ratings.csv", items: str = "", **data: Any) -> Inspection:
    tree = {"name": "shop", "data": {"folder": folder, "ratings": ratings, "items": items, **data}}
    return inspect(Settings.model_validate(tree))


def facts(inspection: Inspection) -> dict[str, Any]:
    """What was counted and found, without the reasons, which are then the settings."""
    found = inspection.profile._asdict()
    layouts = [layout._replace(placeholders=frozenset()) for layout in found.pop("ratings").layouts]
    items = found.pop("items")
    return {
        "layouts": layouts,
        "items": items and items.layouts,
        **{name: value.to_dict() if isinstance(value, pd.Series) else value for name, value in found.items()},
    }


def parquet(folder: Path) -> None:
    columns = dict(zip(("userId", "movieId", "rating", "timestamp"), map(list, zip(*ROWS, strict=True)), strict=True))
    pyarrow.parquet.write_table(pa.table(columns), folder / "ratings.csv")


def csv_text(delimiter: str = ",", names: str = "user_id,item_id,rating,timestamp", end: str = "\n") -> str:
    rows = [names.replace(",", delimiter)] if names else []
    return end.join([*rows, *(delimiter.join(map(str, row)) for row in ROWS), ""])


KINDS: dict[str, tuple[str | bytes, dict[str, Any]]] = {
    "plain": (csv_text(), {}),
    "no header": (csv_text("::", ""), {}),
    "excel": ("sep=;\r\n" + csv_text(";", "ID_CLIENTE,NOMBRE_EXPERIENCIA,CALIFICACION,FECHA", "\r\n"), {}),
    "utf-16": (csv_text("\t").encode("utf-16"), {}),
    "latin-1": (csv_text(names="usuario,artículo,calificación,fecha").encode("latin-1"), {}),
    "control delimiter": (csv_text("\x01"), {}),
    "quotes in names": (csv_text(names='"user ""id""",item_id,rating,"time # ""x"""'),
                        {"columns": {"user": 'user "id"', "timestamp": 'time # "x"'}}),
    "signs in names": (csv_text(names="\N{GRINNING FACE},item_id,rating,a\x7f b\u2028c"),
                       {"columns": {"user": "\N{GRINNING FACE}", "timestamp": "a\x7f b\u2028c"}}),
    "counts": (csv_text(names="userID,artistID,plays,timestamp"), {}),
    "no ratings": (csv_text(), {"columns": {"rating": "", "timestamp": ""}}),
    "settings": (csv_text(), {"no_rating": [1], "rating_scale": [1, 5], "null_values": ["u3"], "merge_names": True,
                              "repeats": "each", "max_reject_share": 0.1, "genre_separator": ";"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_written_settings_give_the_same_profile(tmp_path, kind):
    content, data = KINDS[kind]
    written(tmp_path, content)
    first = inspected(tmp_path, **data)
    settings = check(tomli.loads(first.as_toml()), "written")
    second = inspect(settings)
    assert facts(second) == facts(first)
    assert second.suspicions == first.suspicions
    assert tomli.loads(second.as_toml()) == tomli.loads(first.as_toml())
    assert set(data) - {"columns"} <= settings.data.model_fields_set


def test_parquet_files_have_no_delimiter_and_no_encoding(tmp_path):
    parquet(tmp_path)
    first = inspected(tmp_path)
    assert not {"delimiter", "encoding", "header"} & set(tomli.loads(first.as_toml())["data"])
    assert facts(inspect(check(tomli.loads(first.as_toml()), "written"))) == facts(first)


def test_what_was_found_is_written_with_its_reasons(tmp_path):
    written(tmp_path, csv_text(";"))
    written(tmp_path, "movieId,title\nx1,One\nx2,Two\n", "items.csv")
    text = inspected(tmp_path, items="items.csv").as_toml()
    assert 'user = "user_id"  # by its name\n' in text
    assert 'event = ""\n' in text and 'genres = ""\n' in text
    assert '# delimiter: ";", ",", found for each file\n' in text
    assert 'timestamp_format = "unix"\n' in text


def test_event_types_are_written_with_their_weights_and_counts(tmp_path):
    written(tmp_path, "user,item,event\n" + "a,x,View\nb,x,buy\na,y,View\nb,z,hover #\n" * 10)
    text = inspected(tmp_path, events={"view": 2, "buy": 3, "refund": 0.123456789}).as_toml()
    assert text.endswith('"View" = 2.0  # 20 events\n"buy" = 3.0  # 10 events\n"refund" = 0.123456789  # no events\n')
    every = tomli.loads(inspected(tmp_path).as_toml())["data"]["events"]
    assert every == {"View": 1, "buy": 1, "hover #": 1}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/data/ml-100k/ratings.csv", "ml-100k-ratings"),
        ("/data/shop/Clicks 2021.csv.gz", "clicks-2021"),
        ("/data/Mi Tienda/events.parquet", "mi-tienda-events"),
        ("/data/donées.csv", "don-es"),
        ("/数据/数据.csv", "recommender"),
        ("/" + "y" * 70 + "/log.csv", "y" * 63),
        ("/data/" + "x" * 100 + ".csv", "x" * 63),
    ],
)
def test_a_recommender_is_named_by_its_file_or_folder(path, name):
    assert recommender_name(path) == name
    check({"name": recommender_name(path), "data": {"folder": "d"}}, "x")

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.protocols import divide, hold_out
from benchmarks.ratings import Ratings, read
from schemas.errors import DataError, SettingsError
from schemas.settings import DataSettings

COLUMNS = {"user": "who", "item": "what", "rating": "stars", "timestamp": "day"}


def _read(folder: Path, rows: list[str], **others: Any) -> Ratings:
    (folder / "stars.tsv").write_text("\n".join(["day;who;what;stars", *rows]) + "\n")
    settings = {
        "ratings": "stars.tsv",
        "items": "",
        "columns": COLUMNS,
        "delimiter": ";",
        "timestamp_format": "%d.%m.%Y",
        "max_reject_share": 1.0,
    }
    return read(DataSettings.model_validate({"folder": folder, **settings, **others}))


def _numbered(folder: Path, size: int) -> Ratings:
    """`size` ratings of as many days, the latest first, 5 users and all items different."""
    days = [f"{1 + day % 28}.{1 + day // 28}.2001" for day in range(size)][::-1]
    return _read(folder, [f"{day};u{row % 5};i{row};{1 + row % 5}" for row, day in enumerate(days)])


def test_other_columns_malformed_rows_and_no_items_file(tmp_path):
    ratings = _read(tmp_path, ["2.1.1970;ann;tea;4", "ann;tea;4", "2.1.1970;ann;rum;many", "3.1.1970;bob;rum;2.5"])
    assert ratings.rating.tolist() == [4.0, 2.5]
    assert ratings.timestamp.tolist() == [86_400, 172_800]
    assert ratings.user.tolist() == [0, 1]
    assert ratings.item[0] != ratings.item[1]
    assert (ratings.catalogue.num_users, ratings.catalogue.num_items, ratings.catalogue.num_genres) == (2, 2, 0)
    assert ratings.rejects == {
        "wrong number of fields: expected 4, got 3": 1,
        "rating is not a finite number": 1,
    }


def test_of_a_repeated_pair_the_latest_rating_stays(tmp_path):
    rows = ["3.1.1970;ann;tea;1", "2.1.1970;ann;tea;2", "2.1.1970;bob;tea;3", "2.1.1970;bob;tea;4"]
    ratings = _read(tmp_path, rows)
    assert ratings.rating.tolist() == [1.0, 4.0]
    assert ratings.repeats == 2


def test_the_catalogue_holds_items_described_and_items_rated(tmp_path):
    (tmp_path / "items.csv").write_text("id;name;kinds\nrum;Dark Rum, dark;drink|strong\ngin;;drink\n")
    columns = {"item": "id", "title": "name", "genres": "kinds"}
    ratings = _read(tmp_path, ["2.1.1970;ann;tea;4", "3.1.1970;bob;rum;2"], items="items.csv", item_columns=columns)
    catalogue = ratings.catalogue
    assert (catalogue.num_items, catalogue.num_genres) == (3, 2)
    rum = ratings.item[1]
    assert np.diff(catalogue.genres.row_splits).tolist() == [1, 2, 0]  # gin, rum, tea
    assert np.diff(catalogue.title_words.row_splits).tolist() == [1, 3, 1]
    words = catalogue.title_words.values[1:4]
    assert rum == 1
    assert words[0] == words[2] != words[1]
    assert catalogue.num_title_words == 4  # gin, dark, rum, tea


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(DataError, match="absent"):
        read(DataSettings(folder=tmp_path, ratings="absent.csv", items=None))
    with pytest.raises(SettingsError, match="without a placeholder"):
        read(DataSettings(folder=tmp_path, ratings="{SPAN}.csv", items=None))
    with pytest.raises(DataError, match="1 of 1 rows cannot be used"):
        _read(tmp_path, ["broken"])


def test_at_random_every_rating_is_on_one_side(tmp_path):
    ratings = _numbered(tmp_path, 50)
    data = divide(ratings, "random", None)
    assert (len(data.train.user), len(data.test.user)) == (40, 10)
    assert sorted([*data.train.item, *data.test.item]) == sorted(ratings.item)
    order = np.random.RandomState(42).permutation(50)
    assert data.test.item.tolist() == ratings.item[order[40:]].tolist()
    assert data.test.rating.tolist() == ratings.rating[order[40:]].tolist()
    assert data.test.timestamp.min() < data.train.timestamp.max()


def test_by_time_the_test_comes_last_and_what_is_known_is_known_from_training(tmp_path):
    data = divide(_numbered(tmp_path, 50), "time", None)
    assert (len(data.train.user), len(data.test.user)) == (40, 10)
    assert data.train.timestamp.max() < data.test.timestamp.min()
    assert data.known_users.all()
    assert data.known_items.sum() == 40
    assert not data.known_items[data.test.item].any()


def test_equally_late_ratings_keep_the_order_of_the_file(tmp_path):
    ratings = _read(tmp_path, [f"2.1.1970;u{row};i;{row}" for row in range(10)])
    assert divide(ratings, "time", None).test.rating.tolist() == [8.0, 9.0]


def test_the_scale_is_the_one_given_or_the_span_of_training(tmp_path):
    ratings = _read(tmp_path, [f"{2 + row}.1.1970;u;i{row};{row}" for row in range(10)])
    assert divide(ratings, "time", None).scale == (0.0, 7.0)
    assert divide(ratings, "time", (0, 10)).scale == (0, 10)


@pytest.mark.parametrize("protocol", ["random", "time"])
def test_hyperparameters_are_chosen_without_the_test(tmp_path, protocol):
    data = divide(_numbered(tmp_path, 50), protocol, None)
    inner = hold_out(data)
    assert (len(inner.train.user), len(inner.test.user)) == (36, 4)
    assert sorted([*inner.train.item, *inner.test.item]) == sorted(data.train.item)


def test_the_last_event_of_each_user_with_several_is_the_test(tmp_path):
    rows = ["5.1.1970;ann;a;1", "3.1.1970;ann;b;2", "6.1.1970;bob;c;3", "2.1.1970;eve;c;4", "4.1.1970;eve;a;5"]
    data = divide(_read(tmp_path, rows), "last", None)
    assert sorted(data.test.rating.tolist()) == [1, 5]
    assert sorted(hold_out(data).train.rating.tolist()) == [2, 3, 4]  # one event of each is left


def test_without_times_events_are_in_the_order_of_the_file(tmp_path):
    rows = [";ann;a;1", ";bob;b;2", ";ann;c;3"]
    ratings = _read(tmp_path, rows, columns=COLUMNS | {"timestamp": ""})
    assert ratings.position.tolist() == [0, 0, 1]
    assert divide(ratings, "last", None).test.rating.tolist() == [3]
    with pytest.raises(DataError, match="expected times"):
        divide(ratings, "time", None)

import logging
from pathlib import Path

import numpy as np
import pytest

from recommender.sources.dataset import read_csv

RATINGS = "user_id,item_id,rating,timestamp\nbob,tea,4,30\nann,rum,2,20\nann,tea,5,10\n"
ITEMS = "item_id,title,genres\nrum,Dark Rum (1979),drink|strong\ngin,Dry Gin,drink\n"


def test_ids_titles_genres_and_words_are_those_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(RATINGS)
    (tmp_path / "items.csv").write_text(ITEMS)
    data = read_csv(str(tmp_path / "ratings.csv"), str(tmp_path / "items.csv"))
    assert (data.users, data.items, data.genres) == ([b"ann", b"bob"], [b"gin", b"rum", b"tea"], [b"drink", b"strong"])
    assert data.titles.tolist() == [b"Dry Gin", b"Dark Rum (1979)", b"tea"], "an item without a row has its id as title"
    events = data.interactions
    assert events.user.tolist() == [0, 0, 1] and events.item.tolist() == [2, 1, 2]
    assert events.rating.tolist() == [5, 2, 4] and events.timestamp.tolist() == [10, 20, 30]
    catalogue = data.catalogue
    assert (catalogue.num_users, catalogue.num_items, catalogue.num_genres) == (2, 3, 2)
    assert np.diff(catalogue.genres.row_splits).tolist() == [1, 2, 0] and catalogue.genres.values[0] == 0
    assert np.diff(catalogue.title_words.row_splits).tolist() == [2, 3, 1]
    assert np.diff(catalogue.release_periods.row_splits).tolist() == [0, 1, 0]


def test_settings_of_the_data_are_keywords_and_bad_rows_are_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "log.tsv").write_text("who;what;stars;day\nann;tea;5;1970-01-02\nann;;5;1970-01-02\n")
    columns = {"user": "who", "item": "what", "rating": "stars", "timestamp": "day"}
    with caplog.at_level(logging.WARNING, "atalaya"):
        data = read_csv(
            str(tmp_path / "log.tsv"),
            columns=columns,
            delimiter=";",
            timestamp_format="%Y-%m-%d",
            max_reject_share=0.5,
        )
    assert data.interactions.timestamp.tolist() == [86_400]
    assert [record.getMessage() for record in caplog.records] == ["1 rows are left out: item is empty"]


def test_events_without_ratings_or_times_keep_their_order_and_weights(tmp_path: Path) -> None:
    rows = "ann,tea,view\nbob,tea,view\nann,rum,buy\nann,tea,view\nann,tea,hover\n" * 10
    (tmp_path / "log.csv").write_text(f"user,item,event\n{rows}")
    data = read_csv(str(tmp_path / "log.csv"), events={"view": 1, "buy": 5})
    events = data.interactions
    assert not events.has_ratings and not events.has_times and np.isnan(events.rating).all()
    assert [data.items[item] for item in events.item[:4]] == [b"tea", b"rum", b"tea", b"tea"]
    assert events.weight[:3].tolist() == [1, 5, 1] and len(events.weight) == 40

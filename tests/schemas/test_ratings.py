"""What the schema of the examples accepts."""

from pathlib import Path

import pandas as pd
import pytest
import tensorflow_data_validation as tfdv

import schemas

SCHEMA = Path(schemas.__file__).parent / "ratings.pbtxt"
GOOD = {
    **{"user_id": b"ann", "item_id": b"tea", "rating": 4.0, "timestamp": 1_000_000_000, "weight": 1.5, "position": 0},
    **{"user_activity": b"1-9", "item_popularity": b"1-9"},
}


def anomalies(*left_out: str, **values: float) -> set[str]:
    rows = pd.DataFrame([{name: value for name, value in (GOOD | values).items() if name not in left_out}] * 2)
    rows = rows.astype({name: "float32" for name in ("rating", "weight") if name in rows})
    statistics = tfdv.generate_statistics_from_dataframe(rows, n_jobs=1)
    return set(tfdv.validate_statistics(statistics, tfdv.load_schema_text(str(SCHEMA))).anomaly_info)


def test_events_need_no_rating_and_no_time() -> None:
    assert anomalies() == anomalies("rating", "timestamp") == set()


@pytest.mark.parametrize("seconds", [-1, -2_208_988_800, 253_402_300_799], ids=["1969", "1900", "9999"])
def test_any_date_is_a_time(seconds: int) -> None:
    assert anomalies(timestamp=seconds) == set()


@pytest.mark.parametrize("name", ["user_id", "item_id", "weight", "position"])
def test_events_need_a_user_an_item_a_weight_and_a_position(name: str) -> None:
    assert anomalies(name) == {name}


@pytest.mark.parametrize(("name", "value"), [("timestamp", 253_402_300_800), ("weight", -1.0), ("position", -1)])
def test_values_out_of_range_are_anomalies(name: str, value: float) -> None:
    assert anomalies(**{name: value}) == {name}

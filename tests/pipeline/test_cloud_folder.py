import json
import os
from pathlib import Path

from pipeline.cloud_folder import CloudFolder
from schemas.settings import Settings


def test_an_address_stays_whole_wherever_it_becomes_text():
    assert str(Path("gs://bucket/shop")) == "gs:/bucket/shop", "a plain path keeps addresses: the trick is not needed"
    folder = CloudFolder("bucket/shop")
    assert str(folder) == os.fspath(folder) == f"{folder}" == "gs://bucket/shop"
    assert str(folder / "ratings.csv") == "gs://bucket/shop/ratings.csv"
    settings = Settings.model_validate({"name": "shop", "data": {"folder": "d"}})
    moved = settings.model_copy(update={"data": settings.data.model_copy(update={"folder": folder})})
    assert json.loads(moved.model_dump_json())["data"]["folder"] == "gs://bucket/shop"

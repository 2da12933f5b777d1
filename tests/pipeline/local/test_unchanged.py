import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.local import unchanged
from pipeline.node import Artifact, Node
from recommender.sources.fingerprint import fingerprint, named_patterns
from recommender.sources.refusals import Suspicion
from schemas.settings import Settings

SUSPICIONS = [Suspicion("warning", "times-rounded", "a.csv: 1.5")]


class Shop:
    """A recommender in a folder, with the results of a run."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "artifacts" / "shop"
        self.more: dict[str, Any] = {}
        for path in ("data", "serving/1", "serving/2", "batch/2", "artifacts/shop/Trainer/model/6"):
            (folder / path).mkdir(parents=True)
        (self.root / "metadata.sqlite").write_text("all executions")
        self.rate("5 stars")
        data = self.settings().data
        known = fingerprint(str(data.folder), named_patterns(data))
        self.nodes = {
            "RatingsExampleGen": self._node("examples", self.root, input_fingerprint=known),
            "Trainer": self._node("model", self.root / "Trainer" / "model" / "6"),
            "Pusher": self._node("pushed_model", self.root, pushed_destination=str(folder / "serving" / "2"), is_new=1),
            "BatchRecommender": self._node("recommendations", self.root, destination=str(folder / "batch" / "2")),
        }

    @staticmethod
    def _node(name: str, uri: Path, **properties: Any) -> Node:
        return Node({name: [Artifact(str(uri), properties)]}, reused=False)

    def settings(self) -> Settings:
        data = {"folder": str(self.folder / "data"), "items": "", **self.more.get("data", {})}
        return Settings.model_validate({"name": "shop", **self.more, "data": data})

    def rate(self, text: str) -> None:
        (self.folder / "data" / "ratings.csv").write_text(text)
        os.utime(self.folder / "data" / "ratings.csv", (0, 0))

    def key(self, is_inferred: bool = False) -> str:
        return unchanged.key(self.settings(), self.root, is_inferred)

    def find(self) -> unchanged.Record | None:
        return unchanged.find(self.key(), self.root, self.settings().data)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path)
    unchanged.write(shop.key(), shop.root, shop.nodes, SUSPICIONS)
    return shop


def test_while_nothing_changes_the_results_of_the_last_run_stand(shop):
    found = shop.find()
    assert found.nodes == {name: node._replace(reused=True) for name, node in shop.nodes.items()}
    assert found.suspicions == SUSPICIONS


@pytest.mark.parametrize(
    "more", [{"local": {"jobs": 7, "runs": "elsewhere"}}, {"kubeflow": {"host": "http://kubeflow:8888"}}]
)
def test_settings_that_change_no_result_do_not_count(shop, more):
    shop.more = more
    assert shop.find()


CHANGES: dict[str, Callable[[Shop], Any]] = {
    "other ratings of the same size and time": lambda shop: shop.rate("4 stars"),
    "another file": lambda shop: (
        shop.more.update(data={"ratings": "*.csv"}) or (shop.folder / "data" / "new.csv").touch()
    ),
    "no data": lambda shop: (shop.folder / "data" / "ratings.csv").unlink(),
    "settings": lambda shop: shop.more.update(training={"refit": False}),
    "spans": lambda shop: shop.more.update(data={"ratings": "{SPAN}.csv"}),
    "an artifact is gone": lambda shop: (shop.root / "Trainer" / "model" / "6").rmdir(),
    "the pushed version is gone": lambda shop: (shop.folder / "serving" / "2").rmdir(),
    "another version is the newest": lambda shop: (shop.folder / "serving" / "3").mkdir(),
    "recommendations are gone": lambda shop: (shop.folder / "batch" / "2").rmdir(),
    "the metadata was written": lambda shop: (shop.root / "metadata.sqlite").write_text("all execution5"),
    "the metadata is gone": lambda shop: (shop.root / "metadata.sqlite").unlink(),
    "a run has begun": lambda shop: unchanged.forget(shop.root),
    "the record is cut off": lambda shop: (shop.root / "last_run.json").write_text("{"),
    "the record is another version's": lambda shop: (shop.root / "last_run.json").write_text("{}"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_after_a_change_there_is_a_normal_run(shop, change):
    CHANGES[change](shop)
    assert shop.find() is None


def test_another_folder_or_other_code_is_a_change(shop, tmp_path, monkeypatch):
    assert shop.key() != shop.key(is_inferred=True)
    assert shop.key() != unchanged.key(shop.settings(), tmp_path / "moved", is_inferred=False)
    before = shop.key()
    monkeypatch.setattr(unchanged, "sources_version", lambda *packages: ",".join(packages))
    assert shop.key() != before
    before = shop.key()
    monkeypatch.chdir(tmp_path)
    assert shop.key() != before

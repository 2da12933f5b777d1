"""The library on a small shop, by the lines of docs/library.md; it takes the time of a fit."""

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from eager_fits import eager_fits
from recommender.interactions.catalogue import Catalogue
from recommender.interactions.dataset import Dataset
from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged
from recommender.library import Model, fit, read_csv, split
from schemas.errors import DataError, SettingsError
from schemas.metrics import METRICS
from schemas.settings import ServingSettings

ROOT = Path(__file__).resolve().parents[2]
SMALL = {
    "retrieval": {"embedding_dimension": 8, "epochs": 8, "learning_rate": 0.01},
    "ranking": {"bayesian": {"sweeps": 30, "burn_in": 5}},
    "training": {"refit": False},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 users choose 12 items of their own parity among 40, and rate them 5; two others 1."""
    rng = np.random.default_rng(0)
    rows, folder = [], tmp_path_factory.mktemp("shop")
    for user in range(40):
        for place, item in enumerate(rng.choice(np.arange(user % 2, 40, 2), 12, replace=False)):
            rows.append((user, item, 5, 1_000 + 100 * user + place))
        rows += [(user, int(item), 1, 1_050 + 100 * user) for item in rng.choice(np.arange(1 - user % 2, 40, 2), 2)]
    (folder / "ratings.csv").write_text(
        "user_id,item_id,rating,timestamp\n" + "".join(f"{u},{i},{r},{t}\n" for u, i, r, t in rows)
    )
    (folder / "items.csv").write_text(
        "item_id,title,genres\n" + "".join(f"{i},Item {i},{'even' if i % 2 == 0 else 'odd'}\n" for i in range(40))
    )
    return folder


@pytest.fixture(scope="module")
def fitted(folder: Path) -> tuple[Model, dict]:
    train, test = split(read_csv(str(folder / "ratings.csv"), str(folder / "items.csv")), share=0.2)
    model = fit(train, **SMALL)
    return model, model.evaluate(test)


def test_it_beats_its_baselines_and_every_metric_has_an_interval(fitted: tuple[Model, dict]) -> None:
    _, found = fitted
    assert set(METRICS) - set(found) <= {"rmse_at_time"}
    without = {name for name, interval in found.items() if math.isnan(interval.lower)}
    assert {METRICS[name].group for name in without} == {"users", "concentration"}
    assert all(found[name].lower <= found[name].value <= found[name].upper for name in set(found) - without)
    assert found["lift_over_popularity"].lower > 0 and found["rmse"].value < 2


def test_it_recommends_the_users_own_kind_and_serves_unknown_users(fitted: tuple[Model, dict]) -> None:
    model, _ = fitted
    items = model.recommend("4", k=5)
    assert len(items) == 5
    assert [item.title for item in items] == [f"Item {item.item_id}" for item in items]
    assert sorted((item.score for item in items), reverse=True) == [item.score for item in items]
    own = [int(item.item_id) % 2 == user % 2 for user in range(40) for item in model.recommend(str(user), k=5)]
    assert len(own) == 200 and np.mean(own) > 0.7
    assert model.recommend(4, k=5) == items
    assert len(model.recommend("a stranger", k=3)) == 3


def test_the_lists_are_those_of_vectors_and_ratings_without_what_training_has(
    fitted: tuple[Model, dict], folder: Path
) -> None:
    served = fitted[0].served
    data = read_csv(str(folder / "ratings.csv"), str(folder / "items.csv"))
    train, _ = split(data, share=0.2)
    users, num_items = [*data.users, b"a stranger"], len(data.items)
    products = served.embed_users(users)["embedding"] @ tf.transpose(served.embed_items(data.items)["embedding"])
    pairs = [column.ravel() for column in np.meshgrid(users, data.items, indexing="ij")]
    ratings = served.rate(*pairs)["rating"].numpy().reshape(len(users), num_items)
    for k in (ServingSettings().k, num_items):
        asked = {} if k == ServingSettings().k else {"k": k}
        listed, retrieved = served.recommend(users, rating_weight=0.5, **asked), served.retrieve(users, **asked)
        for found, weight in ((listed, 0.5), (retrieved, 0.0)):
            assert found["is_known"].numpy().tolist() == [True] * len(data.users) + [False]
            assert not found["unknown_history"].numpy().any()
            for user in range(len(data.users)):
                seen = train.interactions.item[train.interactions.user == user]
                left = np.setdiff1d(np.arange(num_items), seen)
                scores = products[user].numpy() + weight * ratings[user]
                expected, size = np.sort(scores[left])[::-1][:k], min(k, len(left))
                ids = found["item_id"].numpy()[user]
                shown = [data.items.index(id_) for id_ in ids[:size]]
                assert set(shown) <= set(left) and len(set(shown)) == size
                assert found["score"].numpy()[user, :size] == pytest.approx(expected, abs=1e-4)
                assert scores[shown] == pytest.approx(expected, abs=1e-4)
                assert found["title"].numpy()[user, :size].tolist() == [data.titles[item] for item in shown]
                assert not (ids[size:] != b"").any() and not found["score"].numpy()[user, size:].any()
                if weight:
                    assert found["rating"].numpy()[user, :size] == pytest.approx(ratings[user, shown], abs=1e-5)
                    products_shown = products[user].numpy()[shown]
                    assert found["retrieval_score"].numpy()[user, :size] == pytest.approx(products_shown, abs=1e-4)
        assert len({id_ for id_ in retrieved["item_id"].numpy()[-1] if id_}) == k


def test_what_is_saved_answers_the_same(fitted: tuple[Model, dict], tmp_path: Path) -> None:
    model, _ = fitted
    model.save(str(tmp_path / "model"))
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    found = loaded.recommend(tf.constant(["4"]), k=tf.constant(5))
    assert [item.decode() for item in found["item_id"].numpy()[0]] == [item.item_id for item in model.recommend("4", 5)]


def test_the_lines_of_the_page_run(folder: Path, capsys: pytest.CaptureFixture) -> None:
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    [lines] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    lines = lines.replace("data/movielens-100k/", f"{folder}/").replace("fit(train)", "fit(train, **SMALL)")
    exec(lines, {"SMALL": SMALL})
    printed = capsys.readouterr().out
    assert "ndcg_at_10" in printed and printed.count("predicted rating") == 5


def test_ratings_alone_are_enough(folder: Path) -> None:
    """Without an items file there is no genre, and an id is its own title."""
    model = fit(read_csv(str(folder / "ratings.csv")), **SMALL)
    assert [item.title for item in model.recommend("4", k=3)] == [item.item_id for item in model.recommend("4", k=3)]
    found = model.served.retrieve(tf.constant(["4"]), genre=tf.constant(["even"]))
    assert set(found["item_id"].numpy()[0]) == {b""}


@pytest.fixture(scope="module")
def clicks(folder: Path) -> Dataset:
    """The likes of the shop without ratings and times, in the order of the file."""
    rows = [line.split(",") for line in (folder / "ratings.csv").read_text().splitlines()[1:]]
    lines = [f"{user},{item}\n" for user, item, rating, _ in rows if rating == "5"]
    (folder / "clicks.csv").write_text("user_id,item_id\n" + "".join(lines))
    return read_csv(str(folder / "clicks.csv"), columns={"rating": "", "timestamp": ""})


def test_clicks_are_enough(clicks: Dataset, tmp_path: Path) -> None:
    train, test = split(clicks)
    with eager_fits():
        model = fit(train, **SMALL)
    found = model.evaluate(test)
    assert set(METRICS) - set(found) == {name for name, metric in METRICS.items() if metric.of_ratings}
    assert found["lift_over_popularity"].lower > 0
    items = model.recommend("4", k=5)
    assert len(items) == 5 and {item.rating for item in items} == {None}
    model.save(str(tmp_path / "model"))
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    assert "rate" not in loaded.signatures
    found = loaded.recommend(tf.constant(["4"]), k=tf.constant(5))
    assert [item.decode() for item in found["item_id"].numpy()[0]] == [item.item_id for item in items]


def test_clicks_without_times_are_not_split_by_time(clicks: Dataset) -> None:
    with pytest.raises(DataError, match="a split by time needs times"):
        split(clicks, method="time")
    with pytest.raises(DataError, match="a split by time needs times"):
        fit(clicks, split={"method": "time"}, **SMALL)


def test_ratings_of_some_events_are_predicted_and_measured(folder: Path) -> None:
    data = read_csv(str(folder / "ratings.csv"))
    events = data.interactions
    rating = np.where(events.item % 4 == 0, np.float32(np.nan), events.rating)
    train, test = split(data._replace(interactions=replace(events, rating=rating)))
    with eager_fits():
        model = fit(train, **SMALL)
    found = model.evaluate(test)
    assert (
        found["lift_over_bias"].lower
        <= found["lift_over_bias"].value
        == pytest.approx(found["bias_rmse"].value - found["rmse"].value)
    )
    assert {item.item_id for user in range(0, 40, 2) for item in model.recommend(user)} & {"0", "4", "8", "12"}


@pytest.mark.parametrize(
    ("method", "ranking"), [("random", "bayesian"), ("random", "network"), ("random", ""), ("time", "")]
)
def test_a_handful_of_events_is_enough(method: str, ranking: str) -> None:
    """Two users with one item each, the second of whom returns to it; with a model of ratings, or clicks."""
    rating = np.array([3.0, 4.0, 5.0]) if ranking else None
    columns = {"user": np.array([0, 1, 1]), "item": np.array([0, 1, 1]), "timestamp": np.array([1, 2, 3])}
    interactions = Interactions.of(**columns, rating=rating, num_users=2, num_items=2)
    nothing = Ragged.of([[], []])
    catalogue = Catalogue(2, 0, 0, 0, nothing, nothing, nothing)
    data = Dataset(interactions, catalogue, [b"ann", b"bob"], [b"gin", b"tea"], [], np.array([b"Gin", b"Tea"], object))
    sections = SMALL | {"split": {"method": method}}
    sections["retrieval"] = SMALL["retrieval"] | {"epochs": 2}
    sections["ranking"] = {"model": ranking or "bayesian", "network": {"epochs": 2}, "bayesian": {"sweeps": 30}}
    with eager_fits():
        model = fit(data, **sections)
    assert [item.title for item in model.recommend("ann")] == ["Tea"]


def test_a_wrong_setting_is_named_with_its_place(folder: Path) -> None:
    with pytest.raises(SettingsError, match=r"fit: ranking\.sweeps: it is ranking\.bayesian\.sweeps now"):
        fit(read_csv(str(folder / "ratings.csv")), ranking={"sweeps": 10})
    with pytest.raises(SettingsError, match=r"read_csv: data\.separator: unknown key; allowed here: .*delimiter"):
        read_csv(str(folder / "ratings.csv"), separator=";")

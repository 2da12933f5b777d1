import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from benchmarks import synthetic
from components.batch import known_users
from components.batch.known_users import SCHEMA, KnownUsers
from recommender.serving.export import save
from recommender.serving.recommender import Parts
from schemas.errors import DataError
from schemas.settings import ServingSettings

K, CANDIDATES, WEIGHT = 10, 12, 0.5


def rows_by_user(table: pa.Table) -> dict[str, list[dict]]:
    rows: dict[str, list[dict]] = {}
    for row in table.to_pylist():
        rows.setdefault(row["user_id"], []).append(row)
    return rows


def all_tables(users: KnownUsers) -> list[pa.Table]:
    return list(users.tables(0, users.num_users, lambda done: None))


def expected_rows(parts: Parts, user: int) -> list[tuple[int, float, float]]:
    """Item, retrieval score and rating of the best items, from the vectors."""
    users, items = parts.rater._users.numpy()[:, 1:], parts.rater._items.numpy()[:, :-1]
    ratings = items[:-1] @ users[user]
    ratings = np.clip(ratings + parts.biases.mean + parts.biases.user[user] + parts.biases.item[:-1], 1, 5)
    scores = parts.candidates @ parts.queries[user]
    seen = parts.seen.values[parts.seen.row_splits[user] : parts.seen.row_splits[user + 1]]
    left = sorted(set(range(len(parts.items))) - set(seen.tolist()), key=lambda item: -scores[item])
    best = sorted(left[:CANDIDATES], key=lambda item: -(scores[item] + WEIGHT * ratings[item]))
    return [(item, scores[item], ratings[item]) for item in best[:K]]


@pytest.mark.parametrize(("users_per_call", "rows_per_table"), [(256, 2**16), (3, K * 7), (1, 1)])
def test_every_user_gets_the_best_unseen_items_whatever_the_blocks(
    random_parts, version, users_per_call, rows_per_table, monkeypatch
):
    monkeypatch.setattr(known_users, "_MAX_USERS_PER_CALL", users_per_call)
    monkeypatch.setattr(known_users, "_ROWS_AT_ONCE", rows_per_table)
    tables = all_tables(KnownUsers(version, K))
    assert len(tables) == -(-23 // max(1, rows_per_table // K))
    assert all(table.schema == SCHEMA for table in tables)
    found = rows_by_user(pa.concat_tables(tables))
    # To the user who has seen all items nothing is left, and there is no padding.
    assert list(found) == [f"u{user}" for user in range(23) if user != 4]
    assert len(found["u7"]) == 3
    for user in range(23):
        rows, expected = found.get(f"u{user}", []), expected_rows(random_parts, user)
        assert [row["item_id"] for row in rows] == [f"i{item}" for item, _, _ in expected]
        assert [row["title"] for row in rows] == [f"Title of item {item}" for item, _, _ in expected]
        assert [row["rank"] for row in rows] == list(range(1, len(expected) + 1))
        assert [row["retrieval_score"] for row in rows] == pytest.approx([s for _, s, _ in expected], abs=1e-5)
        assert [row["rating"] for row in rows] == pytest.approx([r for _, _, r in expected], abs=1e-5)
        assert [row["score"] for row in rows] == pytest.approx([s + WEIGHT * r for _, s, r in expected], abs=1e-5)


def test_it_is_what_the_model_recommends(version):
    [table] = all_tables(KnownUsers(version, K))
    model = tf.saved_model.load(str(version))
    result = model.recommend(tf.constant(["u0", "u22"]), k=K)
    found = rows_by_user(table)
    for row, user in enumerate(("u0", "u22")):
        assert [row["item_id"].encode() for row in found[user]] == result["item_id"].numpy()[row].tolist()
        assert [row["score"] for row in found[user]] == pytest.approx(result["score"].numpy()[row], abs=1e-6)


def test_a_part_of_the_users_and_how_many_are_done(version, monkeypatch):
    monkeypatch.setattr(known_users, "_ROWS_AT_ONCE", K * 4)
    users, done = KnownUsers(version, K), []
    table = pa.concat_tables(users.tables(8, 18, done.append))
    assert list(rows_by_user(table)) == [f"u{user}" for user in range(8, 18)]
    assert done == [4, 8, 10]
    assert list(users.tables(23, 23, done.append)) == []


def test_more_than_the_catalogue_gives_all_that_is_left(random_parts, version):
    table = pa.concat_tables(all_tables(KnownUsers(version, 50)))
    assert len(table) == 23 * 40 - len(random_parts.seen.values)
    seen = {
        (f"u{user}", f"i{item}") for user, item in zip(random_parts.seen.rows, random_parts.seen.values, strict=True)
    }
    assert seen.isdisjoint({(row["user_id"], row["item_id"]) for row in table.to_pylist()})


def test_a_model_without_ratings_gives_a_table_without_them(random_parts, tmp_path):
    save(random_parts._replace(rater=None, biases=None, scale=None), str(tmp_path), ServingSettings())
    users = KnownUsers(tmp_path, K)
    [table] = all_tables(users)
    assert table.schema == users.schema and set(SCHEMA.names) - set(table.schema.names) == {"rating"}
    assert table["score"].equals(table["retrieval_score"]) and len(table) == 21 * K + 3


def test_scores_held_at_once_are_bounded(version, monkeypatch):
    monkeypatch.setattr(known_users, "_SCORES_AT_ONCE", 200)
    assert KnownUsers(version, K)._users_per_call == 5  # of 40 scores each
    monkeypatch.setattr(known_users, "_SCORES_AT_ONCE", 39)
    assert KnownUsers(version, K)._users_per_call == 1


def test_a_model_without_the_list_of_users_is_one_clear_error(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path))
    with pytest.raises(DataError, match="expected a complete version with all signatures"):
        KnownUsers(tmp_path, K)


def test_a_fingerprint_is_of_the_weights_and_goes_with_a_copy(random_parts, version, tmp_path):
    shutil.copytree(version, tmp_path / "copy")
    assert known_users.fingerprint(tmp_path / "copy") == known_users.fingerprint(version)
    candidates = random_parts.candidates.copy()
    candidates[3, 2] += 1e-3
    other = random_parts._replace(candidates=candidates, rater=synthetic.random_parts(23, 40, 4, 15).rater)
    save(other, str(tmp_path / "other"), ServingSettings(k=2, n_candidates=12, rating_weight=0.5))
    hashes, others = (known_users.fingerprint(Path(path)).split("/") for path in (version, tmp_path / "other"))
    assert hashes[1] != others[1]

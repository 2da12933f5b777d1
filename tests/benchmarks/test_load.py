import asyncio
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.load import Load, export_brute_force, measure
from recommender.serving.recommender import Recommender
from recommender.serving.serving import Served
from schemas.settings import ServingSettings
from small_recommender import NUM_ITEMS, make_parts


def test_each_client_waits_for_its_answer_before_the_next_request() -> None:
    numbers, waiting, most = [], 0, 0

    async def ask(number: int) -> None:
        nonlocal waiting, most
        numbers.append(number)
        waiting += 1
        most = max(most, waiting)
        await asyncio.sleep(0.02)
        waiting -= 1

    load = asyncio.run(measure(ask, clients=5, seconds=0.3))
    assert most == 5 and waiting == 0
    assert sorted(numbers) == list(range(len(numbers))) and len(numbers) == len(load.latencies)
    assert min(load.latencies) >= 0.019 and load.seconds >= 0.3
    assert load.per_second <= 5 / 0.019


def test_a_load_in_numbers() -> None:
    assert str(Load([0.001] * 99 + [0.002, 0.003], 0.5)) == "202 | 1.00 | 2.00"


def test_the_peer_finds_the_products_that_are_highest(tmp_path: Path) -> None:
    parts = make_parts()
    export_brute_force(Served(Recommender(parts), ServingSettings()), tmp_path)
    found = tf.saved_model.load(str(tmp_path)).signatures["serving_default"](user_id=tf.constant(["u3", "nobody"]))
    for row, user in enumerate([3, len(parts.users)]):
        scores = parts.candidates @ parts.queries[user]
        items = [int(id_[1:]) for id_ in found["item_id"].numpy()[row]]
        assert sorted(items) == list(range(NUM_ITEMS))
        assert found["score"].numpy()[row] == pytest.approx(np.sort(scores)[::-1])
        assert found["score"].numpy()[row] == pytest.approx(scores[items])

import numpy as np
import pytest

from benchmarks.events import Events
from benchmarks.sequence_data import original_windows
from benchmarks.sequence_models import recalls
from recommender.training.windows import Windows


def test_the_originals_windows_are_of_each_user_in_order_of_time() -> None:
    rows = [
        # user, item, rating, timestamp; user 1 has two events of at least 2 stars, user 2 four of one second and more.
        *((1, 10, 5, 1), (1, 11, 1, 2), (1, 12, 3, 3)),
        *((2, 23, 4, 9), (2, 21, 2, 5), (2, 22, 3, 5), (2, 24, 1, 7), (2, 25, 5, 10)),
    ]
    user, item, rating, timestamp = (np.array(column) for column in zip(*rows, strict=True))
    pooled = original_windows(Events(user, item, rating.astype(np.float32), timestamp), length=2)
    together = [*zip(pooled.train.context["item"].tolist(), pooled.train.label.tolist(), strict=True)]
    together += zip(pooled.test.context["item"].tolist(), pooled.test.label.tolist(), strict=True)
    assert sorted(together) == [([21, 0], 22), ([21, 22], 23), ([22, 23], 25)]


def test_parts_are_shares_and_never_overlap() -> None:
    size = 201
    events = Events(np.zeros(size, int), np.arange(1, size + 1), np.full(size, 3.0, np.float32), np.arange(size))
    pooled = original_windows(events, length=3)
    assert [len(part.label) for part in pooled] == [180, 162, 18, 20]
    labels = [set(part.label.tolist()) for part in pooled]
    assert labels[1] | labels[2] == labels[0] and not labels[1] & labels[2] and not labels[0] & labels[3]
    again = original_windows(events, length=3)
    assert again.test.label.tolist() == pooled.test.label.tolist() != sorted(pooled.test.label.tolist())


def test_recalls_count_labels_among_the_first_and_share_ties() -> None:
    size = 200
    scores = np.tile(np.arange(size + 1, 0, -1.0), (3, 1))
    scores[2, 101:111] = scores[2, 101]
    windows = Windows({"item": np.array([[1, 2], [0, 0], [0, 0]])}, np.array([11, 12, 105]), np.arange(3), np.ones(3))
    # Item 1 has the highest score, item 2 the next: ranks 11, 12, and ten of equal scores from 101 to 110.
    found = recalls(lambda block: scores, windows)
    assert found["mean rank"] == pytest.approx((11 + 12 + 105.5) / 3)
    assert [found["recall@10"], found["recall@50"], found["recall@100"]] == [0, 2 / 3, 2 / 3]
    left_out = recalls(lambda block: scores, windows, leave_out=True)
    assert left_out["recall@10"] == 1 / 3 and left_out["NDCG@10"] == pytest.approx(1 / np.log2(10) / 3)

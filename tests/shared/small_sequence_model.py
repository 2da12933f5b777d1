"""On-device sequence models whose answers can be computed by hand, in the files that training writes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

NUM_ITEMS, LENGTH, K = 40, 4, 12
IDS = [f"i{number}" for number in range(1, NUM_ITEMS + 1)]


def follower_scores(outlier: float = 0.0, step: int = 1) -> np.ndarray:
    """Makes [NUM_ITEMS + 1, NUM_ITEMS + 1] scores by the context's item i: item i + step first, then those after it.

    Args:
      outlier: a number in the padding row, which does not affect answers, but in 8 bits leaves the others no precision.
      step: 1 for the item that the users of `write` choose next.
    """
    item = np.arange(1, NUM_ITEMS + 1)
    distance = (item[None, :] - item[:, None] - step) % NUM_ITEMS
    scores = np.zeros([NUM_ITEMS + 1, NUM_ITEMS + 1], np.float32)
    scores[1:, 1:] = 1.0 - distance / NUM_ITEMS
    scores[0, 0] = outlier
    return scores


class SmallSequenceModel(tf.Module):
    """Sums the scores of the events' items, with weight 64 for the latest event, and leaves out the context."""

    def __init__(self, table: np.ndarray, needs_flex: bool = False):
        super().__init__()
        self._table = tf.Variable(table, trainable=False)
        ids = tf.constant(["", *IDS])
        entries = tf.lookup.KeyValueTensorInitializer(ids, tf.range(NUM_ITEMS + 1, dtype=tf.int64))
        self._numbers = tf.lookup.StaticHashTable(entries, 0)
        self._ids, self._needs_flex = tf.Variable(ids, trainable=False), needs_flex

    def signatures(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("recommend", "recommend_ids", "scores")}

    @tf.function(input_signature=[tf.TensorSpec([1, LENGTH], tf.int32, "context_item")])
    def recommend(self, context_item: tf.Tensor) -> dict[str, tf.Tensor]:
        item, score = self._best(context_item)
        return {"item": item, "score": score}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "history_item_id")])
    def recommend_ids(self, history_item_id: tf.Tensor) -> dict[str, tf.Tensor]:
        numbers = tf.reshape(tf.cast(self._numbers.lookup(history_item_id), tf.int32), [-1])
        if self._needs_flex:
            numbers *= tf.strings.length(tf.strings.lower(history_item_id)) * 0 + 1
        # LiteRT refuses empty tensors.
        kept = tf.concat([numbers > 0, [True]], axis=0)
        latest = tf.boolean_mask(tf.concat([numbers, [0]], axis=0), kept)[:-1][-LENGTH:]
        context = tf.pad(latest, [[0, LENGTH - tf.size(latest)]])
        item, score = self._best(tf.reshape(context, [1, LENGTH]))
        return {"item_id": tf.gather(self._ids, item), "score": score}

    @tf.function(input_signature=[tf.TensorSpec([None, LENGTH], tf.int32, "context_item")])
    def scores(self, context_item: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"logits": self._score(context_item)[:, 1:]}

    def _score(self, context: tf.Tensor) -> tf.Tensor:
        is_event = context > 0
        is_last = is_event & ~tf.concat([is_event[:, 1:], tf.zeros_like(is_event[:, :1])], axis=1)
        weights = tf.cast(is_event, tf.float32) + 63.0 * tf.cast(is_last, tf.float32)
        return tf.reduce_sum(tf.gather(self._table, context) * weights[:, :, tf.newaxis], axis=1)

    def _best(self, context: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        seen = tf.concat([tf.reshape(context, [LENGTH, 1]), [[0]]], axis=0)
        mask = tf.scatter_nd(seen, tf.constant(np.full(LENGTH + 1, -np.inf, np.float32)), [NUM_ITEMS + 1])
        scores = tf.add_n([tf.reshape(self._score(context), [NUM_ITEMS + 1]), mask])
        best, items = tf.math.top_k(scores, K)
        left = best > -np.inf
        return tf.where(left, items, 0), tf.where(left, best, 0.0)


def write(folder: Path, model: SmallSequenceModel, num_users: int = 30) -> None:
    """Writes a model's folder; in three of four windows, users choose the item after their latest one.

    Args:
      folder: folder with the name of the model.
      model: the model.
      num_users: number of users, with two evaluation windows each.
    """
    tf.saved_model.save(model, str(folder / "saved_model"), signatures=model.signatures())
    random = np.random.default_rng(3)
    train, eval_ = _draw_windows(100, random), _draw_windows(2 * num_users, random)
    np.savez(
        folder / "windows.npz",
        **{
            "train/context_item": train["context_item"],
            **{f"eval/{name}": column for name, column in eval_.items()},
            "eval/user": np.array([b"u%d" % (window // 2) for window in range(2 * num_users)], np.bytes_),
            "popularity": np.arange(NUM_ITEMS, 0, -1),
        },
    )
    items = [{"id": id_, "title": f"Title {id_}", "genres": ["Drama"]} for id_ in IDS]
    (folder / "items.json").write_text(json.dumps(items))
    facts = {
        "name": folder.name,
        "encoder": "bow",
        "k": K,
        "exclude_seen": True,
        "settings": {"embedding_width": NUM_ITEMS},
    }
    (folder / "model.json").write_text(json.dumps(facts))


def _draw_windows(number: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Draws contexts of 1 to LENGTH different items, and labels that are not among them."""
    context, label = np.zeros([number, LENGTH], np.int32), np.zeros(number, np.int32)
    for window in range(number):
        size = int(random.integers(1, LENGTH + 1))
        *items, other = random.choice(np.arange(1, NUM_ITEMS + 1), size + 1, replace=False)
        following = items[-1] % NUM_ITEMS + 1
        label[window] = following if window % 4 and following not in items else other
        context[window, :size] = items
    return {"context_item": context, "label": label, "context_length": (context > 0).sum(axis=1)}

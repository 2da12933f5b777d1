"""Fits a small recommender in a process of its cluster, or on two devices: `fit_on_devices.py FOLDER [mirrored]`.

Writes the vectors to the folder and, as the chief, the model.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.dataset import Dataset
from recommender.interactions.ragged import Ragged
from recommender.library import Model, fit
from recommender.models import fused_adam
from recommender.training.devices import is_chief, training_strategy
from small_interactions import interactions

NUM_USERS, NUM_ITEMS = 60, 40
# Without chance, as devices draw different numbers; with negatives from the batch.
_RETRIEVAL = {
    **{"embedding_dimension": 8, "batch_size": 50, "linear": False, "full_softmax_items": 0, "uniform_negatives": 0},
    **{"dropout": 0.0, "history_dropout": 0.0, "id_dropout": 0.0, "weight_decay": 0.01},
}


def fit_small(strategy: tf.distribute.Strategy | None = None) -> Model:
    """Fits to weighted events of users who choose 12 of the items of their own parity, with a large table, of users."""
    generator = np.random.default_rng(0)
    own = np.arange(NUM_ITEMS).reshape(-1, 2).T
    item = np.concatenate([generator.choice(own[user % 2], 12, replace=False) for user in range(NUM_USERS)])
    user, weight = np.repeat(np.arange(NUM_USERS), 12), 1.0 + item % 3
    nothing = Ragged(np.array([], np.int32), np.zeros(NUM_ITEMS + 1, np.int64))
    dataset = Dataset(
        interactions=interactions(user, item, None, np.arange(len(item)), NUM_USERS, NUM_ITEMS, weight),
        catalogue=Catalogue(NUM_USERS, 0, 0, 0, nothing, nothing, nothing),
        users=[b"u%d" % number for number in range(NUM_USERS)],
        items=[b"i%d" % number for number in range(NUM_ITEMS)],
        genres=[],
        titles=np.array([b""] * NUM_ITEMS),
    )
    fused_adam.MOST_ROWS = (NUM_USERS + NUM_ITEMS) // 2
    return fit(dataset, strategy, retrieval=_RETRIEVAL)


def vectors(model: Model) -> np.ndarray:
    """[NUM_USERS + NUM_ITEMS, width], of all users and items."""
    users, items = ([b"%c%d" % (kind, n) for n in range(size)] for kind, size in ((b"u", NUM_USERS), (b"i", NUM_ITEMS)))
    served = model.served
    found = served.embed_users(tf.constant(users))["embedding"], served.embed_items(tf.constant(items))["embedding"]
    return np.concatenate(found)


def _two_devices() -> tf.distribute.Strategy:
    [cpu] = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    strategy = _two_devices() if sys.argv[2:] else training_strategy()
    model = fit_small(strategy)
    np.save(folder / "vectors.npy", vectors(model))
    if is_chief(strategy):
        model.save(str(folder / "model"))

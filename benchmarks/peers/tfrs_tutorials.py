"""The basic retrieval and ranking tutorials of TensorFlow Recommenders, without their metrics during training."""

import tensorflow as tf
import tensorflow_recommenders as tfrs

from benchmarks.contender import Rating, Retrieval
from benchmarks.protocols import Data
from recommender.interactions.catalogue import Catalogue


def retrieval(data: Data, seed: int) -> Retrieval:
    """Fits two embedding tables of width 32, with Adagrad 0.1 for 3 epochs."""
    model = _fit(_Retrieval, data, seed)
    users, items = model.users.embeddings.numpy(), model.items.embeddings.numpy()[:-1]
    return Retrieval(lambda rows: users[rows] @ items.T)


def rating(data: Data, seed: int) -> Rating:
    """Fits a multilayer perceptron on two embeddings of width 32, with Adagrad 0.1 for 3 epochs."""
    model = _fit(_Ranking, data, seed)
    return Rating(lambda users, items, timestamps: model({"user": users, "item": items}).numpy()[:, 0])


def _fit(model_class: type[tfrs.Model], data: Data, seed: int) -> tfrs.Model:
    tf.keras.utils.set_random_seed(seed)
    model, train = model_class(data.catalogue), data.train
    rows = tf.data.Dataset.from_tensor_slices({"user": train.user, "item": train.item, "rating": train.rating})
    model.compile(optimizer=tf.keras.optimizers.Adagrad(0.1))
    model.fit(rows.shuffle(len(train.user), seed=42).batch(8192).cache(), epochs=3, verbose=0)
    return model


class _Retrieval(tfrs.Model):
    def __init__(self, catalogue: Catalogue):
        super().__init__()
        self.users = tf.keras.layers.Embedding(catalogue.num_users + 1, 32)
        self.items = tf.keras.layers.Embedding(catalogue.num_items + 1, 32)
        self.task = tfrs.tasks.Retrieval()

    def compute_loss(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        return self.task(self.users(inputs["user"]), self.items(inputs["item"]))


class _Ranking(tfrs.Model):
    def __init__(self, catalogue: Catalogue):
        super().__init__()
        self.users = tf.keras.layers.Embedding(catalogue.num_users + 1, 32)
        self.items = tf.keras.layers.Embedding(catalogue.num_items + 1, 32)
        self.ratings = tf.keras.Sequential(
            [
                tf.keras.layers.Dense(256, activation="relu"),
                tf.keras.layers.Dense(64, activation="relu"),
                tf.keras.layers.Dense(1),
            ]
        )
        self.task = tfrs.tasks.Ranking(loss=tf.keras.losses.MeanSquaredError())

    def call(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        return self.ratings(tf.concat([self.users(inputs["user"]), self.items(inputs["item"])], axis=1))

    def compute_loss(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        return self.task(labels=inputs["rating"][:, tf.newaxis], predictions=self(inputs))

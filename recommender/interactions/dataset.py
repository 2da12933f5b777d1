"""The data that a recommender is trained on."""

from typing import NamedTuple

import numpy as np

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.hold_out import hold_out
from recommender.interactions.interactions import Interactions


class Dataset(NamedTuple):
    """Interactions of known users with known items, the content of the items, and ids and names by index.

    users, items, genres: ids and names (bytes) by index. titles: [num_items] bytes.
    """

    interactions: Interactions
    catalogue: Catalogue
    users: list[bytes]
    items: list[bytes]
    genres: list[bytes]
    titles: np.ndarray


def split(dataset: Dataset, share: float = 0.2, method: str = "random", seed: int = 42) -> tuple[Dataset, Interactions]:
    """Splits a data set into one to train on and interactions to evaluate with.

    In the latter, users without training interactions have the indices from the number of training users on.

    Args:
      dataset: all data.
      share: share of the interactions to evaluate with, in (0, 1).
      method: `random` holds out pairs of user and item by a seeded hash; `time` holds out the latest interactions,
        without repeats of training pairs; `last` holds out each user's last interaction, whatever the share. A pair is
        evaluated once, by its first interaction held out. Pass the same method to `fit`.
      seed: seed of the hash, at least 0.

    Raises:
      DataError: one of the parts is empty, or the method is `time` and no interaction has a time.
    """
    # Negative, unlike the seeds of `fit`: the same seed would hold out next to nothing of what it left here.
    divided = hold_out(dataset.interactions, share, method, -1 - seed)
    fitted = divided.fitted
    known = np.unique(fitted.user)
    order = np.append(known, np.setdiff1d(np.arange(len(dataset.users)), known))
    index = np.append(np.argsort(order), len(order))
    train = fitted.with_users(np.minimum(index, len(known)), len(known))
    test = divided.held_out.with_users(index, len(order))
    users = [dataset.users[user] for user in known]
    catalogue = dataset.catalogue._replace(num_users=len(known))
    return dataset._replace(interactions=train, users=users, catalogue=catalogue), test

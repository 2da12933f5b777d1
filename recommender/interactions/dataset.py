"""All that a recommender is trained on."""

from typing import NamedTuple

import numpy as np

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.interactions import Interactions


class Dataset(NamedTuple):
    """Interactions of known users with known items, what is known of the items, and what the indices stand for.

    users, items, genres: ids and names (bytes) by index. titles: [num_items] bytes.
    """

    interactions: Interactions
    catalogue: Catalogue
    users: list[bytes]
    items: list[bytes]
    genres: list[bytes]
    titles: np.ndarray

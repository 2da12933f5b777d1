"""The events of the raw examples as columns of indices."""

import numpy as np

from recommender.interactions.examples import EVENT, TEXT, read_batches
from recommender.interactions.interactions import Interactions
from schemas import signatures as names
from schemas.errors import DataError


def read_split(split: str, items: dict[bytes, int], users: dict[bytes, int]) -> Interactions:
    """Reads the rating examples in a folder, a batch at a time, since strings take much memory.

    Args:
      split: the folder.
      items: the catalogue's indices by id; their number stands for other items.
      users: the users' indices by id; new users are added.

    Raises:
      DataError: there are no examples.
    """
    spec = {names.USER_ID: TEXT, names.ITEM_ID: TEXT, names.RATING: EVENT[names.RATING]}
    spec |= {names.TIMESTAMP: EVENT[names.TIMESTAMP]}
    parts = []
    for batch in read_batches([f"{split}/*"], spec):
        user = [users.setdefault(user, len(users)) for user in batch[names.USER_ID].tolist()]
        item = [items.get(item, len(items)) for item in batch[names.ITEM_ID].tolist()]
        columns = np.array(user, np.int32), np.array(item, np.int32)
        parts.append((*columns, batch[names.RATING], batch[names.TIMESTAMP]))
    if not parts:
        raise DataError(f"no examples in {split}; run the data steps again")
    user, item, rating, timestamp = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Interactions.of(user, item, rating, timestamp, len(users), len(items))

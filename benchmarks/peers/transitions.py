"""A Markov chain of first order: which items follow which."""

import numpy as np
from scipy import sparse

from benchmarks.contender import Refusal, Retrieval
from benchmarks.peers.baselines import least, sorted_events
from benchmarks.protocols import Data


def fit(data: Data, seed: int, memory: int, window: int) -> Retrieval:
    """Scores items by how often they followed the user's latest items.

    The score is the sum over the latest items, with weights 1, 1/2, 1/3, ..., of the shares of the events after this
    item, which are counted with weights 1, 1/2, 1/3, ... by distance. With 1 and 1, this is the plain Markov chain.

    Args:
      data: events.
      seed: not used.
      memory: number of a user's latest events that count.
      window: largest distance of two events of a user that are counted.

    Raises:
      Refusal: the protocol is not one in which the test comes after the training events.
    """
    if data.protocol not in ("time", "last"):
        raise Refusal(f"expected a test that comes after the training events, got the protocol {data.protocol}")
    events = sorted_events(data)
    size = data.catalogue.num_items
    follows = sparse.csr_matrix((size, size), dtype=np.float32)
    for distance in range(1, window + 1):
        same = events.user[distance:] == events.user[:-distance]
        cells = events.item[:-distance][same], events.item[distance:][same]
        follows += sparse.csr_matrix((np.full(same.sum(), 1 / distance, np.float32), cells), (size, size))
    totals = np.maximum(np.asarray(follows.sum(axis=1)).ravel(), 1e-9)
    follows = sparse.diags(1 / totals).astype(np.float32) @ follows
    age = events.row_splits[events.user + 1] - np.arange(len(events))
    late = age <= memory
    cells = events.user[late], events.item[late]
    latest = sparse.csr_matrix(((1 / age[late]).astype(np.float32), cells), (data.catalogue.num_users, size))
    last = least(data)
    return Retrieval(lambda users: (latest[users] @ follows).toarray() + last)

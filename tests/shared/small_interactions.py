"""Interactions from columns of numbers of any type."""

from collections.abc import Sequence

import numpy as np

from recommender.interactions.hold_out import HoldOut, hold_out
from recommender.interactions.interactions import Interactions
from schemas.settings import Settings

Column = np.ndarray | Sequence[float]


def interactions(
    user: Column,
    item: Column,
    rating: Column | float | None,
    timestamp: Column | None,
    num_users: int | None = None,
    num_items: int | None = None,
    weight: Column | None = None,
) -> Interactions:
    """Makes interactions; the numbers of users and items are derived from the largest indices unless given."""
    users, items = np.array(user, np.int32), np.array(item, np.int32)
    return Interactions.of(
        user=users,
        item=items,
        rating=None if rating is None else np.broadcast_to(np.array(rating, np.float32), users.shape),
        timestamp=None if timestamp is None else np.array(timestamp),
        num_users=int(users.max()) + 1 if num_users is None else num_users,
        num_items=int(items.max()) + 1 if num_items is None else num_items,
        weight=None if weight is None else np.array(weight, np.float32),
    )


def divided(events: Interactions, settings: Settings) -> HoldOut:
    """Divides events as the Trainer does."""
    training = settings.training
    return hold_out(events, training.validation_share, settings.split.method, training.seed)

"""A hash that is the same in every process and on every machine, over columns."""

import numpy as np


def mix(values: np.ndarray) -> np.ndarray:
    """Returns [n] uint64 in which every bit depends on every bit of `values` (the finalizer of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def seeded_share(values: np.ndarray, seed: int) -> np.ndarray:
    """Returns [n] floats spread evenly over `[0, 1)`, the same for equal `values`, [n] uint64, and equal seeds."""
    salt = mix(np.array([seed % 2**64], np.uint64) + np.uint64(0x9E3779B97F4A7C15))
    return mix(values ^ salt) / 2.0**64

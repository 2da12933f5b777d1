"""Whether this machine has semaphores in /dev/shm, which Beam's threads need for locks."""

import multiprocessing

import pytest


def _are_there() -> bool:
    try:
        multiprocessing.Lock()
    except OSError:
        return False
    return True


needed = pytest.mark.skipif(not _are_there(), reason="Beam needs semaphores, and /dev/shm is missing or unusable here")
"""Marks a test in which Beam writes text, statistics or metrics."""

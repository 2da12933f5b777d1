"""Whether this machine has what Beam's threads lock with: semaphores in /dev/shm."""

import multiprocessing

import pytest


def _are_there() -> bool:
    try:
        multiprocessing.Lock()
    except OSError:
        return False
    return True


needed = pytest.mark.skipif(not _are_there(), reason="Beam needs semaphores, and /dev/shm is absent or closed here")
"""Marks a test in which Beam writes text, statistics or metrics."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Without huge pages, which some systems hand out unasked: faults while 64 MiB are filled and given up twenty times.
PROGRAM = """
import ctypes, resource
PR_SET_THP_DISABLE = 41
ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
from pipeline import tensorflow_environment
tensorflow_environment.prepare()
import tensorflow as tf
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
make = lambda: tf.fill([2**24], 1.0)
for _ in range(3): make()
before = faults()
for _ in range(20): make()
print(tf.keras.layers.Layer.__module__, faults() - before)
"""


@pytest.mark.parametrize(("given", "is_kept"), [({}, True), ({"TF_CPU_ALLOCATOR_USE_BFC": "0"}, False)])
def test_keras_2_and_memory_that_is_kept_unless_said_otherwise(given, is_kept):
    environment = {"PATH": os.environ["PATH"], "TF_CPP_MIN_LOG_LEVEL": "3"} | given
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    keras, faults = process.stdout.split()
    assert keras.startswith("tf_keras.")
    assert (int(faults) < 20 * 1_000) == is_kept

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import tensorflow_environment

ROOT = Path(__file__).parents[2]
MACHINE = {"SC_PHYS_PAGES": 3 * 2**20, "SC_PAGE_SIZE": 4096}  # 12 GiB


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"TF_CPU_ALLOCATOR_USE_BFC": "0"},
        {"TF_CPU_BFC_MEM_LIMIT_IN_MB": "500"},
        {"TF_CPU_ALLOCATOR_USE_BFC": "0", "TF_CPU_BFC_MEM_LIMIT_IN_MB": "500"},
    ],
)
def test_memory_is_kept_up_to_that_of_the_machine_unless_the_user_says_otherwise(monkeypatch, given):
    monkeypatch.setattr(tensorflow_environment.os, "sysconf", MACHINE.__getitem__)
    monkeypatch.setattr(tensorflow_environment.os, "environ", environment := {**given})
    tensorflow_environment.prepare()
    expected = {"TF_CPU_ALLOCATOR_USE_BFC": "1", "TF_CPU_BFC_MEM_LIMIT_IN_MB": "12288"} | given
    assert environment == expected | {"TF_USE_LEGACY_KERAS": "1"}


# Five tensors of 1,200 bytes: the allocator that keeps memory counts them, and in multiples of 256 bytes.
PROGRAM = """
from pipeline import tensorflow_environment
tensorflow_environment.prepare()
import tensorflow as tf
in_use = lambda: tf.config.experimental.get_memory_info("CPU:0")["current"]
before = in_use()
tensors = [tf.fill([300], 1.0) for _ in range(5)]
print(tf.keras.layers.Layer.__module__, in_use() - before)
"""


@pytest.mark.parametrize(("given", "in_use"), [({}, 5 * 1280), ({"TF_CPU_ALLOCATOR_USE_BFC": "0"}, 0)])
def test_tensorflow_reads_it(tmp_path, given, in_use):
    others = {"TF_USE_LEGACY_KERAS": "0", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    # Keras writes its settings into the home folder.
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)} | others | given
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    keras, counted = process.stdout.split()
    assert keras.startswith("tf_keras.")
    assert int(counted) == in_use

"""Environment variables that TensorFlow (2.16 to 2.21) reads when it is imported."""

import os


def prepare() -> None:
    """Sets the variables for this process and its children; to be called before TensorFlow is imported.

    They choose Keras 2, which TensorFlow Recommenders needs, and an allocator that keeps the memory of a tensor for the
    next one. The C library's allocator returns the memory of large tensors, and the kernel clears it again for each,
    which takes half of a batch's time with many users. The allocator's variables are left alone if they are set.
    """
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "1")
    # The default is 64 GiB, on any machine.
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    os.environ.setdefault("TF_CPU_BFC_MEM_LIMIT_IN_MB", str(memory // 2**20))

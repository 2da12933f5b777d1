"""What TensorFlow reads from the environment when it is imported."""

import os


def prepare() -> None:
    """Sets it for this process and those it starts; to be called before TensorFlow is imported.

    Keras 2, which TensorFlow Recommenders needs. And an allocator that keeps the memory of a tensor for the next one:
    the C library's gives that of large ones back, and the kernel clears it anew for each, which takes half of a batch's
    time with many users. Its variables stay as they are where they are set already.
    """
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "1")
    # Else 64 GiB, on any machine.
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    os.environ.setdefault("TF_CPU_BFC_MEM_LIMIT_IN_MB", str(memory // 2**20))

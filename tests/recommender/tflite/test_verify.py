from pathlib import Path

import numpy as np
import pytest

from recommender.tflite import verify


def test_what_litert_cannot_run_is_an_error_with_its_reason(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"no model")
    with pytest.raises(RuntimeError, match=r"broken\.tflite cannot be run by LiteRT: .*"):
        verify.check(broken, "rate", [{"user_id": np.array([b"ann"])}])

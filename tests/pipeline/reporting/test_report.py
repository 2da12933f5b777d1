import io
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.node import Node
from pipeline.reporting import report


class _Pushed:
    def __init__(self, version: Path, **properties: int):
        self._version, self._properties = version, properties

    def get_string_custom_property(self, name: str) -> str:
        return str(self._version)

    def get_int_custom_property(self, name: str) -> int:
        return self._properties.get(name, 0)


@pytest.mark.parametrize(
    ("properties", "reused", "said"),
    [
        ({"is_new": 1}, False, "Blessed, pushed as the newest version"),
        ({"is_new": 1}, True, "Blessed, unchanged: the newest version is still"),
        ({}, False, "Blessed, unchanged: the newest version is still"),
        ({"is_withdrawn": 1}, False, "Blessed, but not pushed: a rollback has withdrawn this model"),
        ({"is_withdrawn": 1}, True, "Blessed, but not pushed: a rollback has withdrawn this model"),
    ],
)
def test_it_says_what_is_served_now(tmp_path, properties, reused, said):
    shown = io.StringIO()
    node = Node({"pushed_model": [_Pushed(tmp_path / "17", **properties)]}, reused)
    assert report._show_pushed(node, Console(file=shown, width=200)) == tmp_path / "17"
    assert shown.getvalue().startswith(said) and str(tmp_path / "17") in shown.getvalue()

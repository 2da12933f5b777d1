import io
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.reporting import terminal

ROOT = Path(__file__).parents[3]
PROGRAM = """
import os, sys
from pathlib import Path
from pipeline.reporting import terminal
with terminal.captured(Path(sys.argv[1]), verbose=sys.argv[2] == "verbose") as console:
    print("a library's noise")
    os.write(2, b"native noise\\n")
    console.print("what matters")
print("afterwards")
"""


@pytest.mark.parametrize("mode", ["quiet", "verbose"])
def test_noise_goes_to_the_file_and_what_matters_stays(tmp_path, mode):
    log = tmp_path / "log.txt"
    command = [sys.executable, "-c", PROGRAM, str(log), mode]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert sorted(log.read_text().splitlines()) == ["a library's noise", "native noise"]
    assert process.stdout == "what matters\nafterwards\n"
    assert process.stderr == (log.read_text() if mode == "verbose" else "")


def test_a_literal_text_keeps_line_ends_and_shows_other_control_characters(capsys):
    text = "two\nlines \x1b[31m [red]x[/] \\ \t é 👩‍🚀"
    Console(file=sys.stdout, emoji=False).print(terminal.escape(text))
    terminal.print_error(ValueError(text))
    written = capsys.readouterr()
    shown = "two\nlines \\x1b[31m [red]x[/] \\ \\t é 👩‍🚀\n"
    assert (written.out, written.err) == (shown, shown)


TITLES = r"""
import sys
from pathlib import Path
from pipeline.reporting import terminal
terminal.show_any_text()
print("Mis\u00e9rables \udcff")
with terminal.captured(Path(sys.argv[1]), verbose=False) as console:
    console.print("V\u00e9ronique \udcff")
"""


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("ascii", "Mis?rables ?\nV?ronique ?\n"),
        ("latin-1", "Mis\u00e9rables ?\nV\u00e9ronique ?\n"),
        ("utf-8", "Mis\u00e9rables ?\nV\u00e9ronique ?\n"),
    ],
)
def test_what_an_encoding_lacks_is_a_question_mark(tmp_path, encoding, expected):
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    command = [sys.executable, "-c", TITLES, str(tmp_path / "log.txt")]
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    assert process.stdout.decode(encoding) == expected


def _shown(is_terminal: bool, kind: str = "xterm") -> str:
    output = io.StringIO()
    console = Console(file=output, force_terminal=is_terminal, width=100, color_system=None, _environ={"TERM": kind})
    view = terminal.StepView(console, steps=2)
    with view.shown():
        view.start("Trainer")
        view.start("Sequences")
        view.say("Sequences", logging.DEBUG, "bow: 4 of 5", ("bow", 4, 5))
        view.say("Trainer", logging.DEBUG, "epoch 1/2: 3 of 10", ("two-tower epoch 1/2", 3, 10))
        view.say("Trainer", logging.INFO, "two-tower: 2 epochs")
        view.end("Sequences")
        view.end("Trainer", "unchanged, reused")
    return output.getvalue()


@pytest.mark.parametrize("options", [{"is_terminal": False}, {"is_terminal": True, "kind": "dumb"}])
def test_where_nothing_can_be_drawn_there_are_lines_and_no_bars(options):
    lines = [re.sub(r" +", " ", line) for line in _shown(**options).splitlines()]
    assert lines == [
        "[ 1/2] Trainer started",
        "[ 2/2] Sequences started",
        " Sequences: bow: 4 of 5",
        " Trainer: epoch 1/2: 3 of 10",
        " Trainer: two-tower: 2 epochs",
        "[ 2/2] Sequences 0.0 s",
        "[ 1/2] Trainer 0.0 s unchanged, reused",
    ]


def test_on_a_terminal_each_running_step_has_its_bars_below_its_name():
    bars = _shown(is_terminal=True).split("Trainer: two-tower: 2 epochs")[1].split("\x1b")[0].splitlines()
    labels = [re.split(" *━", line)[0][2:] for line in bars[1:]]
    assert labels == ["[ 1/2] Trainer", "        two-tower epoch 1/2", "[ 2/2] Sequences", "        bow"]
    assert "4/5" in bars[4]


def test_the_descriptors_are_given_back(tmp_path):
    before = set(os.listdir("/proc/self/fd"))
    with terminal.captured(tmp_path / "log.txt", verbose=True):
        print("noise")
    assert set(os.listdir("/proc/self/fd")) == before

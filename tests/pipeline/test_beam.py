import functools
import subprocess
import sys
from pathlib import Path

from pipeline import beam
from schemas.settings import BeamSettings

ROOT = Path(__file__).parents[2]


def test_one_worker_runs_in_memory_and_more_in_processes():
    assert not any("direct" in argument for argument in beam.arguments(BeamSettings()))
    assert "--direct_num_workers=3" in beam.arguments(BeamSettings(workers=3))


def test_remembered_signatures_are_those_that_beam_finds(monkeypatch):
    from apache_beam.transforms import core

    class Doer(core.DoFn):
        def process(self, element, window=core.DoFn.WindowParam, *rest, flag=1):
            yield element

    doer = Doer()
    functions = [
        Doer.process,
        doer.process,
        Doer().process,
        lambda a, b=2: a,
        functools.partial(pow, 2),
        len,
        str.strip,
        Doer,
        doer.process,
        Doer.process,
    ]
    expected = [core.get_function_args_defaults(function) for function in functions]
    monkeypatch.setattr(core, "get_function_args_defaults", core.get_function_args_defaults)
    beam.remember_signatures()
    for _ in range(2):
        assert [core.get_function_args_defaults(function) for function in functions] == expected
    # What is handed out may be changed by the caller without harm.
    core.get_function_args_defaults(doer.process)[0].clear()
    assert core.get_function_args_defaults(doer.process) == expected[1]


def test_the_arguments_name_a_runner_that_runs_a_pipeline():
    program = (
        "import apache_beam\n"
        "from pipeline import beam\n"
        "from schemas.settings import BeamSettings\n"
        "beam.remember_signatures()\n"
        "with apache_beam.Pipeline(argv=beam.arguments(BeamSettings())) as pipeline:\n"
        "    pipeline | apache_beam.Create([3, 4]) | apache_beam.CombineGlobally(sum) | apache_beam.Map(print)\n"
        "print(type(pipeline.runner).__name__)\n"
    )
    process = subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert process.stdout.split() == ["7", "FnApiRunner"], process.stderr

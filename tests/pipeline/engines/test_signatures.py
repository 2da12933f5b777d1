import functools

import pytest
from apache_beam.runners.common import DoFnSignature
from apache_beam.transforms import core

from pipeline.engines.signatures import remember_signatures


class Doer(core.DoFn):
    def process(self, element, window=core.DoFn.WindowParam, *rest, flag=1):
        yield element


@pytest.fixture(autouse=True)
def beam_is_left_as_it_was(monkeypatch):
    monkeypatch.setattr(core, "get_function_args_defaults", core.get_function_args_defaults)


def test_remembered_signatures_are_those_that_beam_finds():
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
    remember_signatures()
    for _ in range(2):
        assert [core.get_function_args_defaults(function) for function in functions] == expected
    # What is handed out may be changed by the caller without harm.
    core.get_function_args_defaults(doer.process)[0].clear()
    assert core.get_function_args_defaults(doer.process) == expected[1]


def test_beam_examines_a_function_again_unless_it_is_remembered(monkeypatch):
    examine, examined = core.get_function_args_defaults, []

    def count(function):
        examined.append(getattr(function, "__func__", function))
        return examine(function)

    monkeypatch.setattr(core, "get_function_args_defaults", count)
    for _ in range(3):
        DoFnSignature(Doer())
    assert examined.count(Doer.process) >= 3, "Beam remembers by itself: the trick is not needed"
    examined.clear()
    remember_signatures()
    for _ in range(3):
        DoFnSignature(Doer())
    assert examined.count(Doer.process) == 1

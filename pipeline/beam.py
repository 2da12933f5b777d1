"""Beam engine to Beam arguments."""

import weakref
from collections.abc import Callable
from typing import Any

from schemas.settings import BeamSettings

# Named in full: `DirectRunner` would first look for another runner on the network.
_RUNNERS = {"direct": "apache_beam.runners.portability.fn_api_runner.FnApiRunner"}


def arguments(settings: BeamSettings) -> list[str]:
    """Command-line arguments that make Beam run on the engine of the settings."""
    # No container is involved; saying so spares TFX building a package of itself for every step, two seconds each.
    arguments = [f"--runner={_RUNNERS[settings.engine]}", "--sdk_container_image=none"]
    if settings.workers > 1:
        arguments += [f"--direct_num_workers={settings.workers}", "--direct_running_mode=multi_processing"]
    return arguments


def remember_signatures() -> None:
    """Lets Beam examine the signature of a function once, in this process.

    Beam 2.74 does it again for every method of every DoFn of every bundle: up to a fifth of the time of a step whose
    graph is large and whose data is small, as Transform's and the Evaluator's are here.
    """
    from apache_beam.transforms import core

    examine = core.get_function_args_defaults
    known: weakref.WeakKeyDictionary[Any, dict[bool, tuple[list[str], list[Any]]]] = weakref.WeakKeyDictionary()

    def remembered(function: Callable[..., Any]) -> tuple[list[str], list[Any]]:
        # A bound method is made anew at every access; what it binds decides only whether `self` is left out.
        plain = getattr(function, "__func__", function)
        try:
            by_binding = known.setdefault(plain, {})
        except TypeError:  # neither hashable nor weakly referable
            return examine(function)
        if (plain is function) not in by_binding:
            by_binding[plain is function] = examine(function)
        arguments, defaults = by_binding[plain is function]
        return list(arguments), list(defaults)

    core.get_function_args_defaults = remembered

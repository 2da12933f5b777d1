"""Beam's examination of functions.

Beam (2.74 to 2.77) examines the signature of every method of every DoFn of every bundle again, by
`apache_beam.transforms.core.get_function_args_defaults`. That is up to a fifth of the time of a step whose graph is
large and whose data is small, as those of Transform are here. There is no option for it, so the function is replaced by
one that remembers.
"""

import weakref
from collections.abc import Callable
from typing import Any


def remember_signatures() -> None:
    """Lets Beam examine the signature of a function once, in this process."""
    from apache_beam.transforms import core

    examine = core.get_function_args_defaults
    known: weakref.WeakKeyDictionary[Any, dict[bool, tuple[list[str], list[Any]]]] = weakref.WeakKeyDictionary()

    def remembered(function: Callable[..., Any]) -> tuple[list[str], list[Any]]:
        # Every access makes another bound method; what it binds decides only whether `self` is left out.
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

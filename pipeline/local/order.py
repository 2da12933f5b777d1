"""The order in which the steps of a local run are started."""

from collections.abc import Callable, Collection, Mapping

from pipeline.node import Node


def run_all(
    upstream: Mapping[str, Collection[str]],
    jobs: int,
    start: Callable[[str], None],
    wait: Callable[[], tuple[str, Node | Exception]],
) -> dict[str, Node]:
    """Runs each step as soon as the steps that it depends on have ended, the one with most steps to follow first.

    After a failure no step is started; those that run continue to their ends, so that their results are kept.

    Args:
      upstream: the steps that each step depends on, in an order in which they could run one by one.
      jobs: maximum number of steps at the same time.
      start: starts a step.
      wait: waits for the end of any step that runs; returns its name and its result or error.

    Returns:
      The results by step.

    Raises:
      Exception: the error of the step that failed first.
    """
    depths = _depths(upstream)
    waiting = sorted(upstream, key=lambda name: -depths[name])
    running: set[str] = set()
    done: dict[str, Node] = {}
    failure: Exception | None = None
    while True:
        ready = [name for name in waiting if done.keys() >= set(upstream[name])] if failure is None else []
        for name in ready[: jobs - len(running)]:
            waiting.remove(name)
            running.add(name)
            start(name)
        if not running:
            break
        name, outcome = wait()
        running.remove(name)
        if isinstance(outcome, Exception):
            failure = failure or outcome
        else:
            done[name] = outcome
    if failure:
        raise failure
    return done


def _depths(upstream: Mapping[str, Collection[str]]) -> dict[str, int]:
    """The number of steps in the longest chain that each step begins."""
    depths = dict.fromkeys(upstream, 1)
    for name in reversed(list(upstream)):
        for above in upstream[name]:
            depths[above] = max(depths[above], depths[name] + 1)
    return depths

"""Chooses, fits and measures one contender."""

import functools
import time
from typing import NamedTuple

from benchmarks.contender import Contender, Rating, Refusal, Retrieval
from benchmarks.judging import judge
from benchmarks.protocols import Data
from benchmarks.results import CPU_SECONDS, Result
from benchmarks.tuning import MEASURES, Tuned, tune
from schemas.settings import Settings


class Budget(NamedTuple):
    """The seeds of the fits, and the most fits to choose a peer's hyperparameters."""

    seeds: list[int]
    fits: int


def run(contender: Contender, data: Data, settings: Settings, budget: Budget) -> list[Result]:
    """Returns the measures of a contender, and those of a rating model as it is served; nothing if it cannot take part.

    The hyperparameters are chosen once, with the first seed. A deterministic contender is fitted with one seed only.
    """
    if contender.kind == "rating":
        if not data.train.has_ratings:
            return []
        data = data.rated

    def say(text: str, name: str = contender.name) -> None:
        print(f"{data.protocol} {name}: {text}", flush=True)

    try:
        fit, tuned = contender.load(), None
        if contender.ours:
            fit = functools.partial(fit, settings=settings)
        if contender.space:
            tuned = tune(contender, data, budget.seeds[0], budget.fits, say)
            fit = functools.partial(fit, **tuned.chosen)
        results = _empty(contender, data, tuned)
        for seed in budget.seeds[:1] if contender.deterministic else budget.seeds:
            begin = time.process_time()
            fitted = fit(data, seed)
            seconds = time.process_time() - begin
            for result, model in zip(results, _ways(fitted), strict=False):
                values, by_user = judge(model, data)
                result.runs.append(values | {CPU_SECONDS: seconds})
                result.by_user.append(by_user)
                measure = "RMSE" if contender.kind == "rating" else MEASURES[data.protocol]
                say(f"seed {seed}: {measure} {values[measure]:.4f} after {seconds:.1f} CPU s", result.name)
    except Refusal as refusal:
        say(str(refusal))
        return []
    return [result for result in results if result.runs]


def _ways(fitted: Retrieval | Rating) -> list[Retrieval | Rating]:
    """Returns the model, and a rating model that reads the times also without them."""
    if isinstance(fitted, Retrieval) or fitted.served is None:
        return [fitted]
    served = fitted.served
    return [fitted, Rating(lambda users, items, timestamps: served(users, items))]


def _empty(contender: Contender, data: Data, tuned: Tuned | None) -> list[Result]:
    """Returns results without runs: of the model, and of it as it is served."""
    catalogue, train = data.catalogue, data.train
    has = {
        "ratings": True,
        "times": train.has_times,
        "order": train.has_times or train.position is not None,
        "content": max(catalogue.num_genres, catalogue.num_title_words) > 0,
    }
    reads = tuple(name for name in contender.reads if has[name])
    served = tuple("times of training" if name == "times" else name for name in reads)
    return [
        Result(contender.name, contender, data.protocol, reads, [], [], tuned),
        Result(f"{contender.name}, as served", contender, data.protocol, served, [], [], tuned),
    ]

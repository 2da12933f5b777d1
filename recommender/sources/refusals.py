"""Why a run would refuse data that can be read."""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from recommender.sources.profile import FileCounts, Profile
from recommender.sources.rows import Reject
from schemas.metrics import METRICS
from schemas.settings import DataSettings, Settings

SHOWN = 60
"""Characters of a value."""
_EXAMPLES = 3
_FEWEST_PAIRS = 20
_UNWEIGHTED = "event-without-weight"
_SECTION = re.compile(r"\d+:")


class Suspicion(NamedTuple):
    """Something to look at. severity: with an error, a run would stop. code: of the kind."""

    severity: Literal["warning", "error"]
    code: str
    text: str


def find_errors(profile: Profile, settings: Settings) -> Iterator[Suspicion]:
    """Yields the reasons to refuse the data.

    Args:
      profile: of the data.
      settings: `data`, by which they were read, and `split` and `gate`, which may ask for times or ratings.
    """
    for file, counts in (profile.counts | profile.item_counts).items():
        yield from _of_rejects(file, counts, settings.data)
    if not profile.accepted and any(counts.left_out for counts in profile.counts.values()):
        types = ", ".join(repr(note.value[:SHOWN]) for note in profile.notes if note.code == _UNWEIGHTED)
        text = (
            f"no event has a type with a weight in [data.events]; the types in the data are {types}. Add their weights"
        )
        yield Suspicion("error", "no-event-with-a-weight", text)
        return
    yield from _of_size(profile)
    yield from _of_needs(profile, settings)
    if profile.described is not None and len(profile.rated):
        yield from _of_items(profile, profile.described, settings.data)


def has_ratings(profile: Profile) -> bool:
    """Whether the data have ratings to learn from: those that are all equal are none."""
    return profile.rating is not None and profile.rating.min < profile.rating.max


def _of_rejects(file: str, counts: FileCounts, data: DataSettings) -> Iterator[Suspicion]:
    if counts.rejected > data.max_reject_share * counts.rows:
        first = "; ".join(map(_described, counts.examples[:_EXAMPLES]))
        text = (
            f"{file}: {counts.rejected:,} of {counts.rows:,} rows cannot be used "
            f"({counts.rejected / counts.rows:.2%}); "
            f"at most {data.max_reject_share:.2%} may be rejected. {first}. Fix the rows, or raise "
            "data.max_reject_share"
        )
        yield Suspicion("error", "too-many-rejects", text)
    sections = [reject.content for reject in counts.listed if _SECTION.fullmatch(reject.content)]
    if len(sections) > 1:
        text = (
            f"{file}: lines such as {sections[0]!r} name an item or user for the rows after them; expected the user "
            "and the item in every row. Write them into each row first"
        )
        yield Suspicion("error", "sections", text)


def _described(reject: Reject) -> str:
    return f"line {reject.line}: {reject.reason}" + (f": {reject.value[:SHOWN]!r}" if reject.value else "")


def _of_size(profile: Profile) -> Iterator[Suspicion]:
    for kind, ids in (("user", profile.users), ("item", profile.rated)):
        if len(ids) < 2:
            text = (
                f"{len(ids)} {kind}{'' if len(ids) == 1 else 's'} in {profile.accepted:,} usable rows; expected at "
                f"least two. Check that data.columns.{kind} names the right column"
            )
            yield Suspicion("error", f"too-few-{kind}s", text)
    pairs = profile.accepted - profile.repeats
    if pairs < _FEWEST_PAIRS and min(len(profile.users), len(profile.rated)) > 1:
        text = (
            f"{pairs} different pairs of a user and an item; expected at least {_FEWEST_PAIRS} to train and evaluate. "
            "Give more data, or check data.columns"
        )
        yield Suspicion("error", "too-few-events", text)


def _of_needs(profile: Profile, settings: Settings) -> Iterator[Suspicion]:
    if settings.split.method == "time" and profile.first is None:
        text = (
            'no event has a time, which split.method = "time" needs. Set split.method to "random" or "last", or name '
            "the column of the times in data.columns.timestamp"
        )
        yield Suspicion("error", "no-times", text)
    judged = [*settings.gate.thresholds, *(floor.metric for floor in settings.gate.slices)]
    metrics = [name for name in judged if METRICS[name].of_ratings]
    if metrics and not has_ratings(profile):
        text = (
            f"[gate] has bounds for {', '.join(metrics)}, which measure predicted ratings, and the data have no "
            "ratings that differ. Remove these bounds, or name the column of the ratings in data.columns.rating"
        )
        yield Suspicion("error", "no-ratings", text)


def _of_items(profile: Profile, described: frozenset[str], data: DataSettings) -> Iterator[Suspicion]:
    share = profile.described_items / len(profile.rated)
    if share >= data.min_described_share:
        return
    rated = [item for item in profile.rated.index if item not in described][:_EXAMPLES]
    text = (
        f"the items file has {share:.1%} of the rated items; at least {data.min_described_share:.1%} are expected "
        f"(data.min_described_share). Rated: {_quoted(rated)}; in the items file: "
        f"{_quoted(sorted(described)[:_EXAMPLES])}. "
        "Check data.item_columns.item, and that both files write ids the same way" + _encodings(profile, rated)
    )
    yield Suspicion("error", "items-do-not-match", text)


def _encodings(profile: Profile, examples: list[str]) -> str:
    """What to check if ids hold letters that depend on the encoding."""
    if profile.items is None or "".join(examples).isascii():
        return ""
    found = " and ".join(inferred.layouts[0].encoding for inferred in (profile.ratings, profile.items))
    return f", also in the encodings that were detected ({found}; data.encoding sets another)"


def _quoted(values: list[str]) -> str:
    return ", ".join(repr(value[:SHOWN]) for value in values)

"""What is probably wrong in data that can be read, and what must be wrong in data that cannot be used."""

import re
from collections.abc import Iterator

import numpy as np

from recommender.sources.profile import FileCounts, Profile, RatingRange
from recommender.sources.refusals import SHOWN, Suspicion, find_errors, has_ratings
from recommender.sources.rows import Note
from recommender.sources.spellings import same_names, spelling_key
from schemas.settings import DataSettings, Settings

_EXAMPLES = 3
_HEAVY_SHARE = 0.1
_LARGE_RATING = 100
_FREQUENT = 0.3
_HEAVY_TIMES_MEAN = 2
_LIST = re.compile(r"\s*[\[({].*[\])}]\s*")
_LIST_SEPARATORS = (", ", ",", ";", "/", "|")


def find_suspicions(profile: Profile, settings: Settings) -> list[Suspicion]:
    """Returns all that is suspicious, errors first.

    Args:
      profile: of the data.
      settings: `data`, by which they were read, and `split` and `gate`, which may ask for times or ratings.
    """
    data = settings.data
    found = [
        *find_errors(profile, settings),
        *_of_files(profile),
        *_of_notes(profile.notes, data),
        *_of_values(profile, data),
    ]
    found += [*_of_ids(profile), *_of_items(profile, data)]
    return sorted(found, key=lambda suspicion: suspicion.severity != "error")


def reject_reasons(counts: dict[str, FileCounts]) -> dict[str, int]:
    """Returns the number of rejects by reason, with the place and the value of the first."""
    reasons: dict[str, int] = {}
    for file in counts.values():
        for reject in file.examples:
            value = f": {reject.value[:SHOWN]!r}" if reject.value else ""
            text = f"{reject.reason}{value} (first in {reject.file}, line {reject.line})"
            reasons[text] = file.reasons[reject.reason]
    return reasons


def _of_files(profile: Profile) -> Iterator[Suspicion]:
    for inferred in (profile.ratings, profile.items):
        for path, what in (inferred.empty if inferred else {}).items():
            yield Suspicion("warning", "empty-file", f"{path}: {what}; it is left out")
    if profile.ratings.by_order:
        first = profile.ratings.layouts[0]
        user, item = (str(first.column(role))[:SHOWN] for role in ("user", "item"))
        yield Suspicion(
            "warning",
            "columns-by-order",
            f"no name says which column is the user and which the item; {user!r} was taken as the user and {item!r} as "
            "the item, by their order. Set data.columns.user and data.columns.item",
        )


NOTES = {
    "stray-quotes": "a quote is opened and not closed in its row; the rows after it are read as separate rows",
    "nul-bytes": "NUL bytes, which hold no data, are skipped; the file may have been copied while it was written",
    "placeholder-time": "a placeholder stands where no time is known; these rows have no time",
    "no-rating": "rows without a rating are events without one: they count for retrieval, not for ranking",
    "no-timestamp": "rows without a time are kept; they count as the earliest",
    "event-letter-case": "an event type differs from data.events only in letter case, and has the weight given there",
    "event-without-weight": "an event type has no weight in data.events; its rows are left out",
    "empty-file": "the file has no rows and is left out",
    "columns-by-order": "taken as user and item by their order, since no name says which is which (data.columns)",
    "times-rounded": "times have lost digits, as spreadsheets write them; the order of events is lost too",
}
"""What a note means, by its code."""


def _of_notes(notes: list[Note], data: DataSettings) -> Iterator[Suspicion]:
    for note in notes:
        value = f" {note.value[:SHOWN]!r}" if note.value.strip('"') else ""
        yield Suspicion(
            "warning", note.code, f"{note.file}, line {note.line}:{value} ({note.number:,} in all): {NOTES[note.code]}"
        )


def _of_values(profile: Profile, data: DataSettings) -> Iterator[Suspicion]:
    rating = profile.rating
    if rating and not has_ratings(profile) and profile.accepted > 1:
        yield Suspicion(
            "warning",
            "ratings-equal",
            f"all ratings are equal ({rating.min:g}): they are treated as no rating, and a model of events is trained",
        )
    if rating and rating.max > _LARGE_RATING and rating.mean < rating.max / 10:
        yield Suspicion(
            "warning",
            "ratings-look-like-counts",
            f"ratings reach {rating.max:g}, and their mean is {rating.mean:.3g}: they look like counts, such as plays. "
            'Set data.rating_means = "count", or "rating" to keep them',
        )
    if rating and (value := _probably_no_rating(rating, profile.accepted)) is not None:
        yield Suspicion(
            "warning",
            "rating-may-be-none",
            f"{rating.at_min:,} ratings are {value:g}, and the others begin at {rating.above_min:g}: {value:g} may "
            f'mean "no rating". If so, set data.no_rating = [{value:g}]',
        )
    for file, example in profile.ratings.rounded.items():
        yield Suspicion(
            "warning",
            "times-rounded",
            f"{file}: times such as {example!r} have lost digits, as spreadsheets write them; the order of events is "
            "lost too. Export the times as text or as dates",
        )


def _probably_no_rating(rating: RatingRange, num_events: int) -> float | None:
    """Returns the lowest rating if it is the only negative one, or a zero that is too frequent for a rating."""
    if rating.above_min is None or rating.above_min <= 0:
        return None
    is_frequent_zero = rating.min == 0 and rating.at_min > _FREQUENT * num_events
    return rating.min if rating.min < 0 or is_frequent_zero else None


def _of_ids(profile: Profile) -> Iterator[Suspicion]:
    for kind, counts in (("user", profile.users), ("item", profile.rated)):
        groups = [] if counts.index.str.isdigit().all() else same_names(counts.to_dict())
        if groups:
            shown = "; ".join(" and ".join(map(repr, group[:_EXAMPLES])) for group in groups[:_EXAMPLES])
            number = sum(map(len, groups))
            advice = "; set data.merge_names = true to merge them" if kind == "item" else ""
            yield Suspicion(
                "warning",
                f"{kind}-spellings",
                f"{number:,} {kind} ids are {len(groups):,} names in several spellings, which differ only in letter "
                f"case, spaces, invisible characters or how accents are encoded: {shown}{advice}",
            )
        if pairs := _with_point_zero(counts.index):
            yield Suspicion(
                "warning",
                f"{kind}-point-zero",
                f"{len(pairs):,} {kind} ids come with and without a decimal, such as {_pairs(pairs)}; they are "
                f"different {kind}s. Export ids as text",
            )
    total, heaviest = profile.accepted, profile.users.max() if len(profile.users) else 0
    if heaviest > max(_HEAVY_SHARE * total, _HEAVY_TIMES_MEAN * total / max(1, len(profile.users))):
        yield Suspicion(
            "warning",
            "heavy-user",
            f"user {profile.users.idxmax()!r} has {heaviest:,} of {total:,} events ({heaviest / total:.0%}); it may be "
            'a test account, a shared device or a value that means "no user" (data.null_values)',
        )


def _of_items(profile: Profile, data: DataSettings) -> Iterator[Suspicion]:
    if profile.described:
        missing = [item for item in profile.rated.index if item not in profile.described]
        loose = {_loose(item): item for item in profile.described}
        pairs = [(item, loose[_loose(item)]) for item in missing if _loose(item) in loose]
        if pairs:
            yield Suspicion(
                "warning",
                "ids-written-differently",
                f"{len(pairs):,} rated items are in the items file only in another form (zeros, a decimal, "
                f"letter case, spaces or how accents are encoded), such as {_pairs(pairs)}; nothing is joined. Write "
                "ids the same way in both files, as text",
            )
    if profile.repeated_items:
        yield Suspicion(
            "warning",
            "items-repeated",
            f"{profile.repeated_items:,} rows of the items file repeat an item; the first row of each counts",
        )
    texts = profile.genre_texts
    if texts and not any(data.genre_separator in text for text in texts):
        listed = [text for text in texts if _LIST.fullmatch(text)]
        separator = next(
            (mark for mark in _LIST_SEPARATORS if sum(mark in text for text in texts) > 0.3 * len(texts)), None
        )
        if separator and separator != data.genre_separator:
            what = f"{(listed or texts)[0][:SHOWN]!r}"
            yield Suspicion(
                "warning",
                "genres-look-like-lists",
                f"genres such as {what} look like lists, and are read as one genre; the separator may be {separator!r} "
                f"(data.genre_separator, now {data.genre_separator!r})"
                + (", and brackets and quotes must be removed" if listed else ""),
            )


def _loose(text: str) -> str:
    return spelling_key(re.sub(r"\.0+$", "", text).lstrip("0") or "0")


def _with_point_zero(ids: object) -> list[tuple[str, str]]:
    every = set(ids)  # type: ignore[call-overload]
    return [(text, plain) for text in every if text.endswith(".0") and (plain := text[:-2]) in every]


def _pairs(pairs: list[tuple[str, str]]) -> str:
    return ", ".join(f"{one!r} and {other!r}" for one, other in sorted(pairs)[:_EXAMPLES])


def as_iso(seconds: int | None) -> str | None:
    """Returns a time in ISO 8601, UTC; None for none."""
    # Not by `datetime`, which knows no years before 1.
    return None if seconds is None else f"{np.datetime64(seconds, 's')}Z"

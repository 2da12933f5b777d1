"""What is counted, against hand-worked numbers and a plain loop."""

import random
from collections import Counter

import pytest
from data_rows import data_settings, written

from recommender.sources.profile import Profile, RatingRange, profile

HEADER = "user,item,rating,timestamp\n"


def profiled(ratings: str | list[str], items: str | None = None, **data) -> Profile:
    paths = [ratings] if isinstance(ratings, str) else ratings
    return profile(paths, [items] if items else [], data_settings(**data))


def test_hand_counted(tmp_path):
    rows = "ann,tea,4,1600000000\nbob,tea,2,1600000060\nann,tea,5,1600000120\nann,,3,1\nbob,rum,x,2\nann,rum,1\n"
    found = profiled(written(tmp_path, HEADER + rows))
    [counts] = found.counts.values()
    assert (counts.rows, counts.accepted, counts.rejected, counts.left_out) == (6, 3, 3, 0)
    assert dict(counts.reasons) == {
        "item is empty": 1,
        "rating is not a finite number": 1,
        "wrong number of fields: expected 4, got 3": 1,
    }
    assert [(reject.line, reject.value) for reject in sorted(counts.examples)] == [(5, ""), (6, "x"), (7, "")]
    assert found.users.to_dict() == {"ann": 2, "bob": 1} and found.rated.to_dict() == {"tea": 3}
    assert (found.first, found.last) == (1600000000, 1600000120)
    assert found.rating == RatingRange(2.0, 5.0, 11 / 3, at_min=1, above_min=4.0)
    assert (found.repeats, found.events, found.described, found.described_items) == (1, None, None, 0)
    assert found.accepted == 3


@pytest.mark.parametrize("seed", range(3))
def test_a_plain_loop_counts_the_same_over_several_files(tmp_path, seed):
    chooser = random.Random(seed)
    rows = [(f"u{chooser.randrange(9)}", f"x{chooser.randrange(7)}", chooser.randint(1, 5)) for _ in range(400)]
    lines = [f"{user},{item},{rating},{1_600_000_000 + n}\n" for n, (user, item, rating) in enumerate(rows)]
    paths = [
        written(tmp_path, HEADER + "".join(lines[:250]), "1.csv"),
        written(tmp_path, HEADER + "".join(lines[250:]), "2.csv"),
    ]
    found = profiled(paths)
    assert found.users.to_dict() == Counter(user for user, _, _ in rows)
    assert found.rated.to_dict() == Counter(item for _, item, _ in rows)
    assert found.repeats == len(rows) - len({row[:2] for row in rows})
    assert found.rating is not None
    assert found.rating.mean == pytest.approx(sum(row[2] for row in rows) / len(rows))
    assert [counts.rows for counts in found.counts.values()] == [250, 150]


def test_events_are_counted_by_type_and_those_without_a_weight_are_left_out(tmp_path):
    rows = "a,x,view\nb,x,view\na,y,buy\nb,y,hover\n" * 10
    path = written(tmp_path, f"user,item,event\n{rows}")
    found = profiled(path, events={"view": 1, "buy": 4})
    [counts] = found.counts.values()
    assert (counts.rows, counts.accepted, counts.rejected, counts.left_out) == (40, 30, 0, 10)
    assert found.events == {"view": 20, "buy": 10} and found.rating is None and found.first is None
    assert profiled(path).events == {"view": 20, "buy": 10, "hover": 10}


def test_values_that_mean_no_rating_are_not_in_the_range(tmp_path):
    path = written(tmp_path, "user,item,rating\na,x,0\nb,x,8\na,y,6\n")
    assert profiled(path, no_rating=(0,)).rating == RatingRange(6.0, 8.0, 7.0, at_min=1, above_min=8.0)
    assert profiled(path, no_rating=(0,)).accepted == 3


def test_placeholders_are_not_in_the_span_of_times(tmp_path):
    rows = "".join(f"u{n},x,{1 + n % 5},2021-03-{1 + n:02}\n" for n in range(20))
    found = profiled(written(tmp_path, HEADER + rows + "u1,y,3,1970-01-01\nu1,z,3,9999-12-31\n"))
    assert (found.first, found.last) == (1614556800, 1616198400)
    assert [(note.code, note.number) for note in found.notes] == [("placeholder-time", 2)]


def test_items_and_genres_are_counted_once_an_item(tmp_path):
    items = "item_id,title,genres\ntea,Tea,Drink| Hot |\nrum,Rum,Drink\ntea,Again,Food\ngin,Gin,\n,None,\n"
    path = written(tmp_path, HEADER + "a,tea,4,1\na,rum,3,2\nb,ale,3,3\n")
    found = profiled(path, written(tmp_path, items, "items.csv"), timestamp_format="unix")
    assert found.described == {"tea", "rum", "gin"} and found.described_items == 2
    assert (found.repeated_items, dict(found.genres)) == (1, {"Drink": 2, "Hot": 1})
    [counts] = found.item_counts.values()
    assert (counts.rows, counts.accepted, counts.rejected) == (5, 4, 1)


def test_merged_names_count_as_one_item(tmp_path):
    path = written(tmp_path, "user,item\na,Tea\na,tea\nb,tea\nb,gin\nc,TEA \n")
    items = written(tmp_path, "item_id,title\ntEa,Tea\n", "items.csv")
    apart, merged = profiled(path, items), profiled(path, items, merge_names=True)
    assert (apart.rated.to_dict(), apart.repeats, apart.described_items) == (
        {"Tea": 1, "tea": 2, "gin": 1, "TEA": 1},
        0,
        0,
    )
    assert merged.rated.to_dict() == {"tea": 4, "gin": 1}
    assert (merged.repeats, merged.merged_names, merged.described_items) == (1, 2, 1)


def test_progress_is_the_number_of_usable_rows(tmp_path):
    seen: list[int] = []
    profile([written(tmp_path, "user,item\na,x\nb,y\n")], [], data_settings(), progress=seen.append)
    assert seen == [2]

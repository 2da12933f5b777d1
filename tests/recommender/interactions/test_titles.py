import pytest

from recommender.interactions.titles import release_periods, title_words, without_year


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Toy Story, the 2nd (1995)", ["toy", "story", "the", "2nd", "1995"]),
        ("TOY soldiers", ["toy", "soldiers"]),
        ("\u00c4pfel & \u00d6l", ["\u00e4pfel", "\u00f6l"]),
        ("snake_case", ["snake", "case"]),
        ("!?", []),
    ],
)
def test_titles_become_lower_case_words_without_punctuation(title: str, words: list[str]) -> None:
    assert title_words(title) == words


def test_only_a_year_in_brackets_at_the_end_is_taken_off() -> None:
    assert title_words(without_year("Alien (1979) ")) == ["alien"]
    assert without_year("(1984) by Orwell") == "(1984) by Orwell"


def test_years_at_the_end_of_titles_fall_into_periods_of_equal_size() -> None:
    titles = [
        "Alien (1979)",
        "1984",
        "Brazil (1985) ",
        "(1990) is a year",
        *[f"Film {n} ({n})" for n in range(1950, 2000)],
    ]
    periods, num_periods = release_periods(titles)
    assert [end - begin for begin, end in zip(periods.row_splits, periods.row_splits[1:], strict=False)] == [
        1,
        0,
        1,
        0,
        *[1] * 50,
    ]
    assert num_periods == 12
    found = periods.values.tolist()
    assert found[2:] == sorted(found[2:])
    assert set(found) == set(range(12))
    assert max(found.count(period) for period in range(12)) <= 6


def test_without_years_no_item_has_a_period() -> None:
    periods, num_periods = release_periods(["Bread", "Milk"])
    assert periods.row_splits.tolist() == [0, 0, 0] and num_periods == 1
    assert release_periods(["One (1999)", "Two (1999)"])[0].values.tolist() == [1, 1]

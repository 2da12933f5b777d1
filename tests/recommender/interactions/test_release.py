from recommender.interactions.release import release_periods


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

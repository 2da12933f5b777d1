"""Names in several spellings."""

import pytest

from recommender.sources.spellings import Spellings, same_names, spelling_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("City Tour", "city tour"),
        ("City Tour", "City  Tour"),
        ("City Tour", " CityTour\t"),
        ("Amélie", "Ame\u0301lie"),
        ("AMÉLIE", "amélie"),
        ("Tour", "To\u200bur"),
        ("Tour", "\ufeffTour"),
        ("Café con leche", "café\u00a0con leche"),
        ("Straße", "STRASSE"),
    ],
)
def test_names_that_look_the_same_have_one_key(one, other):
    assert one != other and spelling_key(one) == spelling_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("tour", "tours"), ("Amélie", "Amelie"), ("a-b", "ab"), ("Tour 1", "Tour 2"), ("²", "2")]
)
def test_other_names_have_keys_of_their_own(one, other):
    assert spelling_key(one) != spelling_key(other)


def test_a_name_without_visible_characters_is_its_own_key():
    assert spelling_key("\u200b") == "\u200b"


def test_groups_show_the_most_frequent_spelling_first():
    counts = {"Tea": 1, "tea": 5, "TEA": 1, "rum": 2, "Rum ": 2, "gin": 9}
    assert same_names(counts) == [["tea", "TEA", "Tea"], ["Rum ", "rum"]]


def test_the_most_frequent_spelling_is_shown():
    spellings = Spellings.of({"Tea": 1, "tea": 5, "gin": 9})
    assert [spellings.shown(name) for name in ("TEA", "Tea", "tea", "gin", "Rum")] == [
        "tea",
        "tea",
        "tea",
        "gin",
        "Rum",
    ]

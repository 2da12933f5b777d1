import pandas as pd

from recommender.sources.catalogue import join_catalogue


def test_items_are_those_of_the_file_and_of_the_events_once_each():
    described = pd.DataFrame(
        [("b", "Bee again", "y", "2.csv", 2), ("b", "Bee", "x", "1.csv", 9), ("a", "Ant", "", "1.csv", 10)],
        columns=["item", "title", "genres", "file", "line"],
    )
    found = join_catalogue(described, pd.Series({"c": 3, "b": 2}))
    assert found.items.to_numpy().tolist() == [["a", "Ant", "", 0], ["b", "Bee", "x", 2], ["c", "c", "", 3]]
    assert (found.num_repeats, list(found.missing)) == (1, ["c"])

import pytest

from benchmarks.datasets import load_dataset
from benchmarks.protocols import divide
from schemas.errors import DataError, SettingsError


def test_lists_in_files_for_training_and_test(tmp_path):
    (tmp_path / "x_train.txt").write_text("1 a b\n2 b\n")
    (tmp_path / "x_valid.txt").write_text("1 c\n")
    (tmp_path / "x_test.txt").write_text("1 d a\n2 c\n")
    dataset = load_dataset(f"x={tmp_path}")
    assert dataset.protocols == ("given",)
    ratings = dataset.ratings
    assert [ratings.ids[item] for item in ratings.item] == ["a", "b", "c", "b", "d", "c"]
    assert ratings.repeats == 1  # user 1 has `a` in training
    data = divide(ratings, "given", None)
    assert (len(data.train.user), len(data.test.user)) == (4, 2)
    assert data.train.position.tolist() == [0, 1, 2, 0]
    assert not data.train.has_ratings and not data.train.has_times
    assert data.catalogue.num_title_words == 0


def test_one_file_of_lists_is_tested_on_the_last_of_each(tmp_path):
    path = tmp_path / "lists.txt"
    path.write_text("1 a b c\n2 b a\n")
    dataset = load_dataset(f"x={path}")
    assert dataset.protocols == ("last",)
    data = divide(dataset.ratings, "last", None)
    assert [dataset.ratings.ids[item] for item in data.test.item] == ["c", "a"]


def test_a_log_and_a_settings_file_are_read_with_the_default_settings(tmp_path):
    (tmp_path / "log.csv").write_text("who,what,stars,day\n" + "".join(f"u{n},i{n},4,{n + 1}\n" for n in range(9)))
    columns = '{user = "who", item = "what", rating = "stars", timestamp = "day"}'
    settings = tmp_path / "mine.toml"
    settings.write_text(
        f'name = "other"\ndata = {{folder = "{tmp_path}", ratings = "log.csv", items = "", columns = {columns}}}\n'
        "[retrieval]\nembedding_dimension = 7\n"
    )
    dataset = load_dataset(f"mine={settings}:time,last")
    assert dataset.protocols == ("time", "last")
    assert dataset.settings.name == "mine"
    assert dataset.settings.retrieval.embedding_dimension != 7
    assert dataset.settings.data.columns.user == "who"
    assert len(dataset.ratings.user) == 9


def test_a_log_that_is_divided_into_files(tmp_path):
    (tmp_path / "u1.base").write_text("1\t1\t5\t881250949\n1\t2\t3\t881250950\n2\t1\t4\t881250951\n")
    (tmp_path / "u1.test").write_text("2\t2\t1\t881250940\n")
    dataset = load_dataset(f"u1={tmp_path}/u1.*")
    data = divide(dataset.ratings, "given", None)
    assert data.test.rating.tolist() == [1]
    assert data.train.rating.tolist() == [5, 3, 4]
    assert data.known_users[data.test.user].all() and data.known_items[data.test.item].all()


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ("gowalla", "expected data as NAME=PATH"),
        ("x={}/absent.txt", "got nothing"),
        ("x={}/lists.txt:often", r"got \['often'\]"),
        ("x={}/lists.txt:given", "for training and for the test"),
        ("X Y={}/lists.txt", "name"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, spec, error):
    (tmp_path / "lists.txt").write_text("1 a b\n")
    with pytest.raises((DataError, SettingsError), match=error):
        load_dataset(spec.format(tmp_path))

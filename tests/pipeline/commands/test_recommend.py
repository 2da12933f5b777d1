from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.commands import recommend


@pytest.mark.parametrize("k", ["0", "-1", "ten"])
def test_how_many_is_a_number_from_1(k, capsys):
    with pytest.raises(SystemExit) as caught:
        recommend.main(["--user", "1", "--k", k])
    assert caught.value.code == 2
    assert "a number from 1 is expected" in capsys.readouterr().err


def test_a_broken_version_is_one_clear_error(tmp_path, capsys):
    (tmp_path / "17").mkdir()
    assert recommend.main(["--user", "1", "--model", str(tmp_path)]) == 2
    assert "17: not a complete version" in capsys.readouterr().err


def test_ids_and_titles_are_shown_as_they_are(capsys):
    row = {"item_id": "[/x]", "title": "a [bold]film[/bold] [rec]", "score": 1.0, "rating": 2.0}
    answer = {"user_id": "[/x]", "history": ["1", "[/x]"], "is_known": False, "unknown_history": 1, "items": [row]}
    recommend._show(answer, "version 7")
    shown = capsys.readouterr().out
    assert "a [bold]film[/bold] [rec]" in shown and shown.count("[/x]") == 3
    assert "User [/x] (not known); History 1, [/x], version 7" in shown
    assert "1 of the 2 items of the history are not known" in shown


def test_without_ratings_the_table_has_one_score(capsys):
    row = {"item_id": "i", "title": "t", "score": 1.5, "retrieval_score": 1.5}
    recommend._show({"user_id": "u", "is_known": True, "unknown_history": 0, "items": [row]}, "version 7")
    shown = capsys.readouterr().out
    assert shown.count("1.500") == 1 and "retrieval" not in shown and "rating" not in shown


def test_what_a_terminal_would_obey_is_shown_as_an_escape(capsys):
    row = {"item_id": "\x1b]0;x\x07", "title": "a\x1b[2J\rb\u202ec\x9b1m :heart:", "score": 1.0}
    answer = {"user_id": "\x1b[31m", "is_known": False, "unknown_history": 1, "items": [row], "history": ["\x08"]}
    recommend._show(answer | {"unknown_ids": ["\x1bc"]}, "version 7")
    shown = capsys.readouterr().out
    assert r"a\x1b[2J\rb\u202ec\x9b1m :heart:" in shown and r"\x1b]0;x\x07" in shown
    assert r"User \x1b[31m (not known); History \x08, version 7" in shown and r"Not known: \x1bc" in shown
    assert set("\x1b\x07\x08\x9b\r\u202e").isdisjoint(shown)


def test_an_error_shows_what_a_terminal_would_obey_as_an_escape(tmp_path, capsys):
    assert recommend.main(["--user", "1", "--model", f"{tmp_path}/\x1b[31mred"]) == 2
    assert r"\x1b[31mred: no pushed version" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        ({"history": ["1", "2"]}, "History 1, 2, version 7"),
        ({"user_id": "u", "history": []}, "User u (not known), version 7"),
        ({"similar_to": "3"}, "Like item 3 (not known), version 7"),
    ],
)
def test_the_title_says_what_was_asked(asked, title, capsys):
    recommend._show(asked | {"is_known": False, "unknown_history": 0, "items": []}, "version 7")
    assert title in capsys.readouterr().out


@pytest.fixture
def asked(monkeypatch) -> dict[str, Any]:
    """What the newest version, which knows the items `a,b`, `c` and `d`, was asked for."""
    import tensorflow as tf

    received = {}

    def list_items(begin: int, end: int) -> dict[str, Any]:
        return {"item_id": tf.constant(["a,b", "c", "d"])[begin:end], "num_items": tf.constant(3)}

    def answer(users: tf.Tensor, **request: Any) -> dict[str, Any]:
        received.update(request)
        columns = {"item_id": tf.constant([["d"]]), "title": tf.constant([["D"]]), "score": tf.constant([[1.0]])}
        return columns | {"is_known": tf.constant([False]), "unknown_history": tf.constant([0])}

    model = SimpleNamespace(list_items=list_items, recommend=answer)
    monkeypatch.setattr("recommender.serving.saved_model.load_saved_model", lambda folder: model)
    return received


def test_ids_may_hold_commas_and_an_option_is_repeated(tmp_path, asked, capsys):
    (tmp_path / "17").mkdir()
    options = [
        "--history",
        "a,b",
        "--history",
        " c",
        "--exclude",
        "x,y",
        "--exclude",
        "d",
        "--genre",
        "e,f",
        "--genre",
        "g",
    ]
    assert recommend.main([*options, "--model", str(tmp_path), "--json"]) == 0
    assert asked["history_item_id"].numpy().tolist() == [[b"a,b", b"c"]]
    assert asked["exclude"].numpy().tolist() == [[b"x,y", b"d"]] and asked["genre"].numpy().tolist() == [b"e,f", b"g"]


@pytest.mark.parametrize("option", ["--history", "--exclude"])
def test_several_ids_in_one_value_are_refused_with_the_right_command(tmp_path, asked, option, capsys):
    (tmp_path / "17").mkdir()
    assert recommend.main(["--user", "1", option, "c, d", "--model", str(tmp_path)]) == 2
    assert f"{option}: no item has the id 'c, d', but its parts are ids; write: {option} c {option} d" in (
        capsys.readouterr().err
    )


def test_an_empty_id_is_refused(capsys):
    with pytest.raises(SystemExit):
        recommend.main(["--history", " "])
    assert "an id is expected, got ' '" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["--user", "1", "--similar-to", "2"], ["--history", "1", "--similar-to", "2"]]
)
def test_either_a_user_or_an_item_is_asked_about(arguments, capsys):
    with pytest.raises(SystemExit):
        recommend.main(arguments)
    assert "give --user, --history or both, or --similar-to" in capsys.readouterr().err


def test_without_a_version_it_says_what_to_do(tmp_path, capsys):
    assert recommend.main(["--user", "1", "--model", str(tmp_path)]) == 2
    assert "no pushed version" in capsys.readouterr().err

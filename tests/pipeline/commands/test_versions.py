"""The command line on hand-made versions."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from components.pusher import folder
from pipeline.commands import versions
from schemas import layout
from schemas.model_card import ModelCard

ROOT = Path(__file__).parents[3]


@pytest.fixture
def serving(tmp_path: Path, model_card: ModelCard, monkeypatch) -> Path:
    """The versions 100 and 200 of `shop`, and 100 of `bar`; the clock stands at 400 seconds."""
    for name, number, content in (("shop", 100, "a"), ("shop", 200, "b"), ("bar", 100, "c")):
        model = tmp_path / f"model-{content}"
        model.mkdir()
        (model / "saved_model.pb").write_text(content)
        folder.push([model], tmp_path / "serving" / name, number, model_card)
    monkeypatch.setattr("time.time", lambda: 400.5)
    return tmp_path / "serving"


def _run(serving: Path, *arguments: str) -> int:
    return versions.main([*arguments, "--serving", str(serving)])


def _json(serving: Path, capsys, *arguments: str):
    assert _run(serving, *arguments, "--json") == 0
    return json.loads(capsys.readouterr().out, parse_constant=pytest.fail)


def _there(serving: Path) -> list[str]:
    return sorted(str(path.relative_to(serving)) for path in serving.glob("*/*"))


def test_list_shows_metrics_with_intervals_and_the_verdict(serving, capsys):
    assert _run(serving, "list", "shop") == 0
    shown = capsys.readouterr().out
    for cell in ("0.0877", "0.0850 - 0.0905", "0.6403", "0.8582", "0.0423 - 0.0469", "1970-01-01 00:03", "blessed"):
        assert cell in shown
    assert shown.index("\n 200 ") < shown.index("\n 100 "), "the newest comes first"
    assert "bar" not in shown and "0.9000" not in shown, "another recommender; a metric of a slice"


def test_list_names_all_recommenders_and_what_is_no_version(serving, capsys):
    (serving / "shop" / "notes").mkdir()
    bar, shop = _json(serving, capsys, "list")
    assert (bar["name"], shop["name"], shop["foreign"]) == ("bar", "shop", ["notes"])
    assert [(version["version"], version["newest"]) for version in shop["versions"]] == [(100, False), (200, True)]
    assert shop["versions"][0]["metrics"]["rmse"] == {"value": 0.8582, "lower": None, "upper": None}


def test_a_version_without_a_card_and_a_damaged_one_are_called_that(serving, capsys):
    (serving / "shop" / "100" / layout.MODEL_CARD).unlink()
    (serving / "shop" / "200" / "saved_model.pb").unlink()
    (serving / "shop" / "999999999999999999").mkdir()
    assert _run(serving, "list", "shop") == 0
    shown = capsys.readouterr().out
    assert "no model card" in shown and "saved_model.pb" in shown and "unknown" in shown


def test_a_model_without_ratings_and_times_shows_none(tmp_path, capsys, model_card):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "saved_model.pb").write_text("a")
    nothing = {"first_timestamp": None, "last_timestamp": None, "rating_scale": None}
    training = model_card.training.model_copy(
        update={"data": model_card.training.data.model_copy(update=nothing), "settings": {}}
    )
    ranks = tuple(record for record in model_card.evaluation.metrics if record.metric != "rmse")
    evaluation = model_card.evaluation.model_copy(update={"metrics": ranks})
    card = model_card.model_copy(update={"training": training, "evaluation": evaluation})
    folder.push([tmp_path / "model"], tmp_path / "serving" / "clicks", 100, card)
    assert _run(tmp_path / "serving", "show", "clicks", "100") == 0
    shown = capsys.readouterr().out
    assert "2 items, without times" in shown and "none, so it predicts none" in shown
    assert _run(tmp_path / "serving", "list", "clicks") == 0
    shown = capsys.readouterr().out
    assert "NDCG@10" in shown and "RMSE" not in shown


def test_show_tells_the_card(serving, capsys, model_card):
    assert _run(serving, "show", "shop", "100") == 0
    shown = capsys.readouterr().out
    for fact in (
        *("3 events of 2 users and 2 items, 1970-01-02 00:00 to 1970-01-02 01:00 UTC", "0123456789abcdef"),
        *("training 7", "tensorflow 2.16.2", "random, 0.2 of all events", "+0.0012", "yes RMSE: <= 0.95", "Blessed"),
    ):
        assert fact in shown
    told = _json(serving, capsys, "show", "shop", "100")
    assert told["card"] == json.loads(model_card.model_dump_json())


def test_show_notices_files_that_were_changed_after_the_push(serving, capsys):
    assert _json(serving, capsys, "show", "shop", "100")["problem"] is None
    (serving / "shop" / "100" / "saved_model.pb").write_text("another")
    assert "not those that were pushed" in _json(serving, capsys, "show", "shop", "100")["problem"]


def test_rollback_says_what_is_served_now_and_what_is_withdrawn(serving, capsys):
    assert _run(serving, "rollback", "shop", "100") == 0
    assert "shop/400 is the newest version now, a copy of 100. 200 is withdrawn" in capsys.readouterr().out
    [shop] = _json(serving, capsys, "list", "shop")
    told = {version["version"]: version for version in shop["versions"]}
    assert (told[400]["newest"], told[400]["copy_of"], told[400]["rolled_back_from"]) == (True, 100, 200)
    assert [told[number]["withdrawn"] for number in (100, 200, 400)] == [False, True, False]
    assert _run(serving, "rollback", "shop", "100") == 0
    assert "100 is already the newest" in capsys.readouterr().out
    assert _there(serving) == ["bar/100", "shop/100", "shop/200", "shop/400"]


def test_prune_of_one_recommender_or_of_all(serving, capsys):
    (serving / "shop" / "150").mkdir()
    assert _run(serving, "rollback", "shop", "100") == 0
    assert _run(serving, "prune", "shop", "--keep", "2") == 0
    shown = capsys.readouterr().out
    assert "removed 100; kept 200, 400" in shown and "left alone: 150 (has no saved_model.pb, or is a link)" in shown
    [bar, shop] = _json(serving, capsys, "prune", "--keep", "1")
    assert (bar["removed"], bar["kept"], shop["removed"], shop["kept"]) == ([], [100], [200], [400])
    assert _there(serving) == ["bar/100", "shop/150", "shop/400"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "shops"], "no recommender 'shops'; there are: bar, shop"),
        (["show", "shop", "300"], "no version 300; there are: 100, 200"),
        (["rollback", "shop", "300"], "no version 300; there are: 100, 200"),
        (["prune", "pub", "--keep", "1"], "no recommender 'pub'"),
    ],
)
def test_of_an_unknown_name_or_version_it_says_what_there_is(serving, capsys, arguments, message):
    assert _run(serving, *arguments) == 2
    assert message in capsys.readouterr().err


def test_without_a_serving_folder_it_says_what_to_do(tmp_path, capsys):
    assert _run(tmp_path / "absent", "list") == 2
    assert "run the pipeline first" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "../shop"],
        ["list", "shop\n"],
        ["show", "shop/100", "100"],
        ["show", ".", "100"],
        ["show", "shop", "../bar/100"],
        ["rollback", "shop", "0100"],
        ["rollback", "shop", "²"],
        ["rollback", "shop", "-1"],
        ["prune", "shop", "--keep", "0"],
        ["prune", "shop"],
        [],
    ],
)
def test_names_and_numbers_are_checked_before_anything_is_touched(serving, capsys, arguments):
    before = _there(serving)
    with pytest.raises(SystemExit) as caught:
        versions.main([*arguments[:1], "--serving", str(serving), *arguments[1:]] if arguments else [])
    assert caught.value.code == 2
    assert "expected" in capsys.readouterr().err.replace("required", "expected")
    assert _there(serving) == before


def test_what_cannot_be_written_is_one_clear_error(serving, capsys, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "serving/shop")

    monkeypatch.setattr(folder, "rollback", refuse)
    assert _run(serving, "rollback", "shop", "100") == 2
    assert "serving/shop: Permission denied" in capsys.readouterr().err


def test_it_answers_without_tensorflow(serving):
    program = (
        "import sys\nfrom pipeline import versions\n"
        "assert versions.main(sys.argv[1:]) == 0\n"
        "assert not {'tensorflow', 'tfx', 'apache_beam', 'numpy'} & set(sys.modules)\n"
    )
    command = [sys.executable, "-c", program, "list", "--serving", str(serving)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr


def test_a_recommender_without_versions_is_a_line(tmp_path, capsys):
    (tmp_path / "shop" / "notes").mkdir(parents=True)
    assert versions.main(["list", "--serving", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == ["shop: no versions", "not versions: notes"]

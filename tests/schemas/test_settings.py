import json
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.errors import SettingsError
from schemas.settings import Settings, fast, load
from schemas.slices import slice_labels

CONFIGS = Path(__file__).parents[2] / "pipeline" / "configs"


def _load(tmp_path: Path, text: str):
    path = tmp_path / "settings.toml"
    path.write_text('name = "shop"\n' + text)
    return load(path)


def test_two_keys_are_enough(tmp_path):
    settings = _load(tmp_path, '[data]\nfolder = "data/shop"\n')
    assert settings.data.columns.user is None, "found in the data"
    assert (settings.split.method, settings.split.eval_share) == ("random", 0.2)


@pytest.mark.parametrize("path", CONFIGS.glob("*.toml"), ids=lambda path: path.stem)
def test_shipped_configs_load_and_are_named_as_their_file(path):
    assert load(path).name == path.stem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[data]\n", "data.folder: missing"),
        ('[data]\nfolder = "d"\nfolders = "e"\n', "data.folders: unknown key; allowed here: folder, ratings"),
        (
            '[data]\nfolder = "d"\n[data.columns]\nuserid = "u"\n',
            "data.columns.userid: unknown key; allowed here: user, ",
        ),
        (
            '[data]\nfolder = "d"\n[split]\nmethod = "tiem"\n',
            "split.method: Input should be 'random', 'time' or 'last'",
        ),
        ('[data]\nfolder = "d"\n[split]\neval_share = 1.0\n', "split.eval_share: Input should be less than 1; got 1.0"),
        ('[data]\nfolder = "d"\nrating_scale = [5, 1]\n', "data.rating_scale: the lowest rating must be below"),
        ('[data]\nfolder = "d"\n[gate.thresholds]\nrecall = { at_least = 1 }\n', "no metric is called 'recall'"),
        ('[data]\nfolder = "d"\n[gate.thresholds]\nrmse = {}\n', "gate.thresholds.rmse: give `at_least`"),
        (
            '[data]\nfolder = "d"\n[gate.thresholds]\ntop_100_accuracy = { at_least = 0.1 }\n',
            "gate.thresholds: it is event_top_100_accuracy now; recall_at_10 and recall_at_100 are measured per user",
        ),
        ('[data]\nfolder = "d"\n[gate.tolerances]\nauc = 0.1\n', "gate.tolerances: no metric is called 'auc'"),
        ('[data]\nfolder = "d"\n[features]\nuser_activity_bounds = [5, 5]\n', "bounds must ascend, got [5, 5]"),
        ('[data]\nfolder = "d"\n[training]\nseed = "one"\n', "training.seed: Input should be a valid integer"),
        ('[data]\nfolder = "d"\n[training]\nseed = "42"\n', "training.seed: Input should be a valid integer"),
        ('[data]\nfolder = "d"\n[retrieval]\nepochs = true\n', "retrieval.epochs: Input should be a valid integer"),
        ('[data]\nfolder = "d"\nrating_scale = [1, inf]\n', "data.rating_scale.1: Input should be a finite number"),
        ('[data]\nfolder = "d"\ndelimiter = "\\n"\n', "data.delimiter: "),
        ('[data]\nfolder = "d"\ndelimiter = "\\""\n', "data.delimiter: a quote or a line end cannot separate columns"),
        ('[data]\nfolder = "d"\ntimestamp_format = "yyyy"\n', "data.timestamp_format: expected auto, unix, "),
        ('[data]\nfolder = "d"\ntimestamp_format = "%Q"\n', "data.timestamp_format: expected auto, unix, "),
        ('[data]\nfolder = "d"\ntimestamp_format = "%H:%M"\n', "such as %m/%d/%Y %H:%M: it has no year"),
        ('[data]\nfolder = "d"\nratings = "span-{SPAN}/r.csv"\n', "all need the same placeholders"),
        (
            '[data]\nfolder = "d"\n[data.columns]\nuser = "a"\nitem = "a"\n',
            "data.columns: every role needs a different column, got ['a', 'a']",
        ),
        ('[data]\nfolder = "d"\n[data.columns]\nuser = 0\n', "data.columns.user: "),
        ('[data]\nfolder = "d"\n[data.events]\nview = -1\n', "data.events.view: "),
        ('[data]\nfolder = "d"\nencoding = "utf-9"\n', "data.encoding: expected `auto` or an encoding that Python"),
        (
            '[data]\nfolder = "d"\n[data.columns]\nuser = ""\n',
            "data.columns: user and item need a column; leave the key out",
        ),
        (
            '[data]\nfolder = "d"\n[gate.thresholds]\nrmse = { at_least = 2, at_most = 1 }\n',
            "gate.thresholds.rmse: `at_least` (2) is above `at_most` (1): nothing passes",
        ),
        ('[data]\nfolder = "d"\n[gate.thresholds]\nrmse = { at_most = nan }\n', "gate.thresholds.rmse.at_most: "),
        ('[data]\nfolder = "d"\n[gate.tolerances]\nrmse = inf\n', "gate.tolerances.rmse: "),
        (
            '[data]\nfolder = "d"\n[[gate.slices]]\nfeature = "user_activity"\nvalue = "1-8"\nmetric = "rmse"\n'
            "at_most = 1\n",
            "user_activity has no slice '1-8'; with features.user_activity_bounds as they are it has: 0, 1-9, 10-49",
        ),
        (
            '[data]\nfolder = "d"\n[[gate.slices]]\nfeature = "item"\nvalue = "known"\nmetric = "mrr"\nat_least = 0\n',
            "item has no slice 'known'; it has: new",
        ),
        (
            '[data]\nfolder = "d"\n[gate.thresholds]\nrmse = { at_mst = 1 }\n',
            "gate.thresholds.rmse.at_mst: unknown key; allowed here: at_least, at_most, lower_at_least, upper_at_m",
        ),
        (
            '[data]\nfolder = "d"\n[[gate.slices]]\nfeatur = "user_activity"\n',
            "gate.slices.0.featur: unknown key; allowed here: at_least, at_most, lower_at_least, upper_at_most, featu",
        ),
        ("[data\n", "not a TOML file"),
        ('data = "d"\n', "data: Input should be a table; got 'd'\n"),
        ('[data]\nfolder = "d"\nencoding = ["x"]\n', "data.encoding: Input should be a valid string; got ['x']\n"),
        (
            '[data]\nfolder = "d"\nratings = 1\n',
            "data.ratings: Input should be a valid string, or should be a list; got 1\n",
        ),
        ('[data]\nfolder = "d"\nratings = ["r", 1]\n', "data.ratings.1: Input should be a valid string; got 1\n"),
        (
            '[data]\nfolder = "d"\n[export]\ntflite_variants = ["float16"]\n',
            "export.tflite_variants: it must hold `float32` and name each variant once; got ['float16']\n",
        ),
        ('[data]\nfolder = "d"\n[ranking]\nsweeps = 9\n', "ranking.sweeps: it is ranking.bayesian.sweeps now\n"),
        ('[data]\nfolder = "d"\n[ranking]\nepochs = 9\n', "ranking.epochs: it is ranking.network.epochs now\n"),
        (
            '[data]\nfolder = "d"\n[[on_device.models]]\nname = "x"\nunits = 9\n',
            "on_device.models.0.units: it is on_device.models.0.rnn.units now\n",
        ),
        (
            '[data]\nfolder = "d"\n[kubeflow.metadata]\nport = 9\n',
            "kubeflow.metadata.port: it is kubeflow.metadata.mysql.port now\n",
        ),
        (
            '[data]\nfolder = "d"\n[beam.spark.workers]\nimage = "i"\n',
            "beam.spark.workers.image: it is beam.spark.workers.docker.image now\n",
        ),
        ('[data]\nfolder = "d"\n[index]\nsearched_share = 0.5\n', "it is index.scann.searched_share now\n"),
        (
            '[data]\nfolder = "d"\n[similar]\nmodel = "item_tower"\n',
            "similar: it is not needed: similar items have a closed form without settings; remove it\n",
        ),
        (
            '[data]\nfolder = "d"\n[features]\nhistory_length = 9\n',
            "features.history_length: it is not needed: examples hold no histories any more; remove it\n",
        ),
        (
            '[data]\nfolder = "d"\n[retrieval]\nhard_negatives = 9\n',
            "retrieval.hard_negatives: it is not needed: no measured data set gains from it; remove it\n",
        ),
        ('[data]\nfolder = "d"\n[ranking.network]\nsweeps = 9\n', "ranking.network.sweeps: unknown key; allowed"),
    ],
)
def test_a_problem_names_its_key_and_what_is_allowed(tmp_path, text, expected):
    with pytest.raises(SettingsError) as caught:
        _load(tmp_path, text)
    assert expected in f"{caught.value}\n"


def test_one_line_switches_between_alternatives_with_tables_for_both(tmp_path):
    tables = '[data]\nfolder = "d"\n[ranking.bayesian]\nsweeps = 30\n[ranking.network]\nepochs = 3\n[ranking]\n'
    for model in ("bayesian", "network"):
        ranking = _load(tmp_path, f'{tables}model = "{model}"\n').ranking
        assert (ranking.model, ranking.bayesian.sweeps, ranking.network.epochs) == (model, 30, 3)


def test_tolerances_keep_the_defaults_that_are_not_replaced(tmp_path):
    settings = _load(tmp_path, '[data]\nfolder = "d"\n[gate.tolerances]\nndcg_at_10 = 0.02\n')
    assert settings.gate.tolerances == {"ndcg_at_10": 0.02, "rmse": 0.01}


def test_slices_are_named_by_their_bounds():
    assert slice_labels((1, 10, 50)) == ["0", "1-9", "10-49", "50+"]
    assert slice_labels((5, 6)) == ["0-4", "5", "6+"]


def test_all_problems_are_reported_at_once(tmp_path):
    with pytest.raises(SettingsError) as caught:
        _load(tmp_path, 'nmae = "x"\n[split]\nseed = -1\n')
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("name", ["a" * 64, "Shop", "-shop"])
def test_a_name_that_no_platform_takes_is_refused(tmp_path, name):
    path = tmp_path / "settings.toml"
    path.write_text(f'name = "{name}"\n[data]\nfolder = "d"\n')
    with pytest.raises(
        SettingsError, match=f"name: a name of at most 63 lower-case letters, .* is expected; got '{name}'"
    ):
        load(path)
    path.write_text(path.read_text().replace(name, "a" * 63))
    assert load(path).name == "a" * 63


def test_an_absent_file_says_so(tmp_path):
    with pytest.raises(SettingsError, match=r"absent\.toml: cannot be read: No such file"):
        load(tmp_path / "absent.toml")


def test_no_message_shows_a_pattern():
    assert '"pattern"' not in json.dumps(Settings.model_json_schema())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_may_be_saved_with_a_byte_order_mark(tmp_path, encoding):
    path = tmp_path / "settings.toml"
    mark = "" if encoding in ("utf-8", "utf-8-sig", "utf-16") else "\ufeff"
    path.write_bytes(f'{mark}name = "shop"\r\n[data]\r\nfolder = "daten/größe"\r\n'.encode(encoding))
    assert load(path).data.folder == Path("daten/größe")


def test_another_encoding_is_named_with_its_line(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_bytes('name = "shop"\n[data]\nfolder = "größe"\n'.encode("latin-1"))
    with pytest.raises(SettingsError, match=r"settings\.toml: line 3 is not UTF-8; save"):
        load(path)


def test_a_path_may_begin_with_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    sections = {"data": "folder", "local": "artifacts", "export": "serving", "batch": "folder"}
    settings = _load(tmp_path, "".join(f'[{section}]\n{key} = "~/x"\n' for section, key in sections.items()))
    for section, key in sections.items():
        assert getattr(getattr(settings, section), key) == Path("/home/ann/x"), section
    assert _load(tmp_path, '[data]\nfolder = "d/~"\n').data.folder == Path("d/~")


def test_fast_leaves_out_what_takes_long_and_nothing_else(tmp_path):
    settings = _load(tmp_path, '[data]\nfolder = "d"\n[training]\nseed = 7\n')
    changed = fast(settings)
    assert (changed.training.refit, changed.training.seed) == (False, 7)
    assert changed.model_dump(exclude={"training"}) == settings.model_dump(exclude={"training"})


def test_settings_are_frozen(tmp_path):
    settings = _load(tmp_path, '[data]\nfolder = "d"\n')
    with pytest.raises(ValueError, match="frozen"):
        settings.split.seed = 1


def test_the_command_line_answers_without_tensorflow(tmp_path):
    bad = tmp_path / "bad.toml"
    bad.write_text('name = "shop"\n[data]\nfolder = "d"\n[spilt]\n')
    program = (
        "import runner, sys; status = runner.main(sys.argv[1:]);"
        "heavy = {'tensorflow', 'tfx', 'apache_beam', 'pandas'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else status)"
    )
    command = [sys.executable, "-c", program, "--local", "--config", str(bad)]
    process = subprocess.run(command, capture_output=True, text=True, cwd=CONFIGS.parents[1])
    assert process.returncode == 2, process.stderr
    assert "spilt: unknown key; allowed here: name, data, split" in process.stderr
    assert "Traceback" not in process.stderr

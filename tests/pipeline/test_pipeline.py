"""The wiring; it waits half a minute for TFX to be imported."""

import json
import re

from pipeline import code_version
from schemas.settings import Settings

OTHER = {
    "features": {"title_words": 7},
    "split": {"method": "time"},
    "retrieval": {"epochs": 3},
    "ranking": {"bayesian": {"sweeps": 30}},
    "training": {"seed": 7},
    "serving": {"k": 5},
}


def test_every_section_that_the_trainer_reads_reaches_it(tmp_path):
    from pipeline.pipeline import create_pipeline

    sources = [path.read_text() for path in code_version._reachable("components.trainer.run", {})]
    read = {name for source in sources for name in re.findall(r"\bsettings\.([a-z_]+)", source)}
    sections = read & set(Settings.model_fields) - {"name", "data"}  # of the data, it has no use for the files
    assert {"retrieval", "ranking", "training"} <= sections <= OTHER.keys()
    settings = Settings.model_validate_json(json.dumps({"name": "shop", "data": {"folder": "data"}, **OTHER}))
    [trainer] = [node for node in create_pipeline(settings, str(tmp_path)).components if node.id == "Trainer"]
    given = Settings.model_validate_json(json.loads(trainer.exec_properties["custom_config"])["settings"])
    for section in sections:
        assert getattr(given, section) == getattr(settings, section), section

"""The page of the settings is written from their classes."""

from collections.abc import Iterator

import pytest

from schemas.settings import Settings
from schemas.settings.section import Section
from tools import settings_docs


def _classes(section: type[Section] = Settings) -> Iterator[type[Section]]:
    for found, _ in settings_docs._sections(section, "", ""):
        yield found


def test_the_page_is_current():
    assert settings_docs.PAGE.read_text(encoding="utf-8") == settings_docs.page(), "run `make docs`"


def test_every_key_and_section_has_a_meaning():
    for section in _classes():
        assert section.__doc__ and "__doc__" in vars(section)
        for key, field in section.model_fields.items():
            assert settings_docs._is_section(field.annotation) or settings_docs.meaning(section, key), (
                f"{section}.{key}"
            )


@pytest.mark.parametrize(
    ("title", "row"),
    [
        ("`[split]`", '| `method` | `"random"`, `"time"`, `"last"` | `"random"` | `random`: by a seeded hash'),
        (
            "`[split]`",
            "| `eval_share` | number > 0 and < 1 | `0.2` | With `random` and `time`: share of the",
        ),
        ("`[data]`", "| `folder` | path | required | "),
        ("`[data]`", '| `genre_separator` | text | `"\\|"` | '),
        ("`[data]`", "| `ratings` | text or list of texts | "),
        ("`[data]`", '| `header` | boolean or `"auto"` | '),
        ("`[data]`", "| `rating_scale` | list of 2 numbers | absent | "),
        (
            "`[retrieval]`",
            "| `user_id` | boolean | `true` | Query tower: a vector for each user. |",
        ),
        ("`[gate]`", "| `tolerances` | table of numbers ≥ 0 | `{ ndcg_at_10 = 0.01, rmse = 0.01 }` | "),
        ("`[gate.thresholds.NAME]`", "| `at_least` | number | absent | "),
        ("`[[on_device.models]]`", "| `features` | table of tables | `{ item = { length = 10 } }` | "),
        ("`[on_device.models.cnn]`", "| `filters` | list of integers ≥ 1 | `[32, 32]` | "),
        ("`[beam.flink.workers]`, `[beam.spark.workers]`, `[beam.portable.workers]`", "| `kind` | "),
        ("`[[kubeflow.resources.NAME.tolerations]]`", '| `value` | text | `""` | '),
    ],
)
def test_a_row_has_key_type_default_and_meaning(title, row):
    [section] = [part for part in settings_docs.page().split("\n## ") if part.startswith(f"{title}\n")]
    assert f"\n{row}" in section

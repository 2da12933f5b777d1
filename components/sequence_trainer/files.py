"""Files next to a sequence model's SavedModel: windows to calibrate and evaluate on, the items, and a description."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np

from recommender.interactions.interactions import Interactions
from recommender.interactions.items import PADDING, Items
from recommender.models.sequence import NOT_GIVEN
from recommender.training.fit_sequence import training_windows
from recommender.training.windows import Timelines, Windows
from schemas import signatures as names
from schemas.settings import SequenceModelSettings, SplitSettings

_CALIBRATION_WINDOWS = 2_000
_EVALUATION_WINDOWS = 20_000
"""Maximum number of evaluation windows: every file is run on each of them, one call at a time."""
_LOG = logging.getLogger("atalaya")


def write(
    folder: Path,
    settings: SequenceModelSettings,
    record: dict[str, Any],
    train: Interactions,
    evaluation: Interactions,
    items: Items,
    split: SplitSettings,
    seed: int,
) -> None:
    """Writes the files for one model.

    Args:
      folder: folder of the model.
      settings: settings of the model.
      record: how the model was fitted.
      train: training events.
      evaluation: events that are the labels of the evaluation windows.
      items: the catalogue.
      split: how the events were divided.
      seed: seed for drawing windows.
    """
    timelines = Timelines(train, items)
    fitted = training_windows(timelines, settings, split.method, seed)
    windows = timelines.windows(evaluation, settings.features)
    drawn = _draw(windows, _EVALUATION_WINDOWS, seed)
    users = evaluation.user[drawn.event]
    write_windows(folder / "windows.npz", fitted, drawn, users, items, seed)
    write_items(folder / "items.json", items)
    dropped = {
        "train_of_no_item": int(np.sum(train.item == PADDING)),
        "train_without_earlier_event": len(timelines.events) - len(np.unique(fitted.event)),
        "eval_without_earlier_event": len(evaluation) - len(windows.label),
        "eval_not_drawn": len(windows.label) - len(drawn.label),
    }
    description = describe(settings, items, record, dropped, seed)
    (folder / "model.json").write_text(json.dumps(description, indent=2), encoding="utf-8")
    _LOG.info(
        "on-device %s: %d evaluation windows; %d evaluation events have no earlier training event of their user",
        settings.name,
        len(drawn.label),
        dropped["eval_without_earlier_event"],
    )


def write_windows(path: Path, train: Windows, evaluation: Windows, users: np.ndarray, items: Items, seed: int) -> None:
    """Writes `windows.npz`.

    It holds the contexts as `train/<input>` and `eval/<input>`, `eval/label`, `eval/context_length`, `eval/user`, and
    `popularity`, the number of training events of each item.

    Args:
      path: path of the file.
      train: training windows, of which at most 2,000 are drawn.
      evaluation: n evaluation windows; all are written.
      users: [n] int32, numbers of the users of the evaluation windows.
      items: the catalogue.
      seed: seed for drawing training windows.
    """
    drawn = _draw(train, _CALIBRATION_WINDOWS, seed)
    columns: dict[str, Any] = {
        f"{part}/{names.CONTEXT}{name}": values
        for part, windows in (("train", drawn), ("eval", evaluation))
        for name, values in windows.context.items()
    }
    columns |= {"eval/label": evaluation.label, "eval/context_length": evaluation.context_length, "eval/user": users}
    np.savez_compressed(path, **columns, popularity=items.popularity)


def _draw(windows: Windows, most: int, seed: int) -> Windows:
    """Draws at most `most` windows, in their original order."""
    size = len(windows.label)
    if size <= most:
        return windows
    return windows.take(np.sort(np.random.default_rng(seed).choice(size, most, replace=False)))


def write_items(path: Path, items: Items) -> None:
    """Writes `items.json`: a list of the ids, titles and genres of the items 1, 2, ..."""
    rows = zip(items.ids, items.titles, items.genres, strict=True)
    listed = [{"id": item, "title": title, "genres": genres} for item, title, genres in rows]
    path.write_text(json.dumps(listed, ensure_ascii=True, indent=0), encoding="utf-8")


def describe(
    settings: SequenceModelSettings, items: Items, training: dict[str, Any], dropped: dict[str, int], seed: int
) -> dict[str, Any]:
    """Returns the content of `model.json`: the inputs, how they are padded, and how the model was trained."""
    inputs = {
        names.CONTEXT + name: {
            "length": given.length,
            "type": "float32" if name in NOT_GIVEN else "int32",
            "padding": NOT_GIVEN.get(name, 0),
        }
        for name, given in settings.features.items()
    }
    return {
        "name": settings.name,
        "encoder": settings.encoder,
        "inputs": inputs,
        "order": "oldest event first, padding after the latest event",
        "units": {"context_age": "days from the event to the request", "context_rating": "as in the training data"},
        "num_items": len(items.ids),
        "vocabularies": {name: items.vocabularies[name] for name in items.vocabularies if name in settings.features},
        "k": settings.k,
        "exclude_seen": settings.exclude_seen,
        "settings": settings.model_dump(mode="json"),
        "seed": seed,
        "training": training,
        "dropped_events": dropped,
    }

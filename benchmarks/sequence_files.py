"""Exports the on-device models in the settings as in the pipeline, and measures the size and speed of the files."""

import tempfile
from pathlib import Path

from benchmarks.events import Events
from benchmarks.protocols import Data
from benchmarks.sequence_models import numbered
from components.on_device_exporter.trained import Trained
from components.on_device_exporter.variants import export
from components.sequence_trainer import files
from recommender.interactions.hold_out import hold_out
from recommender.interactions.items import Items
from recommender.serving import sequence as saved_model
from recommender.training.fit_sequence import fit_sequence
from schemas.on_device_record import OnDeviceRecord
from schemas.settings import SequenceModelSettings, Settings

_VARIANTS = ("float32", "float16", "dynamic_range", "int8")


def export_model(
    data: Data, train: Events, test: Events, items: Items, model: SequenceModelSettings, settings: Settings
) -> OnDeviceRecord:
    """Fits a model and exports it in all variants.

    Args:
      data: how the events were divided.
      train: training events, with the item numbers of `items`.
      test: test events, with the item numbers of `items`.
      items: the catalogue.
      model: the model, enabled or not.
      settings: settings of the recommender, with the gate for the files.
    """
    split = settings.split.model_copy(update={"method": data.protocol})
    training, events = settings.training, numbered(train, items)
    divided = hold_out(events, training.validation_share, split.method, training.seed)
    fitted = fit_sequence(divided, items, model, split, training)
    with tempfile.TemporaryDirectory() as folder:
        trained = Path(folder, model.name)
        saved_model.save(fitted.model, items, model, str(trained / "saved_model"))
        files.write(trained, model, fitted.record, events, numbered(test, items), items, split, training.seed)
        on_device = settings.on_device.model_copy(update={"variants": _VARIANTS})
        made = Path(folder, "made")
        made.mkdir()
        return export(Trained(trained), made, on_device)

"""All sections of one recommender's settings."""

from typing import Annotated

from pydantic import model_validator

from schemas.settings.batch import BatchSettings
from schemas.settings.beam import BeamSettings
from schemas.settings.canary import CanarySettings
from schemas.settings.data import DataSettings
from schemas.settings.export import ExportSettings
from schemas.settings.features import FeatureSettings
from schemas.settings.gate import GateSettings
from schemas.settings.index import IndexSettings
from schemas.settings.kubeflow import KubeflowSettings
from schemas.settings.local import LocalSettings
from schemas.settings.on_device import OnDeviceSettings
from schemas.settings.ranking import RankingSettings
from schemas.settings.retrieval import RetrievalSettings
from schemas.settings.section import Section, fits
from schemas.settings.serving import ServingSettings
from schemas.settings.split import SplitSettings
from schemas.settings.training import TrainingSettings
from schemas.slices import NEW_OR_KNOWN, slice_labels

RECOMMENDER_NAME = r"[a-z0-9][a-z0-9_-]*"
"""Pattern of a recommender's name, which is also the name of its folders."""


class Settings(Section):
    """One recommender."""

    # TFX refuses a pipeline whose name is longer.
    name: Annotated[
        str,
        fits(
            rf"(?=.{{1,63}}$){RECOMMENDER_NAME}",
            "a name of at most 63 lower-case letters, digits and, not at its start, _ and -",
        ),
    ]
    """Name of the recommender and of its folders: at most 63 lower-case letters, digits, `_` and `-`."""
    data: DataSettings
    split: SplitSettings = SplitSettings()
    features: FeatureSettings = FeatureSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    ranking: RankingSettings = RankingSettings()
    training: TrainingSettings = TrainingSettings()
    gate: GateSettings = GateSettings()
    export: ExportSettings = ExportSettings()
    on_device: OnDeviceSettings = OnDeviceSettings()
    index: IndexSettings = IndexSettings()
    serving: ServingSettings = ServingSettings()
    canary: CanarySettings = CanarySettings()
    batch: BatchSettings = BatchSettings()
    beam: BeamSettings = BeamSettings()
    kubeflow: KubeflowSettings = KubeflowSettings()
    local: LocalSettings = LocalSettings()

    @model_validator(mode="after")
    def _slices_exist(self) -> "Settings":
        for floor in self.gate.slices:
            bounds = getattr(self.features, f"{floor.feature}_bounds", None)
            labels = slice_labels(bounds) if bounds else NEW_OR_KNOWN[floor.feature]
            if floor.value not in labels:
                given = f"; with features.{floor.feature}_bounds as they are it has" if bounds else "; it has"
                raise ValueError(
                    f"gate.slices: {floor.feature} has no slice {floor.value!r}{given}: {', '.join(labels)}"
                )
        return self


def fast(settings: Settings) -> Settings:
    """Returns settings that train in less time: without a second fit."""
    training = settings.training.model_copy(update={"refit": False})
    return settings.model_copy(update={"training": training})

"""The settings of one recommender: a frozen, typed tree read from one TOML file, with a module for each section.

`load` refuses unknown keys, wrong types and impossible combinations, with the path of the key. Every setting has
a default that is right for most data sets; a file needs only `name` and `data.folder`. Relative paths are relative to
the working directory.

Where a key chooses between alternatives, such as `ranking.model`, the settings of each are in a table with the
alternative's name, such as `[ranking.bayesian]`. A file may contain the tables of several alternatives: all are
checked, but only the chosen one has an effect, so that one line switches between them.
"""

from schemas.settings.batch import BatchSettings
from schemas.settings.beam import BeamSettings
from schemas.settings.canary import CanarySettings
from schemas.settings.data import DataSettings
from schemas.settings.export import ExportSettings
from schemas.settings.features import FeatureSettings
from schemas.settings.gate import GateSettings
from schemas.settings.index import IndexSettings
from schemas.settings.kubeflow import KubeflowSettings
from schemas.settings.loading import check, load, read_tree
from schemas.settings.on_device import OnDeviceSettings, SequenceModelSettings
from schemas.settings.ranking import BayesianSettings, NetworkSettings, RankingSettings
from schemas.settings.retrieval import RetrievalSettings
from schemas.settings.serving import ServingSettings
from schemas.settings.split import SplitSettings
from schemas.settings.training import TrainingSettings
from schemas.settings.tree import RECOMMENDER_NAME, Settings, fast

__all__ = [
    "RECOMMENDER_NAME",
    "BatchSettings",
    "BayesianSettings",
    "BeamSettings",
    "CanarySettings",
    "DataSettings",
    "ExportSettings",
    "FeatureSettings",
    "GateSettings",
    "IndexSettings",
    "KubeflowSettings",
    "NetworkSettings",
    "OnDeviceSettings",
    "RankingSettings",
    "RetrievalSettings",
    "SequenceModelSettings",
    "ServingSettings",
    "Settings",
    "SplitSettings",
    "TrainingSettings",
    "check",
    "fast",
    "load",
    "read_tree",
]

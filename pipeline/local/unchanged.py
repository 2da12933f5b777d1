"""The record of the last complete run. While nothing has changed, its results are shown again, without TFX."""

import hashlib
import json
from pathlib import Path

from pydantic import BaseModel

from pipeline.code_version import sources_version
from pipeline.node import Node, stands
from recommender.sources.fingerprint import fingerprint, named_patterns
from recommender.sources.refusals import Suspicion
from schemas import layout
from schemas.settings import DataSettings, Settings
from schemas.whole import whole


class Record(BaseModel):
    """The results of a run, and what they depend on."""

    key: str
    """Hash of the settings, the folders and the code."""
    metadata: tuple[int, int]
    """Size of the metadata store in bytes, and when it was written, in nanoseconds: no other run has written to it."""
    nodes: dict[str, Node]
    suspicions: list[Suspicion]
    """What was suspicious in the data."""


def key(settings: Settings, root: Path, is_inferred: bool) -> str:
    """Hash of all that a run depends on, except the data and the results of earlier runs.

    Args:
      settings: as they were given.
      root: folder of the artifacts, as TFX gets it.
      is_inferred: whether the settings only name files.
    """
    used = settings.model_dump_json(exclude={"local", "kubeflow"})
    parts = [used, str(root), str(Path.cwd()), is_inferred, sources_version("pipeline")]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def find(run_key: str, root: Path, data: DataSettings) -> Record | None:
    """The record of the last run, if a run would change nothing; otherwise None, as always for data in spans.

    A run would change nothing if the data, the settings, the code and the metadata are the same, all results exist, and
    a model that was pushed is still the newest version.
    """
    if any("{" in pattern for pattern in data.ratings_patterns):
        return None
    try:
        record = Record.model_validate_json((root / layout.LAST_RUN).read_text(encoding="utf-8"))
        is_same = record.key == run_key and record.metadata == _metadata(root) and _exist(record.nodes)
        [examples] = record.nodes["RatingsExampleGen"].outputs["examples"]
        known = examples.properties["input_fingerprint"]
        is_same = is_same and known == fingerprint(str(data.folder), named_patterns(data))
    except (OSError, KeyError, ValueError):
        return None
    if not is_same:
        return None
    return record.model_copy(
        update={"nodes": {name: node._replace(reused=True) for name, node in record.nodes.items()}}
    )


def write(run_key: str, root: Path, nodes: dict[str, Node], suspicions: list[Suspicion]) -> None:
    """Writes the record of a complete run."""
    record = Record(key=run_key, metadata=_metadata(root), nodes=nodes, suspicions=suspicions)
    with whole(root / layout.LAST_RUN) as partial:
        partial.write_text(record.model_dump_json(indent=1), encoding="utf-8")


def forget(root: Path) -> None:
    """Removes the record, before anything changes."""
    (root / layout.LAST_RUN).unlink(missing_ok=True)


def _metadata(root: Path) -> tuple[int, int]:
    status = (root / layout.METADATA).stat()
    return status.st_size, status.st_mtime_ns


def _exist(nodes: dict[str, Node]) -> bool:
    made = [artifact for node in nodes.values() for several in node.outputs.values() for artifact in several]
    return all(Path(artifact.uri).exists() and stands(artifact) for artifact in made)

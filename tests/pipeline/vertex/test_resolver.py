"""What is exchanged in TFX's Resolver for Vertex AI; it waits 20 s for TFX to be imported."""

import pytest
from tfx.dsl.components.common.resolver import RESOLVER_STRATEGY_CLASS, Resolver
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import LatestBlessedModelStrategy
from tfx.types import Channel
from tfx.types.standard_artifacts import InfraBlessing, Model, ModelBlessing

from components.evaluator.baseline import LatestOtherBlessedModelStrategy
from pipeline.vertex.resolver import use_own_strategy


def test_the_resolver_has_tfxs_own_strategy_and_what_that_reads():
    resolver = Resolver(
        strategy_class=LatestOtherBlessedModelStrategy,
        current=Channel(type=Model),
        model=Channel(type=Model),
        model_blessing=Channel(type=ModelBlessing),
        infra_blessing=Channel(type=InfraBlessing),
    )
    assert resolver.exec_properties[RESOLVER_STRATEGY_CLASS] is LatestOtherBlessedModelStrategy
    use_own_strategy(resolver)
    assert resolver.exec_properties[RESOLVER_STRATEGY_CLASS] is LatestBlessedModelStrategy
    assert set(resolver.inputs) == set(resolver.outputs) == {"model", "model_blessing"}


def test_tfx_compiles_no_other_strategy_for_vertex_ai(monkeypatch, tmp_path):
    from pipeline.vertex import compile as vertex
    from schemas.settings import Settings

    settings = Settings.model_validate(
        {
            "name": "shop",
            "data": {"folder": "data"},
            "kubeflow": {"image": "atalaya:1", "root": "gs://bucket/atalaya", "data": "/gcs/bucket/shop"},
        }
    )
    monkeypatch.setattr(vertex, "use_own_strategy", lambda resolver: None)
    with pytest.raises(TypeError, match="only support LatestArtifactStrategy and LatestBlessedModelStrategy"):
        vertex.compile_pipeline(settings, tmp_path / "pipeline.json")

from pathlib import Path

import pytest

import loyalty
from recommender.sources.inspection import inspect
from schemas.settings import load

CONFIGS = Path(__file__).parents[2] / "pipeline" / "configs"


@pytest.mark.parametrize("seed", [7, 8])
def test_the_settings_of_a_loyalty_programme_suit_its_log(tmp_path, seed):
    settings = load(CONFIGS / "experiences.toml")
    loyalty.write(tmp_path / settings.data.ratings, seed=seed)
    data = settings.data.model_copy(update={"folder": tmp_path})
    found = inspect(settings.model_copy(update={"data": data}))
    assert found.is_usable
    profile = found.profile
    assert (profile.accepted, len(profile.users), len(profile.rated)) == (11_165, 2_382, 254)
    assert profile.merged_names > 10
    assert 4.5 < profile.rating.mean < 4.7
    assert profile.repeats > 0.15 * profile.accepted

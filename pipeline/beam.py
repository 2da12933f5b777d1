"""Beam engine to Beam arguments."""

from schemas.settings import BeamSettings

# Named in full: `DirectRunner` would first look for another runner on the network.
_IN_PROCESS = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"


def arguments(settings: BeamSettings) -> list[str]:
    """Command-line arguments that make Beam run on the engine of the settings."""
    # No container is involved; saying so spares TFX building a package of itself for every step, two seconds each.
    arguments = [f"--runner={_IN_PROCESS}", "--sdk_container_image=none"]
    if settings.workers > 1:
        arguments += [f"--direct_num_workers={settings.workers}", "--direct_running_mode=multi_processing"]
    return arguments

"""The record of a canary: how an export answered in a fresh process, and whether it may be pushed."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from schemas import layout


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CanaryCheck(_Record):
    """One check; the message says what was expected and what came."""

    name: str
    passed: bool
    message: str


class Latency(_Record):
    """Milliseconds of a `recommend` for one user, over a number of calls."""

    p50_ms: float
    p99_ms: float
    calls: int


class CanaryRecord(_Record):
    """The checks of one export and its latency."""

    checks: tuple[CanaryCheck, ...]
    latency: Latency | None = None
    """None if the process did not get that far."""
    tensorflow: str = ""
    """The version that ran it; empty if the process reported nothing."""

    def with_part(self, part: "CanaryRecord", name: str) -> "CanaryRecord":
        """This record, extended by the checks of another one, which are prefixed with the name of its part."""
        checks = (check.model_copy(update={"name": f"{name}: {check.name}"}) for check in part.checks)
        return self.model_copy(update={"checks": (*self.checks, *checks)})

    @property
    def blessed(self) -> bool:
        """Whether there were checks and all passed."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def reasons(self) -> list[str]:
        """Why the export was refused; empty if it was not."""
        return [f"{check.name}: {check.message}" for check in self.checks if not check.passed]


def read(blessing_folder: str) -> CanaryRecord:
    """The record in the folder of an InfraBlessing."""
    return CanaryRecord.model_validate_json((Path(blessing_folder) / layout.CANARY).read_text(encoding="utf-8"))

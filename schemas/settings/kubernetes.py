"""Types for texts that Kubernetes accepts: paths, images, names and amounts."""

from typing import Annotated

from schemas.settings.section import fits

_PATH = r"(/(?!\.\.?(/|$))[^/:\x00-\x1f]+)+/?"
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_REPOSITORY = r"([A-Za-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+(([._-]+|/)[a-z0-9]+)*"

MountPath = Annotated[str, fits(_PATH, "an absolute path below /, without . and .. and colons,")]
"""An absolute path inside the containers."""
DataFolder = Annotated[str, fits(f"(gs:/)?{_PATH}", "an absolute path below /, without .., or a gs:// address")]
Image = Annotated[
    str,
    fits(
        rf"({_REPOSITORY}(:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(@sha256:[0-9a-f]{{64}})?)?",
        "a container image such as registry.example.com/name:tag or name@sha256: with 64 hexadecimal digits",
    ),
]
ObjectName = Annotated[
    str,
    fits(
        rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*",
        "a name that Kubernetes allows (lower-case letters, digits, - and . between them)",
    ),
]
"""Of a secret or an account."""
VolumeName = Annotated[
    str,
    fits(
        rf"(?=.{{1,63}}$){_LABEL}",
        "a name that a volume may have, as Kubeflow calls the volume so (at most 63 lower-case letters, digits and - "
        "between them, no dots),",
    ),
]
"""Of a claim or a secret that is mounted."""
Namespace = Annotated[
    str, fits(rf"(?=.{{1,63}}$){_LABEL}", "a namespace (at most 63 lower-case letters, digits and - between them)")
]
QualifiedName = Annotated[
    str,
    fits(
        rf"((?=[^/]{{1,253}}/){_LABEL}(\.{_LABEL})*/)?{_QUALIFIED}",
        "a name of at most 63 letters, digits, -, _ and ., with an optional prefix such as example.com/,",
    ),
]
"""Of a label, a taint or a resource."""
LabelValue = Annotated[str, fits(f"({_QUALIFIED})?", "a value of at most 63 letters, digits, -, _ and .")]
Variable = Annotated[str, fits("[A-Za-z_][A-Za-z0-9_]*", "a variable's name of letters, digits and _")]
SecretKey = Annotated[str, fits("[-._A-Za-z0-9]{1,253}", "a key of letters, digits, -, _ and .")]
Cores = Annotated[str, fits(r"([0-9]*\.)?[0-9]+m?", "a number of cores such as 2, 0.5 or 500m")]
Memory = Annotated[str, fits("[0-9]+([KMGTPE]i?)?", "an amount of memory such as 500Mi or 4Gi")]


def amount(text: str) -> float:
    """Cores or bytes."""
    number = text.rstrip("mKMGTPEi")
    unit = text.removeprefix(number)
    if unit == "m":
        return float(number) / 1000
    return float(number) * (1024 if unit.endswith("i") else 1000) ** " KMGTPE".index(unit[:1] or " ")

"""The rules of the profiles "baseline" and "restricted" of Kubernetes' Pod Security Standards, as documented.

Rules for Windows and for the hosts of probes are left out, as are user namespaces, which relax some rules.
"""

from typing import Any

_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_syncookies",
}
_PROFILES = ("RuntimeDefault", "Localhost")


def violations(pod: dict[str, Any]) -> list[str]:
    """Returns the rules of "restricted", which include those of "baseline", that a pod's specification violates."""
    whole = pod.get("securityContext", {})
    found = [f"{key} is true" for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key)]
    found += _shared(whole, "the pod")
    for volume in pod.get("volumes", []):
        found += [f"volume {volume['name']} is a {kind}" for kind in volume.keys() - {"name"} - _VOLUMES]
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for container in pod.get(kind, []):
            found += _of_container(container, whole)
    return found


def _of_container(container: dict[str, Any], whole: dict[str, Any]) -> list[str]:
    name, own = container["name"], container.get("securityContext", {})
    capabilities = own.get("capabilities", {})
    broken = {
        "is privileged": own.get("privileged", False),
        "may gain privileges": own.get("allowPrivilegeEscalation", True),
        "keeps capabilities": "ALL" not in capabilities.get("drop", []),
        "adds capabilities": set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"},
        "may run as root": not own.get("runAsNonRoot", whole.get("runAsNonRoot", False)),
        "has no seccomp profile": "seccompProfile" not in {**whole, **own},
        "changes /proc": own.get("procMount", "Default") != "Default",
        "takes a port of the node": any(port.get("hostPort") for port in container.get("ports", [])),
    }
    return [f"{name} {rule}" for rule, is_broken in broken.items() if is_broken] + _shared(own, name)


def _shared(context: dict[str, Any], whose: str) -> list[str]:
    """Checks the rules that apply to both pods and containers."""
    linux = context.get("seLinuxOptions", {})
    types = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
    broken = {
        "runs as root": context.get("runAsUser") == 0,
        "has another seccomp profile": context.get("seccompProfile", {"type": _PROFILES[0]})["type"] not in _PROFILES,
        "has another AppArmor profile": context.get("appArmorProfile", {"type": _PROFILES[0]})["type"] not in _PROFILES,
        "has SELinux options": linux.get("type", "") not in types or linux.get("user") or linux.get("role"),
        "sets sysctls": {setting["name"] for setting in context.get("sysctls", [])} - _SYSCTLS,
    }
    return [f"{whose} {rule}" for rule, is_broken in broken.items() if is_broken]

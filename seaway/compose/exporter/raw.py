"""Kubernetes' own words in `raw` that Docker has a key for: the way back of what an import puts there."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from seaway.compose.exporter import container
from seaway.kubernetes.api import kinds
from seaway.model import application


def convert(export: container.Export, workload: application.AnyWorkload, path: str, definition: dict[str, Any]) -> None:
    """Put them into the service. What is left is told with the rest of the file."""
    for kind, body in workload.raw.items():
        if not kinds.KINDS[kind].pod_template:
            continue
        steps = (*kinds.KINDS[kind].pod_template, "spec")
        for field, key, value in _find_known_fields(
            _get_mapping(body, steps), _get_mapping(body, (*steps[:-1], "metadata")), workload.name
        ):
            definition |= {key: value} if key else {}
            above = steps[:-1] if field.startswith("metadata.") else steps
            export.report.keep(".".join((path, "raw", kind, *above, field)), key)


def _find_known_fields(pod: Any, metadata: Any, name: str) -> Iterator[tuple[str, str, Any]]:
    """Field of Kubernetes, key of compose, value."""
    if pod.get("hostname"):
        yield "hostname", "hostname", str(pod["hostname"])
    if pod.get("shareProcessNamespace"):
        yield "shareProcessNamespace", "init", True
    if annotations := metadata.get("annotations"):
        yield "metadata.annotations", "annotations", dict(annotations)
    if aliases := pod.get("hostAliases"):
        yield "hostAliases", "extra_hosts", [f"{host}={one['ip']}" for one in aliases for host in one["hostnames"]]
    dns: Mapping[str, Any] = pod.get("dnsConfig") or {}
    for field, key in (("nameservers", "dns"), ("searches", "dns_search")):
        if dns.get(field):
            yield f"dnsConfig.{field}", key, list(dns[field])
    if dns.get("nameservers") and pod.get("dnsPolicy") == "None":
        yield "dnsPolicy", "dns", list(dns["nameservers"])
    if options := dns.get("options"):
        yield "dnsConfig.options", "dns_opt", [":".join(map(str, one.values())) for one in options]
    yield from _find_security_fields(pod.get("securityContext") or {})
    for number, volume in enumerate(pod.get("volumes") or ()):
        memory = volume.get("emptyDir") or {}
        if volume.get("name") == "shm" and memory.get("sizeLimit"):
            yield f"volumes.{number}", "shm_size", container.to_docker_size(memory["sizeLimit"])
    for number, one in enumerate(pod.get("containers") or ()):
        yield from _find_container_fields(f"containers.{number}", one, own=one.get("name") == name)


def _find_security_fields(security: Any) -> Iterator[tuple[str, str, Any]]:
    if (user := security.get("runAsUser")) is not None:
        yield "securityContext.runAsUser", "user", f"{user}:{security.get('runAsGroup', user)}"
        for field in ("runAsGroup", "fsGroup"):
            yield f"securityContext.{field}", "", None
    if groups := security.get("supplementalGroups"):
        yield "securityContext.supplementalGroups", "group_add", [str(one) for one in groups]
    if sysctls := security.get("sysctls"):
        yield "securityContext.sysctls", "sysctls", {one["name"]: str(one["value"]) for one in sysctls}


def _find_container_fields(path: str, container_fields: Any, *, own: bool) -> Iterator[tuple[str, str, Any]]:
    yield f"{path}.name", "", None
    for field, key in (("tty", "tty"), ("stdin", "stdin_open")):
        if own and container_fields.get(field):
            yield f"{path}.{field}", key, True
    if own and (command := _get_mapping(container_fields, ("lifecycle", "postStart", "exec")).get("command")):
        yield f"{path}.lifecycle.postStart.exec.command", "post_start", [{"command": command}]
    if [each.get("name") for each in container_fields.get("volumeMounts") or ()] == ["shm"]:
        yield f"{path}.volumeMounts", "", None


def _get_mapping(body: Any, steps: tuple[str, ...]) -> Mapping[str, Any]:
    for step in steps:
        body = body.get(step) if isinstance(body, Mapping) else None  # pyright: ignore
    return cast("Mapping[str, Any]", body) if isinstance(body, Mapping) else {}

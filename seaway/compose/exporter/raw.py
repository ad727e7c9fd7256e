"""Exports fields of Kubernetes in `raw` for which compose has a key. It reverses what an import puts there."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from seaway.compose.exporter import container
from seaway.compose.importer import image_files
from seaway.kubernetes.api import kinds


def convert(main: container.ExportedContainer) -> None:
    """Set the keys. The report drops the other fields."""
    for kind, manifest in main.workload.raw.items():
        template = kinds.KINDS[kind].pod_template
        if not template:
            continue
        pod, metadata = _get_mapping(manifest, (*template, "spec")), _get_mapping(manifest, (*template, "metadata"))
        for field, key, setting in _find_known_fields(pod, metadata, main.name):
            main.definition |= {key: setting} if key else {}
            parent = template if field.startswith("metadata.") else (*template, "spec")
            main.keep(".".join(("raw", kind, *parent, field)), key)


def _find_known_fields(pod: Any, metadata: Any, name: str) -> Iterator[tuple[str, str, Any]]:
    """Field of Kubernetes, key of compose, and setting of the key."""
    if pod.get("hostname"):
        yield "hostname", "hostname", str(pod["hostname"])
    if pod.get("shareProcessNamespace"):
        yield "shareProcessNamespace", "init", True
    if annotations := metadata.get("annotations"):
        yield "metadata.annotations", "annotations", dict(annotations)
    if aliases := pod.get("hostAliases"):
        yield (
            "hostAliases",
            "extra_hosts",
            [f"{host}={alias['ip']}" for alias in aliases for host in alias["hostnames"]],
        )
    dns: Mapping[str, Any] = pod.get("dnsConfig") or {}
    for field, key in (("nameservers", "dns"), ("searches", "dns_search")):
        if dns.get(field):
            yield f"dnsConfig.{field}", key, list(dns[field])
    if dns.get("nameservers") and pod.get("dnsPolicy") == "None":
        yield "dnsPolicy", "dns", list(dns["nameservers"])
    if options := dns.get("options"):
        yield "dnsConfig.options", "dns_opt", [":".join(map(str, option.values())) for option in options]
    yield from _find_security_fields(pod.get("securityContext") or {})
    for number, volume in enumerate(pod.get("volumes") or ()):
        memory = volume.get("emptyDir") or {}
        if volume.get("name") == "shm" and memory.get("sizeLimit"):
            yield f"volumes.{number}", "shm_size", container.to_docker_size(memory["sizeLimit"])
    names = [fields.get("name") for fields in pod.get("initContainers") or ()]
    yield from (
        (f"initContainers.{number}", "", None) for number, name in enumerate(names) if name == image_files.CONTAINER
    )
    for number, fields in enumerate(pod.get("containers") or ()):
        yield from _find_container_fields(f"containers.{number}", fields, own=fields.get("name") == name)


def _find_security_fields(security: Any) -> Iterator[tuple[str, str, Any]]:
    if (user := security.get("runAsUser")) is not None:
        yield "securityContext.runAsUser", "user", f"{user}:{security.get('runAsGroup', user)}"
        for field in ("runAsGroup", "fsGroup"):
            yield f"securityContext.{field}", "", None
    if groups := security.get("supplementalGroups"):
        yield "securityContext.supplementalGroups", "group_add", [str(group) for group in groups]
    if sysctls := security.get("sysctls"):
        yield "securityContext.sysctls", "sysctls", {sysctl["name"]: str(sysctl["value"]) for sysctl in sysctls}


def _find_container_fields(path: str, fields: Any, *, own: bool) -> Iterator[tuple[str, str, Any]]:
    yield f"{path}.name", "", None
    for field, key in (("tty", "tty"), ("stdin", "stdin_open")):
        if own and fields.get(field):
            yield f"{path}.{field}", key, True
    if own and (command := _get_mapping(fields, ("lifecycle", "postStart", "exec")).get("command")):
        yield f"{path}.lifecycle.postStart.exec.command", "post_start", [{"command": command}]
    if [mount.get("name") for mount in fields.get("volumeMounts") or ()] == ["shm"]:
        yield f"{path}.volumeMounts", "", None


def _get_mapping(manifest: Any, steps: tuple[str, ...]) -> Mapping[str, Any]:
    for step in steps:
        manifest = manifest.get(step) if isinstance(manifest, Mapping) else None  # pyright: ignore
    return cast("Mapping[str, Any]", manifest) if isinstance(manifest, Mapping) else {}

"""Hints in the words of the file that the user wrote: app.yaml, a Compose file, or a Python program.

A hint is a template such as ``raise <resources.memory>``: a name in angle brackets is a key of the workload in the
model. It becomes ``services.web.resources.memory (app/app.yaml:17)``, ``services.web.mem_limit (compose.yaml:9)`` or
``resources.memory of Service "web" (app/app.py:12)``.
"""

import re
import types
from collections.abc import Mapping
from pathlib import Path

from seaway.model import links
from seaway.project import environments, load, python_program
from seaway.rollout import target
from seaway.syntax import diagnosis, dockerfile, nodes

KEYS: Mapping[str, str] = {
    "": "",
    "build": "build",
    "calls": "networks",
    "command": "command",
    "egress": "",
    "env": "environment",
    "health": "healthcheck",
    "health.liveness": "",
    "health.readiness": "healthcheck.test",
    "health.startPeriod": "healthcheck.start_period",
    "health.timeout": "healthcheck.timeout",
    "image": "image",
    "port": "ports",
    "resources": "deploy.resources",
    "resources.disk": "",
    "resources.memory": "mem_limit or deploy.resources.limits.memory",
    "scale": "deploy.replicas",
    "secrets": "secrets",
    "security": "",
    "timeout": "",
    "user": "user",
    "writable": "tmpfs",
}
"""The keys that hints name, and those of a Compose service. Empty: Compose has none, so the stack's overlay sets it."""

FIELDS: Mapping[str, str] = {
    "build": "image",
    "env": "env",
    "health": "the probes",
    "health.liveness": "livenessProbe",
    "health.readiness": "readinessProbe",
    "health.startPeriod": "startupProbe.failureThreshold",
    "health.timeout": "readinessProbe.timeoutSeconds",
    "port": "ports.containerPort",
    "resources": "resources.requests",
    "resources.memory": "resources.limits.memory",
    "scale": "replicas",
    "secrets": "env or volumes",
    "security": "securityContext",
    "timeout": "activeDeadlineSeconds",
    "user": "securityContext.runAsUser",
    "writable": "an emptyDir in volumeMounts",
}
"""The fields of a container or its workload in Kubernetes, where they have other names than the keys."""

DEFAULT_FILE = "app.yaml"
"""The name of the application's file where it is unknown: only the objects in the cluster are known."""

_KEY = re.compile(r"<([A-Za-z.]*)>")


def collect_sources(
    environment: environments.Environment, dockerfiles: Mapping[str, str] = types.MappingProxyType({})
) -> dict[str, str]:
    """The location of each workload, and of its written keys that hints name; ``""``: the application's file.

    A pinned release has no locations: it is changed in the application, and promoted again.

    Args:
        dockerfiles: the texts of the Dockerfiles, by the name of the image. Their WORKDIR becomes a source too.
    """
    sources = {"": environment.settings.app}
    if environment.release is not None:
        return sources
    named = {f"{path}.{key}".rstrip(".") for path in environment.app.get_workloads() for key in KEYS}
    for path, location in nodes.list_locations(environment.node, ""):
        if path in named:
            file = location.file.removeprefix(f"{environment.folder}/")
            sources[path] = str(diagnosis.SourceLocation(file, location.line))
    for path, workload in environment.app.get_workloads().items():
        image = getattr(workload, "uses", None) or workload.name
        if workload.build is not None and image in dockerfiles:
            folder = dockerfile.find_working_dir(dockerfiles[image], workload.build.target)
            sources[f"{path}.{target.WORKING_DIR}"] = folder
    return sources


def find_link(variable: str, rollout_target: target.Target) -> str | None:
    """The service or store whose link would set a variable. Links of a Compose file set none."""
    if load.is_compose_file(Path(rollout_target.sources.get("", ""))):
        return None
    prefix = variable.rpartition("_")[0] if variable.endswith(("_URL", "_HOST", "_PORT")) else ""
    parts = (path.split(".") for path in rollout_target.sources)
    names = {part[1] for part in parts if len(part) == 2 and part[0] in ("services", "stores")}
    return next((name for name in sorted(names) if links.format_prefix(name) == prefix), None)


def fill_in(template: str, rollout_target: target.Target, *, stack: str, extra_container: str = "") -> str:
    """The template with its keys in the user's words. A location that repeats is named once.

    Args:
        extra_container: path of the extra container below the workload that the keys belong to, ``sidecars.proxy``.
    """
    named: set[str] = set()

    def name_key(match: re.Match[str]) -> str:
        words, location = _name_key(match[1], rollout_target, stack, extra_container)
        text = words if location in named else f"{words} ({location})"
        named.add(location)
        return text.replace("{", "{{").replace("}", "}}")

    return _KEY.sub(name_key, template)


def _name_key(key: str, rollout_target: target.Target, stack: str, extra_container: str) -> tuple[str, str]:
    """The user's words for a key, and where it is written; the nearest parent if it is not."""
    if not rollout_target.is_declared:
        return FIELDS.get(key, key or "it"), f"{rollout_target.kind} {rollout_target.name}"
    path = ".".join(filter(None, (rollout_target.model_path, extra_container, key)))
    written = path
    while written and written not in rollout_target.sources:
        written = written.rpartition(".")[0]
    location = rollout_target.sources.get(written, DEFAULT_FILE)
    file = Path(location.partition(":")[0])
    if file.suffix == python_program.SUFFIX:
        words = ".".join(filter(None, (extra_container, python_program.to_snake_case(key))))
        call = f'{rollout_target.workload_type.capitalize()} "{rollout_target.owner}"'
        return f"{words} of {call}" if words else call, location
    if load.is_compose_file(file):
        if key and not KEYS[key]:
            return path, f"below seaway:overlay in Pulumi.{stack}.yaml"
        return ".".join(filter(None, ("services", rollout_target.owner, KEYS[key]))), location
    return path, location

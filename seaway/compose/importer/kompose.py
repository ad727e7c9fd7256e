"""Converts labels: those of kompose, and annotations.

https://github.com/kubernetes/kompose/blob/main/docs/user-guide.md#labels
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from seaway.compose.importer import amounts, exposure, health, plan
from seaway.syntax import diagnosis, nodes

_DROPPED_LABELS: Mapping[str, tuple[str, str]] = {
    "kompose.image-pull-policy": ("a node pulls an image that it does not have", "remove it"),
    "kompose.image-pull-secret": (
        "the environment holds pull secrets",
        "pulumi config set --path 'seaway:imagePullSecrets[0]' {}",
    ),
    "kompose.service.expose.tls-secret": (
        "the environment holds certificates",
        "pulumi config set --path seaway:ingress.tlsSecret {}",
    ),
    "kompose.service.expose.ingress-class-name": (
        "the environment selects the ingress class",
        "pulumi config set --path seaway:ingress.className {}",
    ),
    "kompose.service.group": ("services of one pod cannot scale alone", "write the others as its `sidecars`"),
    "kompose.service.nodeport.port": ("another stack may use the fixed node port", "remove it"),
    "kompose.service.external-traffic-policy": ("the environment routes external traffic", "remove it"),
    "kompose.serviceaccount-name": ("every workload has its own service account", "write `kubernetesApi`"),
    "kompose.security-context.fsgroup": ("volumes belong to the user's own group", "write `user:`"),
    "kompose.volume.type": ("a named volume is a disk", "remove it"),
    "kompose.volume.sub-path": ("a store has its own disk", "remove it"),
    "kompose.volume.subpath": ("a store has its own disk", "remove it"),
    "kompose.volume.selector": ("the cluster creates disks", "use kompose.volume.storage-class-name"),
}

TOOL_PREFIXES = (
    *("autoheal", "caddy", "com.centurylinklabs.watchtower", "diun.", "docker-volume-backup.", "homepage."),
    *("kompose.", "ofelia.", "swag", "tinyproxy", "traefik."),
)
"""Labels of programs that watch Docker's socket."""

_ANNOTATION = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/#syntax-and-character-set"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Label:
    """A label of kompose. Its methods return whether they recorded an outcome."""

    service: plan.ServicePlan
    name: str
    node: nodes.ScalarNode

    @property
    def text(self) -> str:
        return self.node.text

    def keep(self, message: str = "", into: str = "") -> bool:
        self.service.keys.keep(("labels", self.name), message, into=into)
        return True

    def approximate(self, message: str, hint: str = "remove it", into: str = "") -> bool:
        self.service.keys.approximate(("labels", self.name), message, hint, into=into)
        return True

    def set(self, path: str, field: Any) -> bool:
        self.service.builder.set(tuple(path.split(".")), field, self.node.location)
        return self.keep(into=path)


def convert(service: plan.ServicePlan) -> None:
    keys = service.keys
    labels = keys.get_scalars("labels")
    for name in keys.get_names("labels"):
        key, node = ("labels", name), labels.get(name)
        if node is not None and name.startswith("kompose."):
            if not _convert_label(_Label(service=service, name=name, node=node)):
                message, hint = _DROPPED_LABELS.get(name, ("Seaway does not support this label", "remove it"))
                keys.drop(key, message, hint.format(node.text))
        elif node is not None and not name.startswith(TOOL_PREFIXES) and _ANNOTATION.fullmatch(name):
            service.builder.annotations[name] = node.text
            keys.keep(key, "annotation of the pod", into="raw")
        else:
            keys.drop(key, "for a tool that reads labels from Docker")


def _convert_label(label: _Label) -> bool:  # noqa: PLR0911 - one return per label
    service = label.service
    kind, text = service.kind, label.text
    match label.name:
        case "kompose.service.type" | "kompose.service.expose":
            return _convert_exposure(label)
        case "kompose.controller.type" if text == "daemonset" and kind == "services":
            return label.keep("daemonSet", "daemonSet")
        case "kompose.controller.type":
            return label.approximate("a service is a Deployment, a store a StatefulSet")
        case "kompose.volume.size" | "kompose.volume.storage-class-name" if kind == "stores":
            return label.keep(into="volume")
        case name if name.startswith("kompose.hpa.") and service.builder.has("scale", "max"):
            return label.keep(into="scale")
        case "kompose.cronjob.schedule" if kind == "jobs":
            return label.set("schedule", text)
        case "kompose.cronjob.concurrency_policy" if kind == "jobs" and text.lower() in ("forbid", "allow", "replace"):
            return label.set("concurrencyPolicy", text.lower())
        case "kompose.cronjob.backoff_limit" if kind == "jobs" and text.isdecimal():
            return label.set("backoffLimit", int(text))
        case name if name.startswith("kompose.service.healthcheck."):
            return _convert_health(label, name.removeprefix("kompose.service.healthcheck."))
        case "kompose.init.containers.name" | "kompose.init.containers.image" | "kompose.init.containers.command":
            return _convert_init_container(label)
        case _:
            return False


def _convert_exposure(label: _Label) -> bool:  # noqa: PLR0911 - one return per setting
    service, text = label.service, label.text.lower()
    if text in ("clusterip", "false"):
        service.builder.fields.pop("publish", None)
        return label.keep("not published")
    if text == "headless":
        return label.approximate("one address for all pods")
    if service.kind != "services" or service.main_port is None:
        return False
    methods = {"nodeport": "nodePort", "loadbalancer": "loadBalancer"}
    is_type = label.name == "kompose.service.type"
    if is_type and text not in methods:
        return False
    service.builder.set("publish", True, label.node.location)  # noqa: FBT003 - a field
    if is_type:
        hint = f"{exposure.PUBLISH_COMMAND} {methods[text]}"
        return label.approximate("published; the environment decides how", hint, "publish")
    if text == "true":
        return label.keep("published", "publish")
    host = f"'seaway:ingress.hosts.{service.dns_name}[0]' {label.text.split(',')[0].strip()}"
    hint = f"{exposure.PUBLISH_COMMAND} ingress && pulumi config set --path {host}"
    return label.approximate(f"published; the environment sets the host {label.text}", hint, "publish")


def _convert_health(label: _Label, setting: str) -> bool:
    main = label.service.main_port
    match setting:
        case "readiness.http_get_path" if main is not None:
            return label.set("health.readiness", label.text)
        case "liveness.http_get_path" if main is not None:
            return label.set("health.liveness", label.text)
        case "readiness.test" if label.text.split():
            return label.set("health.readiness", [*health.SHELL, label.text])
        case "readiness.start_period" if seconds := amounts.to_seconds(label.text):
            return label.set("health.startPeriod", max(seconds, health.DEFAULT_START_SECONDS))
        case "readiness.http_get_port" | "liveness.http_get_port" | "readiness.tcp_port" | "liveness.tcp_port":
            is_main = main is not None and label.text == str(main.number)
            return is_main and label.keep("probes use the main port", "port")
        case _:
            return False


def _convert_init_container(label: _Label) -> bool:
    service, location = label.service, label.node.location
    labels = {name: node.text for name, node in service.keys.get_scalars("labels").items()}
    image = labels.get("kompose.init.containers.image")
    if not image:
        return False
    name = labels.get("kompose.init.containers.name", f"{service.dns_name}-init")
    service.builder.set(("init", name, "image"), image, location)
    if command := labels.get("kompose.init.containers.command"):
        service.builder.set(("init", name, "command"), _parse_words(command), location)
    return label.keep(into=f"init.{name}")


def _parse_words(text: str) -> list[str]:
    """A YAML list, or words."""
    try:
        node = nodes.parse(text, "label")
    except diagnosis.InvalidInput:
        return text.split()
    children = node.items if isinstance(node, nodes.SequenceNode) else ()
    words = [child.text for child in children if isinstance(child, nodes.ScalarNode)]
    return words if isinstance(node, nodes.SequenceNode) else text.split()

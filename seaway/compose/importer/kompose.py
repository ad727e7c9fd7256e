"""Converts labels: those of kompose, and annotations.

https://github.com/kubernetes/kompose/blob/main/docs/user-guide.md#labels
"""

import contextlib
import dataclasses
import re
import shlex
from collections.abc import Mapping
from typing import Any

from seaway.compose.importer import amounts, exposure, health, plan, pod_fields, proxies
from seaway.syntax import diagnosis, nodes, yaml_parser

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
    *("kompose.", "ofelia.", "swag", "tinyproxy"),
)
"""Labels of programs that watch Docker's socket."""

_PROBE_PORTS = [
    f"service.healthcheck.{probe}.{port}"
    for probe in ("readiness", "liveness")
    for port in ("http_get_port", "tcp_port")
]

_ANNOTATION = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/#syntax-and-character-set"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Label:
    """A label of kompose. Its methods return whether they recorded an outcome."""

    service: plan.ServicePlan
    name: str
    text: str
    location: diagnosis.SourceLocation

    def keep(self, message: str = "", into: str = "") -> bool:
        self.service.keys.keep(("labels", self.name), message, into=into)
        return True

    def approximate(self, message: str, hint: str = "remove it", into: str = "") -> bool:
        self.service.keys.approximate(("labels", self.name), message, hint, into=into)
        return True

    def set(self, path: str, field: Any) -> bool:
        self.service.builder.set(tuple(path.split(".")), field, self.location)
        return self.keep(into=path)


def convert(service: plan.ServicePlan) -> None:
    deploy = service.keys.enter("deploy")
    for reader in (service.keys, deploy):
        proxies.convert_labels(service, reader)
    for name in deploy.get_names("labels"):
        if not name.lower().startswith(proxies.TRAEFIK):
            deploy.drop(("labels", name), "Seaway does not read labels of a swarm service")
    for name, node in service.keys.get_scalars("labels").items():
        key = ("labels", name)
        if name.lower().startswith(proxies.TRAEFIK):
            continue
        if name.startswith("kompose."):
            if not _convert_label(_Label(service=service, name=name, text=node.text, location=node.location)):
                message, hint = _DROPPED_LABELS.get(name, ("Seaway does not support this label", "remove it"))
                service.keys.drop(key, message, hint.format(shlex.quote(node.text)))
        elif not name.startswith(TOOL_PREFIXES) and _ANNOTATION.fullmatch(name):
            pod_fields.add_annotation(service, "labels", name, node.text)
        else:
            service.keys.drop(key, "for a tool that reads labels from Docker")


def _convert_label(label: _Label) -> bool:  # noqa: PLR0911, PLR0912 - one return per label
    service, text = label.service, label.text
    kind, main = service.kind, service.main_port
    match label.name.removeprefix("kompose."):
        case "service.type" | "service.expose":
            return _convert_exposure(label)
        case "controller.type" if text == "daemonset" and kind == "services":
            return label.keep("daemonSet", "daemonSet")
        case "controller.type":
            return label.approximate("a service is a Deployment, a store a StatefulSet")
        case "volume.size" | "volume.storage-class-name" if kind == "stores":
            return label.keep(into="volume")
        case name if name.startswith("hpa.") and service.builder.has("scale", "max"):
            return label.keep(into="scale")
        case "cronjob.schedule" if kind == "jobs":
            return label.set("schedule", text)
        case "cronjob.concurrency_policy" if kind == "jobs" and text.lower() in ("forbid", "allow", "replace"):
            return label.set("concurrencyPolicy", text.lower())
        case "cronjob.backoff_limit" if kind == "jobs" and text.isdecimal():
            return label.set("backoffLimit", int(text))
        case "service.healthcheck.readiness.http_get_path" if main is not None:
            return label.set("health.readiness", text)
        case "service.healthcheck.liveness.http_get_path" if main is not None:
            return label.set("health.liveness", text)
        case "service.healthcheck.readiness.test" if text.split():
            return label.set("health.readiness", [*health.SHELL, text])
        case "service.healthcheck.readiness.start_period" if seconds := amounts.to_seconds(text):
            return label.set("health.startPeriod", max(seconds, health.DEFAULT_START_SECONDS))
        case name if name in _PROBE_PORTS and main is not None and text == str(main.number):
            return label.keep("probes use the main port", "port")
        case "init.containers.name" | "init.containers.image" | "init.containers.command":
            return _convert_init_container(label)
        case _:
            return False


def _convert_exposure(label: _Label) -> bool:
    service, text = label.service, label.text.lower()
    if text in ("clusterip", "false"):
        service.builder.fields.pop("publish", None)
        return label.keep("not published")
    if text == "headless":
        return label.approximate("one address for all pods")
    methods = {"nodeport": "nodePort", "loadbalancer": "loadBalancer"}
    is_type = label.name == "kompose.service.type"
    if service.kind != "services" or service.main_port is None or (is_type and text not in methods):
        return False
    service.builder.set("publish", True, label.location)  # noqa: FBT003 - a field
    if is_type:
        hint = f"{exposure.PUBLISH_COMMAND} {methods[text]}"
        return label.approximate("published; the environment decides how", hint, "publish")
    if text == "true":
        return label.keep("published", "publish")
    host = f"'seaway:ingress.hosts.{service.dns_name}[0]' {shlex.quote(label.text.split(',')[0].strip())}"
    hint = f"{exposure.PUBLISH_COMMAND} ingress && pulumi config set --path {host}"
    return label.approximate(f"published; the environment sets the host {label.text}", hint, "publish")


def _convert_init_container(label: _Label) -> bool:
    service, labels = label.service, label.service.labels
    image = labels.get("kompose.init.containers.image")
    if not image:
        return False
    name = labels.get("kompose.init.containers.name", f"{service.dns_name}-init")
    service.builder.set(("init", name, "image"), image, label.location)
    if command := labels.get("kompose.init.containers.command"):
        service.builder.set(("init", name, "command"), _parse_words(command), label.location)
    return label.keep(into=f"init.{name}")


def _parse_words(text: str) -> list[str]:
    """A YAML list, or words."""
    with contextlib.suppress(diagnosis.InvalidInput):
        node = yaml_parser.parse(text, "label")
        if isinstance(node, nodes.SequenceNode):
            return [child.text for child in node.items if isinstance(child, nodes.ScalarNode)]
    return text.split()

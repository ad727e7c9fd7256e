"""The labels that kompose reads, which compose files carry for it.

https://github.com/kubernetes/kompose/blob/main/docs/user-guide.md#labels
"""

import re
from collections.abc import Callable, Mapping

from seaway.compose.importer import amounts, plan, service_builder
from seaway.syntax import diagnosis, nodes

_DROPPED_LABELS: Mapping[str, tuple[str, str]] = {
    "kompose.image-pull-policy": ("an image is pulled where the node has not got it", "remove it"),
    "kompose.image-pull-secret": (
        "who pulls is the environment's business",
        "pulumi config set --path 'seaway:imagePullSecrets[0]' {}",
    ),
    "kompose.service.expose.tls-secret": (
        "certificates are the environment's business",
        "pulumi config set --path seaway:ingress.tlsSecret {}",
    ),
    "kompose.service.expose.ingress-class-name": (
        "the controller is the environment's business",
        "pulumi config set --path seaway:ingress.className {}",
    ),
    "kompose.service.group": ("services of one pod cannot be scaled alone", "write the others as its `sidecars`"),
    "kompose.service.nodeport.port": ("a fixed port of the nodes can be taken by another stack", "remove it"),
    "kompose.service.external-traffic-policy": ("who leads requests in is the environment's business", "remove it"),
    "kompose.serviceaccount-name": ("every workload has an account of its own", "write `kubernetesApi`"),
    "kompose.security-context.fsgroup": ("volumes belong to the user's own group", "write `user:`"),
    "kompose.volume.type": ("a named volume is a disk", "remove it"),
    "kompose.volume.sub-path": ("a store's disk is its own", "remove it"),
    "kompose.volume.subpath": ("a store's disk is its own", "remove it"),
    "kompose.volume.selector": ("a disk is made, and not chosen", "kompose.volume.storage-class-name"),
}


def convert(service: plan.ServicePlan, builder: service_builder.ServiceBuilder) -> None:
    """The labels of a service; those that are not kompose's mean nothing to a cluster."""
    one = service.keys
    for name, entry in nodes.get_pairs(one.mapping, "labels").items():
        node = entry.node
        if isinstance(node, nodes.ScalarNode) and name.startswith("kompose."):
            _convert_label(service, builder, name, node)
            why, remedy = _DROPPED_LABELS.get(name, ("nothing here asks for what it says", "remove it"))
            one.record_member("labels", name, "dropped", why, remedy.format(node.text))
        if isinstance(node, nodes.ScalarNode) and not name.startswith(TOOL_PREFIXES) and _ANNOTATION.fullmatch(name):
            builder.annotations[name] = node.text
            one.record_member("labels", name, "kept", "annotation of the pod", "", "raw")
        one.record_member(
            "labels", name, "dropped", "is for a tool that asks Docker; nothing here reads it", "remove it"
        )


TOOL_PREFIXES = (
    *("autoheal", "caddy", "com.centurylinklabs.watchtower", "diun.", "docker-volume-backup.", "homepage."),
    *("kompose.", "ofelia.", "swag", "tinyproxy", "traefik."),
)
"""How labels begin that a program reads from Docker's socket, to do something."""

_ANNOTATION = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/#syntax-and-character-set"""

KeepLabel = Callable[[str, str], None]


def _convert_label(
    service: plan.ServicePlan, builder: service_builder.ServiceBuilder, name: str, node: nodes.ScalarNode
) -> None:
    one, text, place = service.keys, node.text, node.location

    def kept(how: str, into: str) -> None:
        one.record_member("labels", name, "kept", how, "", into)

    def approximated(how: str, remedy: str, into: str) -> None:
        one.record_member("labels", name, "approximated", how, remedy, into)

    match name:
        case "kompose.service.type":
            kind = text.lower()
            if kind in ("nodeport", "loadbalancer") and _publish(service, builder, place):
                word = {"nodeport": "nodePort", "loadbalancer": "loadBalancer"}[kind]
                approximated("exposed; how is the environment's business", _format_publish_command(word), "publish")
            elif kind == "clusterip":
                builder.fields.pop("publish", None)
                kept("not exposed", "")
            elif kind == "headless":
                approximated("one address for all pods", "remove it", "")
        case "kompose.service.expose":
            if text.lower() == "false":
                builder.fields.pop("publish", None)
                kept("not exposed", "")
            elif _publish(service, builder, place):
                hosts = [] if text.lower() == "true" else text.split(",")
                if hosts:
                    at = f"pulumi config set --path 'seaway:ingress.hosts.{service.dns_name}[0]' {hosts[0].strip()}"
                    approximated(
                        f"exposed; {text} is the environment's to say",
                        f"{_format_publish_command('ingress')} && {at}",
                        "publish",
                    )
                else:
                    kept("exposed", "publish")
        case "kompose.controller.type" if text == "daemonset" and service.kind == "services":
            kept("daemonSet", "daemonSet")
        case "kompose.controller.type":
            approximated("a service is a Deployment, a store a StatefulSet", "remove it", "")
        case "kompose.volume.size" | "kompose.volume.storage-class-name" if service.kind == "stores":
            kept("", "volume")
        case _ if name.startswith("kompose.hpa.") and builder.has("scale", "max"):
            kept("", "scale")
        case _ if name.startswith("kompose.cronjob.") and service.kind == "jobs":
            _convert_cron_label(builder, name, node, kept)
        case _ if name.startswith(("kompose.service.healthcheck.", "kompose.init.containers.")):
            _convert_container_label(service, builder, name, node, kept)
        case _:
            pass


def _format_publish_command(publish: str) -> str:
    return f"pulumi config set seaway:publish {publish}"


def _publish(
    service: plan.ServicePlan, builder: service_builder.ServiceBuilder, location: diagnosis.SourceLocation
) -> bool:
    if service.kind != "services" or service.main_port is None:
        return False
    builder.set(("publish",), True, location)  # noqa: FBT003 - a value that is written
    return True


def _convert_cron_label(
    builder: service_builder.ServiceBuilder, name: str, node: nodes.ScalarNode, keep: KeepLabel
) -> None:
    match name.rpartition(".")[2]:
        case "schedule":
            builder.set(("schedule",), node.text, node.location)
            keep("", "schedule")
        case "concurrency_policy" if node.text.lower() in ("forbid", "allow", "replace"):
            builder.set(("concurrencyPolicy",), node.text.lower(), node.location)
            keep("", "concurrencyPolicy")
        case "backoff_limit" if node.text.isdecimal():
            builder.set(("backoffLimit",), int(node.text), node.location)
            keep("", "backoffLimit")
        case _:
            pass


def _convert_container_label(
    service: plan.ServicePlan,
    builder: service_builder.ServiceBuilder,
    name: str,
    node: nodes.ScalarNode,
    keep: KeepLabel,
) -> None:
    told = {key: value.text for key, value in service.keys.get_scalars("labels").items()}
    match name:
        case "kompose.service.healthcheck.readiness.http_get_path" if service.main_port is not None:
            builder.set(("health", "readiness"), node.text, node.location)
            keep("", "health.readiness")
        case "kompose.service.healthcheck.liveness.http_get_path" if service.main_port is not None:
            builder.set(("health", "liveness"), node.text, node.location)
            keep("", "health.liveness")
        case "kompose.service.healthcheck.readiness.test" if node.text.split():
            builder.set(("health", "readiness"), ["/bin/sh", "-c", node.text], node.location)
            keep("", "health.readiness")
        case "kompose.service.healthcheck.readiness.start_period" if seconds := amounts.to_seconds(node.text):
            builder.set(("health", "startPeriod"), max(seconds, 60), node.location)
            keep("", "health.startPeriod")
        case (
            "kompose.service.healthcheck.readiness.http_get_port"
            | "kompose.service.healthcheck.liveness.http_get_port"
            | "kompose.service.healthcheck.readiness.tcp_port"
            | "kompose.service.healthcheck.liveness.tcp_port"
        ) if service.main_port is not None and node.text == str(service.main_port.number):
            keep("the main port is asked", "port")
        case "kompose.init.containers.name" | "kompose.init.containers.image" | "kompose.init.containers.command":
            image = told.get("kompose.init.containers.image")
            if image:
                own = told.get("kompose.init.containers.name", f"{service.dns_name}-init")
                builder.set(("init", own, "image"), image, node.location)
                if command := told.get("kompose.init.containers.command"):
                    builder.set(("init", own, "command"), _parse_words(command), node.location)
                keep("", f"init.{own}")
        case _:
            pass


def _parse_words(text: str) -> list[str]:
    try:
        found = nodes.parse(text, "label")
    except diagnosis.InvalidInput:
        return text.split()
    return (
        [item.text for item in found.items if isinstance(item, nodes.ScalarNode)]
        if isinstance(found, nodes.SequenceNode)
        else text.split()
    )

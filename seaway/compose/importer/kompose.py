"""The labels that kompose reads, which compose files carry for it.

https://github.com/kubernetes/kompose/blob/main/docs/user-guide.md#labels
"""

import re
from collections.abc import Callable, Mapping

from seaway.compose.importer import amounts, plan, service_builder
from seaway.syntax import diagnosis, nodes

_ELSEWHERE: Mapping[str, tuple[str, str]] = {
    "kompose.image-pull-policy": ("an image is pulled where the node has not got it", "remove it"),
    "kompose.image-pull-secret": (
        "who pulls is the environment's business",
        "pulumi config set --path 'seaway:pullSecrets[0]' {}",
    ),
    "kompose.service.expose.tls-secret": (
        "certificates are the environment's business",
        "pulumi config set --path seaway:ingress.tlsSecret {}",
    ),
    "kompose.service.expose.ingress-class-name": (
        "the controller is the environment's business",
        "pulumi config set --path seaway:ingress.controller {}",
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


def convert(each: plan.Plan, made: service_builder.Draft) -> None:
    """The labels of a service; those that are not kompose's mean nothing to a cluster."""
    one = each.entry
    for name, entry in nodes.inside(one.table, "labels").items():
        node = entry.node
        if isinstance(node, nodes.Scalar) and name.startswith("kompose."):
            _label(each, made, name, node)
            why, remedy = _ELSEWHERE.get(name, ("nothing here asks for what it says", "remove it"))
            one.named("labels", name, "dropped", why, remedy.format(node.text))
        if isinstance(node, nodes.Scalar) and not name.startswith(TOOLS) and _ANNOTATION.fullmatch(name):
            made.annotations[name] = node.text
            one.named("labels", name, "kept", "annotation of the pod", "", "raw")
        one.named("labels", name, "dropped", "is for a tool that asks Docker; nothing here reads it", "remove it")


TOOLS = (
    *("autoheal", "caddy", "com.centurylinklabs.watchtower", "diun.", "docker-volume-backup.", "homepage."),
    *("kompose.", "ofelia.", "swag", "tinyproxy", "traefik."),
)
"""How labels begin that a program reads from Docker's socket, to do something."""

_ANNOTATION = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/#syntax-and-character-set"""

Kept = Callable[[str, str], None]


def _label(each: plan.Plan, made: service_builder.Draft, name: str, node: nodes.Scalar) -> None:  # noqa: PLR0912
    one, text, place = each.entry, node.text, node.place

    def kept(how: str, into: str) -> None:
        one.named("labels", name, "kept", how, "", into)

    def approximated(how: str, remedy: str, into: str) -> None:
        one.named("labels", name, "approximated", how, remedy, into)

    match name:
        case "kompose.service.type":
            kind = text.lower()
            if kind in ("nodeport", "loadbalancer") and _expose(each, made, place):
                word = {"nodeport": "nodePort", "loadbalancer": "loadBalancer"}[kind]
                approximated("exposed; how is the environment's business", _set(word), "expose")
            elif kind == "clusterip":
                made.values.pop("expose", None)
                kept("not exposed", "")
            elif kind == "headless":
                approximated("one address for all pods", "remove it", "")
        case "kompose.service.expose":
            if text.lower() == "false":
                made.values.pop("expose", None)
                kept("not exposed", "")
            elif _expose(each, made, place):
                hosts = [] if text.lower() == "true" else text.split(",")
                if hosts:
                    at = f"pulumi config set --path 'seaway:ingress.hosts.{each.label}[0]' {hosts[0].strip()}"
                    approximated(f"exposed; {text} is the environment's to say", f"{_set('ingress')} && {at}", "expose")
                else:
                    kept("exposed", "expose")
        case "kompose.controller.type" if text == "daemonset" and each.kind == "services":
            kept("eachNode", "eachNode")
        case "kompose.controller.type":
            approximated("a service is a Deployment, a store a StatefulSet", "remove it", "")
        case "kompose.volume.size" | "kompose.volume.storage-class-name" if each.kind == "stores":
            kept("", "volume")
        case _ if name.startswith("kompose.hpa.") and made.has("scale", "max"):
            kept("", "scale")
        case _ if name.startswith("kompose.cronjob.") and each.kind == "jobs":
            _cron(made, name, node, kept)
        case _ if name.startswith(("kompose.service.healthcheck.", "kompose.init.containers.")):
            _more(each, made, name, node, kept)
        case _:
            pass


def _set(exposure: str) -> str:
    return f"pulumi config set seaway:exposure {exposure}"


def _expose(each: plan.Plan, made: service_builder.Draft, place: diagnosis.Place) -> bool:
    if each.kind != "services" or each.main is None:
        return False
    made.put(("expose",), True, place)  # noqa: FBT003 - a value that is written
    return True


def _cron(made: service_builder.Draft, name: str, node: nodes.Scalar, kept: Kept) -> None:
    match name.rpartition(".")[2]:
        case "schedule":
            made.put(("schedule",), node.text, node.place)
            kept("", "schedule")
        case "concurrency_policy" if node.text.lower() in ("forbid", "allow", "replace"):
            made.put(("overlap",), node.text.lower(), node.place)
            kept("", "overlap")
        case "backoff_limit" if node.text.isdecimal():
            made.put(("tries",), int(node.text) + 1, node.place)
            kept("", "tries")
        case _:
            pass


def _more(each: plan.Plan, made: service_builder.Draft, name: str, node: nodes.Scalar, kept: Kept) -> None:
    told = {key: value.text for key, value in each.entry.scalars("labels").items()}
    match name:
        case "kompose.service.healthcheck.readiness.http_get_path" if each.main is not None:
            made.put(("health", "ready"), node.text, node.place)
            kept("", "health.ready")
        case "kompose.service.healthcheck.liveness.http_get_path" if each.main is not None:
            made.put(("health", "live"), node.text, node.place)
            kept("", "health.live")
        case "kompose.service.healthcheck.readiness.test" if node.text.split():
            made.put(("health", "ready"), ["/bin/sh", "-c", node.text], node.place)
            kept("", "health.ready")
        case "kompose.service.healthcheck.readiness.start_period" if seconds := amounts.seconds(node.text):
            made.put(("health", "startup"), max(seconds, 60), node.place)
            kept("", "health.startup")
        case (
            "kompose.service.healthcheck.readiness.http_get_port"
            | "kompose.service.healthcheck.liveness.http_get_port"
            | "kompose.service.healthcheck.readiness.tcp_port"
            | "kompose.service.healthcheck.liveness.tcp_port"
        ) if each.main is not None and node.text == str(each.main.number):
            kept("the main port is asked", "port")
        case "kompose.init.containers.name" | "kompose.init.containers.image" | "kompose.init.containers.command":
            image = told.get("kompose.init.containers.image")
            if image:
                own = told.get("kompose.init.containers.name", f"{each.label}-init")
                made.put(("init", own, "image"), image, node.place)
                if command := told.get("kompose.init.containers.command"):
                    made.put(("init", own, "command"), _words(command), node.place)
                kept("", f"init.{own}")
        case _:
            pass


def _words(text: str) -> list[str]:
    try:
        found = nodes.parse(text, "label")
    except diagnosis.Invalid:
        return text.split()
    return (
        [item.text for item in found.items if isinstance(item, nodes.Scalar)]
        if isinstance(found, nodes.Items)
        else text.split()
    )

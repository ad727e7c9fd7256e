"""A service, a store or a job as a service of a compose document, with its companions."""

import itertools
from collections.abc import Mapping
from typing import Any

from seaway.compose.exporter import container, health, raw, volumes
from seaway.compose.importer import images, ports
from seaway.model import application
from seaway.model.validate import jobs, structure

JOB_GRACE = 25
"""Seconds, as in a cluster."""

BY_HAND = "manual"
"""The profile of jobs that only `docker compose run` starts."""


def convert(
    out: container.Out,
    path: str,
    each: structure.Workload,
    published: Mapping[str, str],
    network: dict[str, Any],
) -> None:
    """Its service, and those of its companions. ``network``: the keys that say whom it reaches."""
    made, base = container.container(out, container.Part(owner=each, one=each, path=path, name=each.name))
    out.services[each.name] = made | network
    made = out.services[each.name]
    if isinstance(each, application.Job):
        _job(out, path, each, made)
    else:
        _reached(each, made, published)
        made["healthcheck"] = _asked(out, path, each.health, each.port, base, each.name, udp=each.protocol == "udp")
        made |= {"restart": "unless-stopped", "stop_grace_period": f"{each.grace}s"}
    if isinstance(each, application.Service):
        _scale(out, path, each, made)
        if each.spread == "require":
            out.told.dropped(f"{path}.spread", "all run on one machine")
        for word in ("spread", "eachNode"):
            out.told.kept(f"{path}.{word}", "there is one machine")
    _placed(out, path, each, made)
    raw.convert(out, each, path, made)
    mounts = volumes.convert(out, path, each, made)
    for one in each.sidecars:
        _sidecar(out, f"{path}.sidecars.{one.name}", each, one, mounts)
    for one in each.init:
        name, beside, _ = _companion(out, f"{path}.init.{one.name}", each, one, mounts)
        out.services[name] = beside | network | {"restart": "on-failure"}
        how = f"the service {name}, which runs first; it has a network of its own"
        out.told.approximated(f"{path}.init.{one.name}", how, into=f"services.{name}")


def _sidecar(
    out: container.Out, path: str, each: structure.Workload, one: application.Companion, mounts: Mapping[str, str]
) -> None:
    name, made, base = _companion(out, path, each, one, mounts)
    out.services[name] = made
    if one.health is not None or one.port is not None:
        made["healthcheck"] = _asked(out, f"{path}", one.health or application.Health(), one.port, base, name)
    job = isinstance(each, application.Job)
    made |= {"network_mode": f"service:{each.name}", "restart": "no" if job else "unless-stopped"}
    how = f"the service {name} in the network of {each.name}; it starts after it"
    how += f", and does not end with it: docker compose stop {name}" if job else ""
    out.told.approximated(path, how, into=f"services.{name}")


def _companion(
    out: container.Out, path: str, each: structure.Workload, one: application.Companion, mounts: Mapping[str, str]
) -> tuple[str, dict[str, Any], str]:
    """Its name, its service and its image."""
    name = out.name(f"{each.name}-{one.name}")
    out.companions[name] = each.name
    made, base = container.container(out, container.Part(owner=each, one=one, path=path, name=name))
    volumes.mount(out, path, one, made, {folder: mounts[folder] for folder in one.writable if folder in mounts})
    made["profiles"] = out.services[each.name].get("profiles")
    return name, made, base


def _asked(  # noqa: PLR0917 - as they stand in the application
    out: container.Out,
    path: str,
    probe: application.Health,
    port: int | None,
    base: str,
    name: str,
    *,
    udp: bool = False,
) -> dict[str, Any] | None:
    check = health.of(probe.ready, port, base, udp=udp)
    at, into = f"{path}.health", f"services.{name}"
    if check.how:
        out.told.approximated(at, check.how, health.BY_HAND, f"{into}.healthcheck" if check.test else into)
    elif probe != application.Health() and out.told.has(at):
        out.told.approximated(at, health.RESTARTS, "let the program end when it cannot go on")
    return health.healthcheck(probe, check)


def published(app: application.Application) -> dict[str, str]:
    """By name and port (`web:8000`), and by name alone, the port of the host: the same where it is free. Where there
    are several pods, each has one of a range."""
    taken: set[int] = set()
    found: dict[str, str] = {}
    for one in (*app.services, *app.stores):
        several = one.scale.min if isinstance(one, application.Service) and not _single(one) else 1
        listed = [one.port] if one.expose and one.port is not None else []
        for number in (*listed, *(port.port for port in one.ports if port.expose)):
            first = next(
                start
                for start in itertools.count(number)
                if taken.isdisjoint(range(start, start + several)) or start + several > 65535
            )
            taken.update(range(first, first + several))
            found[f"{one.name}:{number}"] = str(first) if several == 1 else f"{first}-{first + several - 1}"
            found[one.name] = ""
    return found


def _single(one: application.Service) -> bool:
    """Whether it has one container, and not as many as it has pods: what is beside one is beside that one only."""
    return one.each_node or bool(one.sidecars) or one.scale.min == 1


def _reached(each: application.Service | application.Store, made: dict[str, Any], published: Mapping[str, str]) -> None:
    listed = [] if each.port is None else [application.Port("main", port=each.port, protocol=each.protocol)]
    opened: list[dict[str, Any]] = []
    inside: list[str] = []
    for one in (*listed, *each.ports):
        outside = published.get(f"{each.name}:{one.port}")
        udp = one.protocol == "udp"
        if outside is None or not (each.expose if one in listed else one.expose):
            inside.append(f"{one.port}/udp" if udp else str(one.port))
            continue
        body: dict[str, Any] = {"target": one.port, "published": outside}
        if udp:
            body["protocol"] = "udp"
        elif ports.protocol(one.port, None, None, images.fact(each.image)) != one.protocol:
            body["app_protocol"] = one.protocol
        opened.append(body)
    made |= {"ports": opened or None, "expose": inside or None}


def _scale(out: container.Out, path: str, each: application.Service, made: dict[str, Any]) -> None:
    at, into = f"{path}.scale", f"services.{each.name}.deploy"
    if each.each_node:
        made["deploy"] = {"mode": "global"} | made["deploy"]
        out.told.approximated(f"{path}.eachNode", "one: this machine is one node")
    elif _single(each):
        if each.scale.min > 1:
            how = "one: its sidecars share the network of one container"
            out.told.approximated(at, how, "leave the sidecars out for Docker", into)
    else:
        made["deploy"] = {"replicas": each.scale.min} | made["deploy"]
        if each.expose and each.port is not None:
            how = f"{each.scale.min} containers, each on a port of its own"
            out.told.approximated(
                f"{path}.expose", how, "scale: 1, and there is one port", f"services.{each.name}.ports"
            )
    if each.scale.max is not None:
        said = {"replicas.min": each.scale.min, "replicas.max": each.scale.max}
        said |= {"cpu": each.scale.cpu, "memory": each.scale.memory}
        made["labels"] = {
            f"kompose.hpa.{key}": str(value).removesuffix("%") for key, value in said.items() if value is not None
        }
        how = f"always {each.scale.min}: nothing on Docker starts more; the labels are for an import"
        out.told.approximated(at, how, f"docker compose up --scale {each.name}=<number>", into)
    if out.told.has(f"{path}.drain"):
        out.told.dropped(f"{path}.drain", "nothing leads requests to it that would have to learn of its end")


def _job(out: container.Out, path: str, each: application.Job, made: dict[str, Any]) -> None:
    made["restart"] = f"on-failure:{each.tries - 1}" if each.tries > 1 else "no"
    made["stop_grace_period"] = f"{JOB_GRACE}s"
    start = f"docker compose run --rm {each.name}"
    if not jobs.released(each):
        made["profiles"] = [BY_HAND]
    if each.schedule is not None:
        said = {"schedule": each.schedule, "concurrency_policy": each.overlap.capitalize()}
        made["labels"] = {f"kompose.cronjob.{key}": value for key, value in said.items()}
        how = "nothing on Docker runs by the clock; the labels are for an import"
        out.told.dropped(f"{path}.schedule", how, f"in a crontab: {start}", f"services.{each.name}.profiles")
        for word in ("timeZone", "startWithin", "overlap", "history"):
            if out.told.has(f"{path}.{word}"):
                out.told.dropped(f"{path}.{word}", "nothing on Docker runs by the clock", "say it where the clock is")
    elif each.run == "on-demand":
        out.told.approximated(f"{path}.run", f"{start} starts it", "", f"services.{each.name}.profiles")
    if out.told.has(f"{path}.timeout"):
        out.told.dropped(f"{path}.timeout", "Docker ends nothing for its time", "let the program end by itself")
    if out.told.has(f"{path}.tries"):
        out.told.kept(f"{path}.tries", f"restart: {made['restart']}")


def _placed(out: container.Out, path: str, each: structure.Workload, made: dict[str, Any]) -> None:
    for label, value in each.nodes.items():
        if label == container.ARCHITECTURE:
            made["platform"] = f"linux/{value}"
            out.told.kept(f"{path}.nodes.{label}", "platform")
        else:
            out.told.dropped(f"{path}.nodes.{label}", "there is one machine")
    for word, there in {"tolerates": each.tolerates, "priority": each.priority}.items():
        if there:
            out.told.dropped(f"{path}.{word}", "there is one machine")
    if each.kubernetes_api:
        out.told.dropped(f"{path}.kubernetesApi", "there is no Kubernetes to ask", "let the program do without")

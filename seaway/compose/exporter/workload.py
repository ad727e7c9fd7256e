"""A service, a store or a job as a service of a compose document, with its companions."""

import itertools
from collections.abc import Mapping
from typing import Any

from seaway.compose.exporter import container, health, raw, volumes
from seaway.compose.importer import images, ports
from seaway.model import application

JOB_GRACE_SECONDS = 25
"""Seconds, as in a cluster."""

MANUAL_PROFILE = "manual"
"""The profile of jobs that only `docker compose run` starts."""


def convert(
    export: container.Export,
    path: str,
    workload: application.AnyWorkload,
    host_ports: Mapping[str, str],
    network: dict[str, Any],
) -> None:
    """Its service, and those of its companions. ``network``: the keys that say whom it reaches."""
    made, base = container.export_container(
        export, container.ExportedContainer(workload=workload, container_spec=workload, path=path, name=workload.name)
    )
    export.services[workload.name] = made | network
    made = export.services[workload.name]
    if isinstance(workload, application.Job):
        _export_job(export, path, workload, made)
    else:
        _export_ports(workload, made, host_ports)
        made["healthcheck"] = _export_health(
            export, path, workload.health, workload.port, base, workload.name, udp=workload.protocol == "udp"
        )
        made |= {"restart": "unless-stopped", "stop_grace_period": f"{workload.stop_grace_period}s"}
    if isinstance(workload, application.Service):
        _export_scale(export, path, workload, made)
        if workload.spread == "require":
            export.report.drop(f"{path}.spread", "all run on one machine")
        for word in ("spread", "daemonSet"):
            export.report.keep(f"{path}.{word}", "there is one machine")
    _export_scheduling(export, path, workload, made)
    raw.convert(export, workload, path, made)
    mounts = volumes.convert(export, path, workload, made)
    for one in workload.sidecars:
        _export_sidecar(export, f"{path}.sidecars.{one.name}", workload, one, mounts)
    for one in workload.init:
        name, beside, _ = _export_extra_container(export, f"{path}.init.{one.name}", workload, one, mounts)
        export.services[name] = beside | network | {"restart": "on-failure"}
        how = f"the service {name}, which runs first; it has a network of its own"
        export.report.approximate(f"{path}.init.{one.name}", how, into=f"services.{name}")


def _export_sidecar(
    export: container.Export,
    path: str,
    workload: application.AnyWorkload,
    sidecar: application.ExtraContainer,
    mounts: Mapping[str, str],
) -> None:
    name, made, base = _export_extra_container(export, path, workload, sidecar, mounts)
    export.services[name] = made
    if sidecar.health is not None or sidecar.port is not None:
        made["healthcheck"] = _export_health(
            export, f"{path}", sidecar.health or application.Health(), sidecar.port, base, name
        )
    job = isinstance(workload, application.Job)
    made |= {"network_mode": f"service:{workload.name}", "restart": "no" if job else "unless-stopped"}
    how = f"the service {name} in the network of {workload.name}; it starts after it"
    how += f", and does not end with it: docker compose stop {name}" if job else ""
    export.report.approximate(path, how, into=f"services.{name}")


def _export_extra_container(
    export: container.Export,
    path: str,
    workload: application.AnyWorkload,
    container_spec: application.ExtraContainer,
    mounts: Mapping[str, str],
) -> tuple[str, dict[str, Any], str]:
    """Its name, its service and its image."""
    name = export.reserve_name(f"{workload.name}-{container_spec.name}")
    export.owners[name] = workload.name
    made, base = container.export_container(
        export, container.ExportedContainer(workload=workload, container_spec=container_spec, path=path, name=name)
    )
    volumes.mount_folders(
        export,
        path,
        container_spec,
        made,
        {folder: mounts[folder] for folder in container_spec.writable if folder in mounts},
    )
    made["profiles"] = export.services[workload.name].get("profiles")
    return name, made, base


def _export_health(  # noqa: PLR0917 - as they stand in the application
    export: container.Export,
    path: str,
    probe: application.Health,
    port: int | None,
    base_image: str,
    name: str,
    *,
    udp: bool = False,
) -> dict[str, Any] | None:
    check = health.build_test(probe.readiness, port, base_image, udp=udp)
    at, into = f"{path}.health", f"services.{name}"
    if check.message:
        export.report.approximate(at, check.message, health.PROBE_HINT, f"{into}.healthcheck" if check.test else into)
    elif probe != application.Health() and export.report.is_declared(at):
        export.report.approximate(at, health.RESTART_MESSAGE, "let the program end when it cannot go on")
    return health.build_healthcheck(probe, check)


def allocate_host_ports(app: application.Application) -> dict[str, str]:
    """By name and port (`web:8000`), and by name alone, the port of the host: the same where it is free. Where there
    are several pods, each has one of a range."""
    taken: set[int] = set()
    found: dict[str, str] = {}
    for one in (*app.services, *app.stores):
        several = one.scale.min if isinstance(one, application.Service) and not _has_one_container(one) else 1
        listed = [one.port] if one.publish and one.port is not None else []
        for number in (*listed, *(port.port for port in one.ports if port.publish)):
            first = next(
                start
                for start in itertools.count(number)
                if taken.isdisjoint(range(start, start + several)) or start + several > 65535
            )
            taken.update(range(first, first + several))
            found[f"{one.name}:{number}"] = str(first) if several == 1 else f"{first}-{first + several - 1}"
            found[one.name] = ""
    return found


def _has_one_container(service: application.Service) -> bool:
    """Whether it has one container, and not as many as it has pods: what is beside one is beside that one only."""
    return service.daemon_set or bool(service.sidecars) or service.scale.min == 1


def _export_ports(
    workload: application.Service | application.Store, definition: dict[str, Any], host_ports: Mapping[str, str]
) -> None:
    listed = [] if workload.port is None else [application.Port("main", port=workload.port, protocol=workload.protocol)]
    opened: list[dict[str, Any]] = []
    inside: list[str] = []
    for one in (*listed, *workload.ports):
        outside = host_ports.get(f"{workload.name}:{one.port}")
        udp = one.protocol == "udp"
        if outside is None or not (workload.publish if one in listed else one.publish):
            inside.append(f"{one.port}/udp" if udp else str(one.port))
            continue
        body: dict[str, Any] = {"target": one.port, "published": outside}
        if udp:
            body["protocol"] = "udp"
        elif ports.guess_protocol(one.port, None, None, images.find_profile(workload.image)) != one.protocol:
            body["app_protocol"] = one.protocol
        opened.append(body)
    definition |= {"ports": opened or None, "expose": inside or None}


def _export_scale(
    export: container.Export, path: str, service: application.Service, definition: dict[str, Any]
) -> None:
    at, into = f"{path}.scale", f"services.{service.name}.deploy"
    if service.daemon_set:
        definition["deploy"] = {"mode": "global"} | definition["deploy"]
        export.report.approximate(f"{path}.daemonSet", "one: this machine is one node")
    elif _has_one_container(service):
        if service.scale.min > 1:
            how = "one: its sidecars share the network of one container"
            export.report.approximate(at, how, "leave the sidecars out for Docker", into)
    else:
        definition["deploy"] = {"replicas": service.scale.min} | definition["deploy"]
        if service.publish and service.port is not None:
            how = f"{service.scale.min} containers, each on a port of its own"
            export.report.approximate(
                f"{path}.publish", how, "scale: 1, and there is one port", f"services.{service.name}.ports"
            )
    if service.scale.max is not None:
        said = {"replicas.min": service.scale.min, "replicas.max": service.scale.max}
        said |= {"cpu": service.scale.cpu, "memory": service.scale.memory}
        definition["labels"] = {
            f"kompose.hpa.{key}": str(value).removesuffix("%") for key, value in said.items() if value is not None
        }
        how = f"always {service.scale.min}: nothing on Docker starts more; the labels are for an import"
        export.report.approximate(at, how, f"docker compose up --scale {service.name}=<number>", into)
    if export.report.is_declared(f"{path}.preStopDelay"):
        export.report.drop(f"{path}.preStopDelay", "nothing leads requests to it that would have to learn of its end")


def _export_job(export: container.Export, path: str, job: application.Job, definition: dict[str, Any]) -> None:
    definition["restart"] = f"on-failure:{job.backoff_limit}" if job.backoff_limit else "no"
    definition["stop_grace_period"] = f"{JOB_GRACE_SECONDS}s"
    start = f"docker compose run --rm {job.name}"
    if not job.is_release_job():
        definition["profiles"] = [MANUAL_PROFILE]
    if job.schedule is not None:
        said = {"schedule": job.schedule, "concurrency_policy": job.concurrency_policy.capitalize()}
        definition["labels"] = {f"kompose.cronjob.{key}": value for key, value in said.items()}
        how = "nothing on Docker runs by the clock; the labels are for an import"
        export.report.drop(f"{path}.schedule", how, f"in a crontab: {start}", f"services.{job.name}.profiles")
        for word in ("timeZone", "startingDeadline", "concurrencyPolicy", "historyLimit"):
            if export.report.is_declared(f"{path}.{word}"):
                export.report.drop(f"{path}.{word}", "nothing on Docker runs by the clock", "say it where the clock is")
    elif job.run == "on-demand":
        export.report.approximate(f"{path}.run", f"{start} starts it", "", f"services.{job.name}.profiles")
    if export.report.is_declared(f"{path}.timeout"):
        export.report.drop(f"{path}.timeout", "Docker ends nothing for its time", "let the program end by itself")
    if export.report.is_declared(f"{path}.backoffLimit"):
        export.report.keep(f"{path}.backoffLimit", f"restart: {definition['restart']}")


def _export_scheduling(
    export: container.Export, path: str, workload: application.AnyWorkload, definition: dict[str, Any]
) -> None:
    for label, value in workload.node_selector.items():
        if label == container.ARCHITECTURE_LABEL:
            definition["platform"] = f"linux/{value}"
            export.report.keep(f"{path}.nodeSelector.{label}", "platform")
        else:
            export.report.drop(f"{path}.nodeSelector.{label}", "there is one machine")
    for word, there in {"tolerations": workload.tolerations, "priorityClass": workload.priority_class}.items():
        if there:
            export.report.drop(f"{path}.{word}", "there is one machine")
    if workload.kubernetes_api:
        export.report.drop(f"{path}.kubernetesApi", "there is no Kubernetes to ask", "let the program do without")

"""Exports a service, store or job with its sidecars and init containers."""

import itertools
from collections.abc import Mapping
from typing import Any

from seaway.compose.exporter import container, health, raw, volumes
from seaway.compose.importer import image_files, ports
from seaway.model import application
from seaway.model.defaults import image_profiles

JOB_GRACE_SECONDS = 25
"""As in a cluster."""

MANUAL_PROFILE = "manual"
"""The profile of jobs that only `docker compose run` starts."""

ARCHITECTURE_LABEL = "kubernetes.io/arch"

_ONE_MACHINE = "there is one machine"
_NO_SCHEDULER = "Docker has no scheduler"


def convert(
    export: container.Export,
    path: str,
    workload: application.AnyWorkload,
    host_ports: Mapping[str, str],
    network: dict[str, Any],
) -> container.ExportedContainer:
    """Add its services to the document. ``network``: its network keys."""
    main = container.ExportedContainer(
        export=export, workload=workload, container_spec=workload, path=path, name=workload.name
    )
    container.fill_definition(main)
    main.definition |= network
    export.services[main.name] = main.definition
    if isinstance(workload, application.Job):
        _export_job(main, workload)
    else:
        _export_ports(main, workload, host_ports)
        _export_health(main, workload.health, workload.port, udp=workload.protocol == "udp")
        main.definition |= {"restart": "unless-stopped", "stop_grace_period": f"{workload.stop_grace_period}s"}
    if isinstance(workload, application.Service):
        _export_scale(main, workload)
    _export_scheduling(main)
    raw.convert(main)
    mounts = volumes.convert(main)
    for sidecar in workload.sidecars:
        _export_sidecar(main, sidecar, mounts)
    for init in workload.init:
        if image_files.SCRIPT in init.command:
            main.keep(f"init.{init.name}", "Docker itself copies the files of an image to a new volume")
            continue
        extra = _export_extra_container(main, f"init.{init.name}", init, mounts)
        extra.definition |= network | {"restart": "on-failure"}
        extra.approximate("", f"the service {extra.name}, which runs first, on its own network", into="")
    return main


def _export_sidecar(
    main: container.ExportedContainer, sidecar: application.ExtraContainer, mounts: Mapping[str, str]
) -> None:
    extra = _export_extra_container(main, f"sidecars.{sidecar.name}", sidecar, mounts)
    if sidecar.health is not None or sidecar.port is not None:
        _export_health(extra, sidecar.health or application.Health(), sidecar.port)
    is_job = isinstance(main.workload, application.Job)
    extra.definition |= {"network_mode": f"service:{main.name}", "restart": "no" if is_job else "unless-stopped"}
    message = f"the service {extra.name} in the network of {main.name}; it starts after it"
    message += f", and does not stop with it: docker compose stop {extra.name}" if is_job else ""
    extra.approximate("", message, into="")


def _export_extra_container(
    main: container.ExportedContainer, key: str, spec: application.ExtraContainer, mounts: Mapping[str, str]
) -> container.ExportedContainer:
    export = main.export
    name = export.reserve_name(f"{main.name}-{spec.name}")
    export.owners[name] = main.name
    extra = container.ExportedContainer(
        export=export, workload=main.workload, container_spec=spec, path=f"{main.path}.{key}", name=name
    )
    container.fill_definition(extra)
    volumes.mount_folders(extra, {folder: mounts[folder] for folder in spec.writable if folder in mounts})
    extra.definition["profiles"] = main.definition.get("profiles")
    export.services[name] = extra.definition
    return extra


def _export_health(
    main: container.ExportedContainer, probes: application.Health, port: int | None, *, udp: bool = False
) -> None:
    probe = probes.readiness
    if isinstance(probe, tuple):
        probe = tuple(container.expand_references(word, {}) for word in probe)
    test, message = health.build_test(probe, port, main.base_image, udp=udp)
    if message:
        main.approximate("health", message, health.PROBE_HINT, "healthcheck" if test else "")
    elif probes != application.Health() and main.is_declared("health"):
        main.approximate("health", health.RESTART_MESSAGE, "let the program exit if it cannot continue")
    main.definition["healthcheck"] = health.build_healthcheck(probes, test)


def allocate_host_ports(app: application.Application) -> dict[str, str]:
    """Host ports by `service:port`; each published service is a key too. A service of several pods has a range.

    The host port is the container's port if it is free.
    """
    used: set[int] = set()
    host_ports: dict[str, str] = {}
    for service in (*app.services, *app.stores):
        count = 1
        if isinstance(service, application.Service) and not _has_one_container(service):
            count = max(service.scale.min, 1)
        main = [service.port] if service.publish and service.port is not None else []
        for number in (*main, *(port.port for port in service.ports if port.publish)):
            first = next(
                start
                for start in itertools.count(number)
                if used.isdisjoint(range(start, start + count)) or start + count > 65535
            )
            used.update(range(first, first + count))
            host_ports[f"{service.name}:{number}"] = str(first) if count == 1 else f"{first}-{first + count - 1}"
            host_ports[service.name] = ""
    return host_ports


def _has_one_container(service: application.Service) -> bool:
    """Whether Docker runs one container, not one per pod. A sidecar shares the network of one container only."""
    return service.daemon_set or bool(service.sidecars) or service.scale.min <= 1


def _export_ports(
    main: container.ExportedContainer,
    workload: application.Service | application.Store,
    host_ports: Mapping[str, str],
) -> None:
    all_ports = list(workload.ports)
    if workload.port is not None:
        main_port = application.Port("main", port=workload.port, protocol=workload.protocol, publish=workload.publish)
        all_ports.insert(0, main_port)
    profile = image_profiles.find_profile(workload.image)
    published: list[dict[str, Any]] = []
    exposed: list[str] = []
    for port in all_ports:
        host_port = host_ports.get(f"{workload.name}:{port.port}")
        is_udp = port.protocol == "udp"
        if host_port is None or not port.publish:
            exposed.append(f"{port.port}/udp" if is_udp else str(port.port))
            continue
        entry: dict[str, Any] = {"target": port.port, "published": host_port}
        if is_udp:
            entry["protocol"] = "udp"
        elif ports.guess_protocol(port.port, None, None, profile) != port.protocol:
            entry["app_protocol"] = port.protocol
        published.append(entry)
    main.definition |= {"ports": published or None, "expose": exposed or None}


def _export_scale(main: container.ExportedContainer, service: application.Service) -> None:
    scale, definition = service.scale, main.definition
    if service.daemon_set:
        definition["deploy"] = {"mode": "global"} | definition["deploy"]
        main.approximate("daemonSet", "one container: this machine is one node")
    else:
        main.keep("daemonSet", _ONE_MACHINE)
        if not _has_one_container(service) or not scale.min:
            definition["deploy"] = {"replicas": scale.min} | definition["deploy"]
    if scale.max is not None:
        labels = {"replicas.min": scale.min, "replicas.max": scale.max, "cpu": scale.cpu, "memory": scale.memory}
        definition["labels"] = {
            f"kompose.hpa.{key}": str(label).removesuffix("%") for key, label in labels.items() if label is not None
        }
        message = f"always {scale.min}: Docker has no autoscaler; the labels are for an import"
        main.approximate("scale", message, f"docker compose up --scale {service.name}=<number>", "deploy")
    elif service.sidecars and not service.daemon_set and scale.min > 1:
        message = "one container: its sidecars share the network of one container"
        main.approximate("scale", message, "remove the sidecars for Docker", "deploy")
    if not _has_one_container(service) and service.publish and service.port is not None:
        message = f"{scale.min} containers, each on its own port"
        main.approximate("publish", message, "set scale: 1 for one port", "ports")
    if service.spread == "require":
        main.drop("spread", "all containers run on one machine")
    else:
        main.keep("spread", _ONE_MACHINE)
    if main.is_declared("preStopDelay"):
        main.drop("preStopDelay", "no load balancer must deregister the container")


def _export_job(main: container.ExportedContainer, job: application.Job) -> None:
    definition, command = main.definition, f"docker compose run --rm {job.name}"
    definition["restart"] = f"on-failure:{job.backoff_limit}" if job.backoff_limit else "no"
    definition["stop_grace_period"] = f"{JOB_GRACE_SECONDS}s"
    if not job.is_release_job():
        definition["profiles"] = [MANUAL_PROFILE]
    if job.schedule is not None:
        labels = {"schedule": job.schedule, "concurrency_policy": job.concurrency_policy.capitalize()}
        definition["labels"] = {f"kompose.cronjob.{key}": label for key, label in labels.items()}
        message = f"{_NO_SCHEDULER}; the labels are for an import"
        main.drop("schedule", message, f"in a crontab: {command}", "profiles")
        for key in ("timeZone", "startingDeadline", "concurrencyPolicy", "historyLimit"):
            if main.is_declared(key):
                main.drop(key, _NO_SCHEDULER, "set it in the scheduler")
    elif job.run == "on-demand":
        main.approximate("run", f"started by {command}", into="profiles")
    if main.is_declared("timeout"):
        main.drop("timeout", "Docker has no timeout", "let the program end itself")
    if main.is_declared("backoffLimit"):
        main.keep("backoffLimit", f"restart: {definition['restart']}")


def _export_scheduling(main: container.ExportedContainer) -> None:
    workload = main.workload
    for label, setting in workload.node_selector.items():
        if label == ARCHITECTURE_LABEL:
            main.definition["platform"] = f"linux/{setting}"
            main.keep(f"nodeSelector.{label}", "platform")
        else:
            main.drop(f"nodeSelector.{label}", _ONE_MACHINE)
    for key, field in {"tolerations": workload.tolerations, "priorityClass": workload.priority_class}.items():
        if field:
            main.drop(key, _ONE_MACHINE)
    if workload.kubernetes_api:
        main.drop("kubernetesApi", "there is no Kubernetes API", "let the program work without it")

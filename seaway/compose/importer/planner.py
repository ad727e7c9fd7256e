"""Plans all services of a compose document before any of them is converted."""

import dataclasses
from collections.abc import Mapping

from seaway.compose.importer import (
    disk_owners,
    dockerfile,
    images,
    key_reader,
    main_port,
    mount_reader,
    naming,
    plan,
    ports,
    project_dir,
)
from seaway.compose.loader import files

CRON_LABEL = "kompose.cronjob.schedule"
DEFAULT_NETWORK = "default"


def plan_services(
    document: key_reader.KeyReader, project: project_dir.ProjectDir, *, build_named_images: bool = True
) -> dict[str, plan.ServicePlan]:
    """The plans by compose name. ``build_named_images``: False uses the image of a service that also has a build."""
    services = {
        name: keys
        for name, keys in document.enter_mapping("services")
        if not keys.has("provider") and not keys.has("x-seaway.made")
    }
    builders = {
        keys.get_text("image"): keys
        for _, keys in sorted(document.enter_mapping("services"), key=lambda pair: pair[0], reverse=True)
        if keys.has("build") and keys.get_text("image")
    }
    dns_names = _choose_dns_names(document.get_names("services"))
    plans: dict[str, plan.ServicePlan] = {}
    for name, keys in services.items():
        image = keys.get_text("image")
        builder = keys if keys.has("build") else builders.get(image)
        build = builder.enter("build") if builder is not None else None
        context = project.to_relative(build.get_text("context") or ".") if build else None
        error = _find_build_error(build, context, project) if build else ""
        stage = _read_dockerfile(build, context, project)
        if build and not build_named_images and image:
            error = error or "the image is built elsewhere"
        if error and image:
            build = None
        service = plan.ServicePlan(
            name=name,
            dns_name=dns_names[name],
            keys=keys,
            image=image if build is None else None,
            build=build,
            build_context=context,
            stage=stage,
            build_error=error,
        )
        data_dir = images.find_data_dir(service.base_image)
        service.mounts = mount_reader.read_mounts(keys, project, build_context=context, data_dir=data_dir)
        service.listening_ports = ports.read_ports(keys, service.profile)
        plans[name] = service
    for service in plans.values():
        service.mounts += _inherit_mounts(service, plans)
    _find_jobs(plans)
    main_port.choose_main_ports(plans, document, project)
    disk_owners.assign_disks(plans)
    for service in plans.values():
        dependencies = [plans[name] for name in service.dependencies if name in plans]
        service.runs_after_services = service.kind == "jobs" and any(other.kind == "services" for other in dependencies)
        service.keys = dataclasses.replace(service.keys, into=service.path)
        service.networks = _list_networks(service, plans)
    return plans


def _choose_dns_names(names: list[str]) -> dict[str, str]:
    dns_names: dict[str, str] = {}
    for name in sorted(names):
        dns_names[name] = naming.to_dns_label(name, {*dns_names.values()} | (set(names) - {name}))
    return dns_names


def _read_dockerfile(
    build: key_reader.KeyReader | None, context: str | None, project: project_dir.ProjectDir
) -> dockerfile.Stage | None:
    if build is None:
        return None
    if context is None or project.folder is None or project.root is None or build.has("dockerfile_inline"):
        return dockerfile.parse_stage(build.get_text("dockerfile_inline") or "")
    file = project.folder / context / (build.get_text("dockerfile") or "Dockerfile")
    return dockerfile.read_stage(file, project.root, build.get_text("target"))


def _find_build_error(build: key_reader.KeyReader, context: str | None, project: project_dir.ProjectDir) -> str:
    """Why the image cannot be built; empty: it can."""
    written = build.get_text("context") or "."
    if files.is_remote(written):
        return f"{written} is on another machine"
    if context is None:
        return f"{written} is outside the project"
    name = build.get_text("dockerfile") or "Dockerfile"
    if project.folder is None or build.has("dockerfile_inline") or (project.folder / context / name).is_file():
        return ""
    return f"there is no {name} in {written}"


def _inherit_mounts(service: plan.ServicePlan, plans: Mapping[str, plan.ServicePlan]) -> list[mount_reader.Mount]:
    """The mounts of `volumes_from`. The outcome of an entry is that of its first mount, so refused mounts are first."""
    inherited: list[mount_reader.Mount] = []
    targets = {mount.target for mount in service.mounts}
    for number, text in enumerate(service.keys.get_texts("volumes_from") or []):
        name, _, mode = text.partition(":")
        others = plans[name].mounts if name in plans else []
        new = [mount for mount in others if mount.target not in targets and mount.key.startswith("volumes.")]
        new.sort(key=lambda mount: mount.kind not in ("socket", "host"))
        for index, mount in enumerate(new):
            key = f"volumes_from.{number}" + (f".{index}" if index else "")
            inherited.append(dataclasses.replace(mount, key=key, read_only=mount.read_only or mode == "ro"))
    return inherited


def _find_jobs(plans: Mapping[str, plan.ServicePlan]) -> None:
    """Jobs end: other services wait for their end, or they are not restarted and not callable."""
    conditions = [(name, condition) for service in plans.values() for name, condition in service.dependencies.items()]
    awaited = {name for name, condition in conditions if condition == "service_completed_successfully"}
    required = {name for name, _ in conditions} - awaited
    for service in plans.values():
        keys, deploy = service.keys, service.keys.enter("deploy")
        restart = deploy.enter("restart_policy").get_text("condition") or keys.get_text("restart") or ""
        mode = deploy.get_text("mode") or ""
        ends = restart in {"none", "no"} or restart.startswith("on-failure")
        callable_ = service.listening_ports or keys.has("healthcheck") or service.runs_default_server()
        reason = ""
        if service.name in awaited:
            reason = "other services wait for its completion"
        elif CRON_LABEL in keys.get_scalars("labels"):
            reason = f"{CRON_LABEL} is its schedule"
        elif mode.endswith("-job"):
            reason = f"deploy.mode is {mode}"
        elif ends and not callable_ and service.name not in required:
            reason = f"restart is {restart}, and it has no port"
        if reason:
            service.kind, service.kind_reason = "jobs", reason


def _list_networks(service: plan.ServicePlan, plans: Mapping[str, plan.ServicePlan]) -> list[str]:
    """The networks of a service, or of the service whose network it shares."""
    mode, name, seen = service.keys.get_text("network_mode") or "", service.name, set[str]()
    while mode.startswith("service:") and name not in seen:
        seen.add(name)
        name = mode.removeprefix("service:")
        mode = (plans[name].keys.get_text("network_mode") or "") if name in plans else "none"
    if mode in ("none", "host") or mode.startswith(("service:", "container:")):
        return []
    return plans[name].keys.get_names("networks") or [DEFAULT_NETWORK]

"""Plans all services of a compose document before any of them is converted."""

import dataclasses
import graphlib
import itertools
import posixpath
from collections.abc import Collection, Iterable, Mapping, Sequence

from seaway.compose.importer import (
    images,
    key_reader,
    main_port,
    mount_reader,
    naming,
    plan,
    ports,
    project_dir,
    service_builder,
)
from seaway.compose.loader import paths
from seaway.model import ports as model_ports
from seaway.model import rollout_order
from seaway.model.validate import structure

CRON_LABEL = "kompose.cronjob.schedule"

DiskUser = tuple[plan.ServicePlan, mount_reader.Mount]


def plan_services(
    document: key_reader.KeyReader, project: project_dir.ProjectDir, *, build_named_images: bool = True
) -> dict[str, plan.ServicePlan]:
    """The plans by compose name. ``build_named_images``: False uses the image of a service that also has a build."""
    services = dict(document.enter_mapping("services"))
    builders = {
        keys.get_text("image"): keys
        for _, keys in sorted(services.items(), reverse=True)
        if keys.has("build") and keys.get_text("image")
    }
    dns_names = _choose_dns_names(services)
    plans: dict[str, plan.ServicePlan] = {}
    for name, keys in services.items():
        if keys.has("provider") or keys.has("x-seaway.made"):
            continue
        service = plans[name] = plan.ServicePlan(
            name=name,
            dns_name=dns_names[name],
            keys=keys,
            document=document,
            project=project,
            plans=plans,
            builder=service_builder.ServiceBuilder(document.locate(("services", name))),
            image=keys.get_text("image"),
        )
        builder = keys if keys.has("build") else builders.get(service.image)
        if builder is not None:
            _plan_build(service, builder.enter("build"), build_named_images=build_named_images)
        service.mounts = mount_reader.read_mounts(
            keys,
            project,
            build_context=service.build_context,
            data_dir=images.find_data_dir(service.base_image),
            stage=service.stage,
            document=document,
        )
        service.listening_ports = ports.read_ports(keys, service.profile)
    for service in plans.values():
        service.mounts += _inherit_mounts(service)
        service.server = service.find_server()
        service.host_names = service.list_host_names()
    _find_jobs(plans)
    main_port.choose_main_ports(plans)
    _assign_disks(plans)
    required = {name for service in plans.values() for name in service.dependencies}
    for service in plans.values():
        dependencies = [plans[name] for name in service.dependencies if name in plans]
        runs_last = service.kind == "jobs" and service.name not in required
        service.runs_after_services = runs_last and any(other.kind == "services" for other in dependencies)
        service.keys = dataclasses.replace(service.keys, into=service.path)
        service.networks = _list_networks(service)
    _assign_aliases(plans)
    return plans


def _assign_aliases(plans: Mapping[str, plan.ServicePlan]) -> None:
    """Each further host name that is a DNS label belongs to the first service that has it."""
    names = [service.dns_name for service in plans.values()]
    used = {*names, *(f"{name}{model_ports.PUBLISHED_SUFFIX}" for name in names)}
    for service in plans.values():
        labels = [name.lower() for name in service.host_names] if service.kind != "jobs" else []
        labels = [label for label in dict.fromkeys(labels) if structure.DNS_LABEL.fullmatch(label)]
        service.aliases = [label for label in labels if label not in used]
        used.update(service.aliases)


def _choose_dns_names(names: Collection[str]) -> dict[str, str]:
    dns_names: dict[str, str] = {}
    for name in sorted(names):
        dns_names[name] = naming.to_dns_label(name, {*dns_names.values()} | (set(names) - {name}))
    return dns_names


def _plan_build(service: plan.ServicePlan, build: key_reader.KeyReader, *, build_named_images: bool) -> None:
    """A build that fails is replaced with the image of the service, if it has one."""
    project, written = service.project, build.get_text("context") or "."
    dockerfile, context = build.get_text("dockerfile") or "Dockerfile", project.to_relative(written)
    file = None
    if context is not None and not build.has("dockerfile_inline"):
        file = project.folder / context / dockerfile
        args = {name: node.text for name, node in build.get_scalars("args").items()}
        service.stage = images.read_stage(file, project.root, build.get_text("target"), args)
    else:
        service.stage = images.parse_stage(build.get_text("dockerfile_inline") or "")
    if paths.is_remote(written):
        service.build_error = f"{written} is on another machine"
    elif context is None:
        service.build_error = f"{written} is outside the project"
    elif file is not None and not file.is_file():
        service.build_error = f"there is no {dockerfile} in {written}"
    elif service.image and not build_named_images:
        service.build_error = "the image is built elsewhere"
    service.build_context = context
    if not (service.image and service.build_error):
        service.build, service.image = build, None


def _inherit_mounts(service: plan.ServicePlan) -> list[mount_reader.Mount]:
    """The mounts of `volumes_from`. The outcome of an entry is that of its first mount, so refused mounts are first."""
    inherited: list[mount_reader.Mount] = []
    targets = {mount.target for mount in service.mounts}
    for key, text in service.keys.list_entries("volumes_from"):
        name, _, mode = text.partition(":")
        others = service.plans[name].mounts if name in service.plans else []
        new = [mount for mount in others if mount.target not in targets and mount.key.startswith("volumes.")]
        new.sort(key=lambda mount: mount.kind not in ("socket", "host"))
        for index, mount in enumerate(new):
            own_key = f"{key}.{index}" if index else key
            inherited.append(dataclasses.replace(mount, key=own_key, read_only=mount.read_only or mode == "ro"))
    return inherited


def _find_jobs(plans: Mapping[str, plan.ServicePlan]) -> None:
    """Jobs end: other services wait for their end, or they are not restarted, and no other service calls them."""
    conditions = [(name, condition) for service in plans.values() for name, condition in service.dependencies.items()]
    awaited = {name for name, condition in conditions if condition == "service_completed_successfully"}
    required = {name for name, _ in conditions} - awaited
    healthy = {name for name, condition in conditions if condition == "service_healthy"}
    texts = main_port.collect_texts(plans)
    for service in plans.values():
        keys, deploy = service.keys, service.keys.enter("deploy")
        restart = deploy.enter("restart_policy").get_text("condition") or keys.get_text("restart") or ""
        mode = deploy.get_text("mode") or ""
        is_server = service.listening_ports or keys.has("healthcheck") or service.runs_default_server()
        reason = ""
        if service.name in awaited:
            reason = "other services wait for its completion"
        elif CRON_LABEL in service.labels:
            reason = f"{CRON_LABEL} is its schedule"
        elif mode.endswith("-job"):
            reason = f"deploy.mode is {mode}"
        elif is_server or service.name in healthy or main_port.is_called(service, texts):
            pass
        elif restart in {"", "none", "no"} and service.ends():
            reason, service.is_kind_guessed = "its command ends, and it has no port", True
        elif restart in {"none", "no"} and not service.runs_permanently() and service.name not in required:
            reason, service.is_kind_guessed = f"restart is {restart}, and it has no port", True
        elif restart.startswith("on-failure") and service.ends():
            reason, service.is_kind_guessed = f"restart is {restart}, and its command ends", True
        if reason:
            service.kind, service.kind_reason = "jobs", reason


def _list_networks(service: plan.ServicePlan) -> list[str]:
    """The networks of a service, or of the service whose network it shares."""
    plans, name, seen = service.plans, service.name, set[str]()
    mode = service.keys.get_text("network_mode") or ""
    while mode.startswith("service:") and name not in seen:
        seen.add(name)
        name = mode.removeprefix("service:")
        mode = (plans[name].keys.get_text("network_mode") or "") if name in plans else "none"
    if mode in ("none", "host") or mode.startswith(("service:", "container:")):
        return []
    return plans[name].keys.get_names("networks") or ["default"]


def _assign_disks(plans: Mapping[str, plan.ServicePlan]) -> None:
    """A disk that several services mount belongs to one store, and the others share it."""
    users: dict[str, list[DiskUser]] = {}
    for service in plans.values():
        for mount in service.mounts:
            if mount.kind == "disk":
                users.setdefault(mount.source, []).append((service, mount))
    candidates = {
        source: [(service, mount) for service, mount in all_users if not _runs_rarely(service)]
        for source, all_users in users.items()
    }
    candidates = {source: able for source, able in candidates.items() if able}
    position = {name: number for number, name in enumerate(_sort_dependencies_first(plans))}
    owners = {
        source: min(able, key=lambda user: (*_rank_owner(*user), position[user[0].name]))
        for source, able in candidates.items()
    }
    if _find_waiting_cycles(plans, owners, users):
        # What the others depend on is the owner, so that no two stores wait for each other.
        owners = {source: min(able, key=lambda user: position[user[0].name]) for source, able in candidates.items()}
    _release_waiting_services(plans, owners, users)
    for source, (owner, disk) in owners.items():
        owner.own_disks.append(disk)
        for service, mount in users[source]:
            if mount is not disk:
                service.shared_disks[mount] = owner
    for service in plans.values():
        if not _runs_rarely(service):
            _find_store(service)


def _release_waiting_services(
    plans: Mapping[str, plan.ServicePlan], owners: Mapping[str, DiskUser], users: Mapping[str, Sequence[DiskUser]]
) -> None:
    """A service cannot wait for a job that mounts its disk: the disk exists only when the service starts."""
    while cycles := _find_waiting_cycles(plans, owners, users):
        edges = [edge for cycle in cycles for edge in itertools.pairwise(cycle)]
        edges = [(name, other) for name, other in edges if plans[name].kind != "jobs" and plans[other].kind == "jobs"]
        if not edges:
            return
        for name, other in edges:
            plans[name].unordered_jobs.add(other)


def _find_waiting_cycles(
    plans: Mapping[str, plan.ServicePlan], owners: Mapping[str, DiskUser], users: Mapping[str, Sequence[DiskUser]]
) -> list[tuple[str, ...]]:
    """The services that wait for each other: for a dependency, or for the disks that their pods mount."""
    waits_for = {
        name: (service.dependencies.keys() & plans.keys()) - service.unordered_jobs for name, service in plans.items()
    }
    for source, (owner, _) in owners.items():
        for service, _ in users[source]:
            waits_for[service.name] |= {owner.name}
    return list(rollout_order.find_name_cycles(waits_for))


def _sort_dependencies_first(plans: Mapping[str, plan.ServicePlan]) -> Iterable[str]:
    """The names of the services. Docker Compose refuses cycles."""
    graph = {name: [other for other in sorted(plans[name].dependencies) if other in plans] for name in sorted(plans)}
    if next(rollout_order.find_name_cycles(graph), None) is not None:
        return graph
    return graphlib.TopologicalSorter(graph).static_order()


def _runs_rarely(service: plan.ServicePlan) -> bool:
    """Whether it cannot own a disk, because it has no pod most of the time."""
    return service.kind == "jobs" or service.is_switched_off()


def _rank_owner(service: plan.ServicePlan, mount: mount_reader.Mount) -> tuple[bool, ...]:
    """First the service whose image keeps its data there, then one that writes, has one container, and has a port."""
    return (
        images.find_data_dir(service.base_image) != mount.target,
        mount.read_only,
        not mount.key.startswith("volumes."),
        service.replicas != "1",
        service.main_port is None,
    )


def _find_store(service: plan.ServicePlan) -> None:
    """A service with a disk is a store."""
    data_dir = images.find_data_dir(service.base_image)
    if data_dir is not None and service.server is not None:
        targets = [
            mount.target
            for mount in service.mounts
            if mount.target != data_dir or mount.kind not in ("anonymous", "host")
        ]
        targets += [text.partition(":")[0] for text in service.keys.get_texts("tmpfs") or []]
        is_mounted = any(mount_reader.overlaps(data_dir, posixpath.normpath(target)) for target in targets)
        service.image_volume = None if is_mounted else data_dir
    if service.own_disks or service.image_volume:
        service.kind = "stores"
        if service.main_port is not None and service.main_port.protocol == "udp":
            service.main_port = ports.choose_main(service.listening_ports, store=True)
        service.kind_reason = "it has a disk" if service.own_disks else f"its image keeps data in {data_dir}"

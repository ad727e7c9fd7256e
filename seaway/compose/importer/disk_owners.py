"""Decides which service owns a disk. A disk that several services mount belongs to one store; the others share it."""

from collections.abc import Mapping, Sequence

from seaway.compose.importer import images, mount_reader, plan, ports
from seaway.model import rollout_order

Users = Sequence[tuple[plan.ServicePlan, mount_reader.Mount]]


def assign_disks(plans: Mapping[str, plan.ServicePlan]) -> None:
    users: dict[str, list[tuple[plan.ServicePlan, mount_reader.Mount]]] = {}
    for service in plans.values():
        for mount in service.mounts:
            if mount.kind == "disk":
                users.setdefault(mount.source, []).append((service, mount))
    candidates = {source: [user for user in all_users if user[0].kind != "jobs"] for source, all_users in users.items()}
    candidates = {source: able for source, able in candidates.items() if able}
    owners = {source: min(able, key=lambda user: _rank_owner(*user)) for source, able in candidates.items()}
    if _has_cycle({source: owner.name for source, (owner, _) in owners.items()}, users):
        # With the first name as the owner, no two stores wait for each other.
        owners = {source: min(able, key=lambda user: user[0].name) for source, able in candidates.items()}
    for source, (owner, disk) in owners.items():
        owner.own_disks.append(disk)
        for service, mount in users[source]:
            if mount is not disk:
                service.shared_disks[mount] = owner
    for service in plans.values():
        if service.kind != "jobs":
            _make_store(service)


def _make_store(service: plan.ServicePlan) -> None:
    """A service with a disk is a store."""
    data_dir = images.find_data_dir(service.base_image)
    if data_dir is not None and service.runs_default_server():
        is_mounted = any(_overlaps(data_dir, mount.target) for mount in service.mounts)
        service.image_volume = None if is_mounted else data_dir
    if service.own_disks or service.image_volume:
        service.kind = "stores"
        if service.main_port is not None and service.main_port.protocol == "udp":
            service.main_port = ports.choose_main(service.listening_ports, store=True)
        service.kind_reason = "it has a disk" if service.own_disks else f"its image keeps data in {data_dir}"


def _has_cycle(owners: Mapping[str, str], users: Mapping[str, Users]) -> bool:
    """Whether pods wait for each other, because each runs on the node of the other's disk."""
    after: dict[str, set[str]] = {}
    for source, owner in owners.items():
        for service, _ in users[source]:
            after.setdefault(service.name, set()).update({owner} - {service.name})
    return next(rollout_order.find_name_cycles(after), None) is not None


def _rank_owner(service: plan.ServicePlan, mount: mount_reader.Mount) -> tuple[bool | str, ...]:
    """First the service whose image keeps its data there, then one that writes, has one container, and has a port."""
    replicas = service.keys.enter("deploy").get_text("replicas") or service.keys.get_text("scale") or "1"
    return (
        images.find_data_dir(service.base_image) != mount.target,
        mount.read_only,
        not mount.key.startswith("volumes."),
        replicas not in ("0", "1"),
        service.main_port is None,
        service.name,
    )


def _overlaps(folder: str, other: str) -> bool:
    return f"{folder}/".startswith(f"{other}/") or f"{other}/".startswith(f"{folder}/")

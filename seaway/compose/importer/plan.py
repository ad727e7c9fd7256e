"""What each service of a compose document becomes: a service, a store or a job. Decided before anything is written."""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from seaway.compose.importer import dockerfile, images, key_reader, naming, ports, volumes
from seaway.compose.loader import files
from seaway.model import rollout_order

CRON_LABEL = "kompose.cronjob.schedule"
DEFAULT_NETWORK = "default"


@dataclasses.dataclass(slots=True, kw_only=True)
class ServicePlan:
    """One service."""

    name: str
    dns_name: str
    """What it is called in the application."""
    keys: key_reader.KeyReader
    image: str | None
    build: key_reader.KeyReader | None
    """Its own build, or that of the service which builds the image that it names."""
    build_context: str | None
    stage: dockerfile.Stage | None
    """What the Dockerfile says."""
    mounts: list[volumes.Mount]
    listening_ports: list[ports.Port]
    """What it says itself."""
    kind: str = "services"
    kind_reason: str = ""
    """Why it is no service."""
    main_port: ports.Port | None = None
    own_disks: list[volumes.Mount] = dataclasses.field(default_factory=list[volumes.Mount])
    """The mounts that are its own disks."""
    shared_disks: dict[volumes.Mount, "ServicePlan"] = dataclasses.field(
        default_factory=dict[volumes.Mount, "ServicePlan"]
    )
    """The mounts that are disks of another."""
    runs_after_services: bool = False
    """Of a job: it needs services that run, and so comes after them."""
    build_error: str = ""
    """Why its image cannot be built."""
    image_volume: str | None = None
    """Folder of a disk that no key says, but the image."""
    networks: list[str] = dataclasses.field(default_factory=list[str])
    """Those that it is in."""

    @property
    def path(self) -> str:
        return f"{self.kind}.{self.dns_name}"

    @property
    def base_image(self) -> str | None:
        """The public image that it is, or is built from."""
        base = self.stage.base_image if self.stage else None
        return self.image if base is None or images.find_profile(self.image) else base

    @property
    def profile(self) -> images.ImageProfile | None:
        return images.find_profile(self.base_image)


def plan_services(
    document: key_reader.KeyReader, project_dir: volumes.ProjectDir, *, build_named_images: bool = True
) -> dict[str, ServicePlan]:
    """All of them by the name that compose has. ``builds``: whether images are built, or taken by their names."""
    found: dict[str, ServicePlan] = {}
    builders = {
        one.get_text("image"): one
        for _, one in sorted(document.enter_mapping("services"), key=lambda each: each[0], reverse=True)
        if one.has("build") and one.get_text("image")
    }
    names = {name for name, _ in document.enter_mapping("services")}
    called_here: dict[str, str] = {}
    for name in sorted(names):
        called_here[name] = naming.to_dns_label(name, {*called_here.values()} | (names - {name}))
    for name, one in document.enter_mapping("services"):
        if one.has("provider") or one.has("x-seaway.made"):
            continue
        builder = one if one.has("build") else builders.get(one.get_text("image"))
        build = builder.enter("build") if builder is not None else None
        context = project_dir.to_relative(build.get_text("context") or ".") if build else None
        lacks = find_build_error(build, context, project_dir) if build else ""
        said = _read_dockerfile(build, context, project_dir)
        if build and not build_named_images and one.get_text("image"):
            lacks = lacks or "somebody else builds it"
        if lacks and one.get_text("image"):
            build = None
        found[name] = ServicePlan(
            name=name,
            dns_name=called_here[name],
            keys=one,
            image=one.get_text("image") if build is None else None,
            build=build,
            build_context=context,
            stage=said,
            build_error=lacks,
            mounts=[],
            listening_ports=[],
        )
        each = found[name]
        each.mounts = volumes.read_mounts(
            one, project_dir, build_context=context, data_dir=images.find_data_dir(each.base_image)
        )
        each.listening_ports = ports.read_ports(one, each.profile)
    for each in found.values():
        each.mounts += _inherit_mounts(each, found)
    _find_jobs(found)
    texts = {name: list(_list_texts(each, document, project_dir)) for name, each in found.items()}
    for each in found.values():
        _choose_main_port(each, found, texts)
    _assign_disks(found)
    for each in found.values():
        needed = [found[name] for name in get_dependencies(each.keys) if name in found]
        each.runs_after_services = each.kind == "jobs" and any(other.kind == "services" for other in needed)
        each.keys = dataclasses.replace(each.keys, into=each.path)
        each.networks = _list_networks(each, found)
    return found


def _read_dockerfile(
    build: key_reader.KeyReader | None, context: str | None, project_dir: volumes.ProjectDir
) -> dockerfile.Stage | None:
    if build is None:
        return None
    if context is None or project_dir.folder is None or project_dir.root is None or build.has("dockerfile_inline"):
        return dockerfile.parse_stage(build.get_text("dockerfile_inline") or "")
    file = project_dir.folder / context / (build.get_text("dockerfile") or "Dockerfile")
    return dockerfile.read_stage(file, project_dir.root, build.get_text("target"))


def find_build_error(build: key_reader.KeyReader, context: str | None, project_dir: volumes.ProjectDir) -> str:
    """Why there is nothing to build; empty: there is."""
    said = build.get_text("context") or "."
    if files.is_remote(said):
        return f"{said} is on another machine"
    if context is None:
        return f"{said} is outside of the project"
    name = build.get_text("dockerfile") or "Dockerfile"
    if project_dir.folder is None or build.has("dockerfile_inline") or (project_dir.folder / context / name).is_file():
        return ""
    return f"there is no {name} in {said}"


def get_dependencies(keys: key_reader.KeyReader) -> dict[str, str]:
    """What a service depends on, with the condition."""
    return {name: said.get_text("condition") or "service_started" for name, said in keys.enter_mapping("depends_on")}


def _find_jobs(plans: Mapping[str, ServicePlan]) -> None:
    """What runs to its end: others wait for that, or nobody starts it again and nobody can call it."""
    awaited = {
        name
        for each in plans.values()
        for name, condition in get_dependencies(each.keys).items()
        if condition == "service_completed_successfully"
    }
    leaned = {name for each in plans.values() for name in get_dependencies(each.keys)} - awaited
    for each in plans.values():
        one, deploy = each.keys, each.keys.enter("deploy")
        condition = deploy.enter("restart_policy").get_text("condition") or one.get_text("restart") or ""
        once = condition in {"none", "no"} or condition.startswith("on-failure")
        if each.name in awaited:
            each.kind, each.kind_reason = "jobs", "others wait until it has ended well"
        elif CRON_LABEL in one.get_scalars("labels"):
            each.kind, each.kind_reason = "jobs", f"{CRON_LABEL} says when it runs"
        elif (deploy.get_text("mode") or "").endswith("-job"):
            each.kind, each.kind_reason = "jobs", f"deploy.mode is {deploy.get_text('mode')}"
        elif (
            once
            and not each.listening_ports
            and not one.has("healthcheck")
            and each.name not in leaned
            and not _runs_default_server(each)
        ):
            each.kind, each.kind_reason = "jobs", f"restart is {condition}, and nobody can call it"


def _runs_default_server(service: ServicePlan) -> bool:
    """Whether it runs the server that its image is known for."""
    if service.profile is None or service.keys.get_texts("entrypoint"):
        return False
    command = service.keys.get_texts("command") or []
    return not command or command[0].startswith("-") or command[0] in service.profile.server_commands


def _add_called_ports(
    service: ServicePlan, called_at: Mapping[int, str], make: Callable[[int, str], ports.Port]
) -> None:
    """What others call beside what it says: in Docker every port is open."""
    there = {port.number for port in service.listening_ports if port.protocol != "udp"}
    there |= {service.main_port.number} if service.main_port is not None else set[int]()
    service.listening_ports += [make(number, source) for number, source in called_at.items() if number not in there]


def _inherit_mounts(service: ServicePlan, plans: Mapping[str, ServicePlan]) -> list[volumes.Mount]:
    """What `volumes_from` takes from others."""
    mounts: list[volumes.Mount] = []
    there = {mount.target for mount in service.mounts}
    for number, text in enumerate(service.keys.get_texts("volumes_from") or []):
        name, _, mode = text.partition(":")
        if name in plans:
            mounts += [
                dataclasses.replace(mount, key=f"volumes_from.{number}", read_only=mount.read_only or mode == "ro")
                for mount in plans[name].mounts
                if mount.target not in there and mount.key.startswith("volumes.")
            ]
    return mounts


def _list_texts(
    service: ServicePlan, document: key_reader.KeyReader, project_dir: volumes.ProjectDir
) -> Iterator[tuple[str, str]]:
    """What may name others: variables, words, files; each with what it is called."""
    one = service.keys
    yield from ((f"{service.name}'s {key}", node.text) for key, node in one.get_scalars("environment").items())
    for key in ("command", "entrypoint"):
        yield from ((f"{service.name}'s {key}", text) for text in one.get_texts(key) or [])
    for mount in service.mounts:
        names = [mount.source] if mount.kind == "file" else [f"{mount.source}/{name}" for name in mount.files]
        yield from ((name, text) for name in names if (text := project_dir.read_text(name)))
    known = dict(document.enter_mapping("configs"))
    for said in one.enter_sequence("configs"):
        config = known.get(said.get_text("source") or "")
        if config is not None:
            text = config.get_text("content") or project_dir.read_text(config.get_text("file") or "")
            yield f"the config {said.get_text('source')}", text or ""


def _choose_main_port(
    service: ServicePlan, plans: Mapping[str, ServicePlan], texts: Mapping[str, Sequence[tuple[str, str]]]
) -> None:
    """The main port; of what says none, the one that others call, or that its image listens on."""
    if service.kind == "jobs":
        return
    place = service.keys.mapping.location
    called_at = _find_called_ports(service, {name: texts[name] for name in plans if name != service.name}, plans)

    def make(number: int, source: str) -> ports.Port:
        spoken = ports.guess_protocol(number, None, None, service.profile)
        return ports.Port(number=number, protocol=spoken, place=place, source=source)

    main = ports.choose_main(service.listening_ports)
    serves = service.profile is not None and bool(service.profile.ports) and _runs_default_server(service)
    own = service.profile.ports if service.profile is not None and serves else ()
    if main is not None and not (main.number in ports.DEBUGGER_PORTS and called_at):
        service.main_port = main
    elif own and service.build is None and (not called_at or own[0] in called_at):
        service.main_port = make(own[0], f"what {images.short_name(service.base_image or '')} listens on")
    elif called_at:
        service.main_port = make(*next(iter(called_at.items())))
    elif service.stage is not None and service.stage.ports:
        service.main_port = make(service.stage.ports[0], "what its Dockerfile exposes")
    elif own:
        service.main_port = make(own[0], f"what {images.short_name(service.base_image or '')} listens on")
    elif number := _guess_port(service.keys):
        service.main_port = make(*number)
    _add_called_ports(service, called_at, make)
    if service.main_port is not None:
        # What it calls itself at, it listens on: others are told that address, as Kafka's are.
        _add_called_ports(service, _find_called_ports(service, {service.name: texts[service.name]}, plans), make)


def list_host_names(service: ServicePlan, plans: Mapping[str, ServicePlan]) -> list[str]:
    """The hosts that a service is for others: its own name, its container's, its aliases, those of links."""
    one = service.keys
    names = [service.name, one.get_text("container_name") or "", one.get_text("hostname") or ""]
    names += [text for _, said in one.enter_mapping("networks") for text in said.get_texts("aliases") or []]
    for other in plans.values():
        for link in other.keys.get_texts("links") or []:
            name, _, alias = link.partition(":")
            names += [alias] if name == service.name else []
    return [name for name in dict.fromkeys(names) if name and (name == service.name or name not in plans)]


def _find_called_ports(
    service: ServicePlan, texts: Mapping[str, Sequence[tuple[str, str]]], plans: Mapping[str, ServicePlan]
) -> dict[int, str]:
    """The ports that others name, and who: ``http://api:8000`` in somebody's environment, command or files; API_HOST
    with API_PORT beside it."""
    names = list_host_names(service, plans)
    ports_: dict[int, str] = {}
    for source, text in (one for name in sorted(texts) for one in sorted(texts[name])):
        for number in naming.find_called_ports(text, names):
            ports_.setdefault(number, f"the one that {source} names")
    for name in sorted(texts):
        env = plans[name].keys.get_scalars("environment")
        for key, node in env.items():
            other = re.sub(r"HOST(NAME)?$", "PORT", key)
            number = (
                ports.parse_number(env[other].text) if other != key and other in env and node.text in names else None
            )
            if number:
                ports_.setdefault(number, f"the one that {name}'s {other} names")
    return dict(sorted(ports_.items()))


def _guess_port(keys: key_reader.KeyReader) -> tuple[int, str] | None:
    env = keys.get_scalars("environment")
    if "PORT" in env and (number := ports.parse_number(env["PORT"].text)):
        return number, "what PORT says"
    for name, node in keys.get_scalars("labels").items():
        if re.fullmatch(r"traefik\.http\.services\..*\.loadbalancer\.server\.port", name):
            number = ports.parse_number(node.text)
            return (number, f"what {name} says") if number else None
    text = " ".join(keys.enter("healthcheck").get_texts("test") or [])
    local = re.search(r"(?:localhost|127\.0\.0\.1):([0-9]{2,5})(?![0-9])", text)
    number = ports.parse_number(local[1]) if local else None
    return (number, "what its healthcheck asks") if number else None


def _assign_disks(plans: Mapping[str, ServicePlan]) -> None:
    """Who has a disk. What several mount belongs to one of them, and the others share it."""
    users: dict[str, list[tuple[ServicePlan, volumes.Mount]]] = {}
    for each in plans.values():
        for mount in each.mounts:
            if mount.kind == "disk":
                users.setdefault(mount.source, []).append((each, mount))
    able = {source: [one for one in those if one[0].kind != "jobs"] for source, those in users.items()}
    owners = {source: min(those, key=lambda one: _rank_owner(*one)) for source, those in able.items() if those}
    if _has_cycle({source: owner.name for source, (owner, _) in owners.items()}, users):
        # Whoever is first by name: then nobody waits for one that waits for him.
        owners = {source: min(those, key=lambda one: one[0].name) for source, those in able.items() if those}
    for source, (owner, own) in owners.items():
        those = users[source]
        owner.own_disks.append(own)
        for each, mount in those:
            if mount is not own:
                each.shared_disks[mount] = owner
    for each in plans.values():
        if each.kind == "jobs":
            continue
        data = images.find_data_dir(each.base_image)
        at = {mount.target for mount in each.mounts}
        if data is not None and _runs_default_server(each) and not any(_overlaps(data, target) for target in at):
            each.image_volume = data
        if each.own_disks or each.image_volume:
            each.kind = "stores"
            if each.main_port is not None and each.main_port.protocol == "udp":
                each.main_port = ports.choose_main(each.listening_ports, store=True)
            each.kind_reason = "it has a disk" if each.own_disks else f"its image keeps data in {data}"


def _has_cycle(owners: Mapping[str, str], users: Mapping[str, Sequence[tuple[ServicePlan, volumes.Mount]]]) -> bool:
    """Whether some run where the disk of the other is, and so wait for each other."""
    after: dict[str, set[str]] = {}
    for source, owner in owners.items():
        for each, _ in users[source]:
            after.setdefault(each.name, set()).update({owner} - {each.name})
    return next(rollout_order.find_name_cycles(after), None) is not None


def _rank_owner(service: ServicePlan, mount: volumes.Mount) -> tuple[bool | str, ...]:
    """Whose data folder it is comes first, then who writes to it, runs once, and is called; whatever the order."""
    number = service.keys.enter("deploy").get_text("replicas") or service.keys.get_text("scale") or "1"
    taken = not mount.key.startswith("volumes.")
    return (
        images.find_data_dir(service.base_image) != mount.target,
        mount.read_only,
        taken,
        number not in ("0", "1"),
        service.main_port is None,
        service.name,
    )


def is_passive_server(service: ServicePlan) -> bool:
    """Whether it is a server that is known to ask nobody."""
    return (
        service.profile is not None
        and bool(service.profile.ports)
        and not service.profile.http
        and _runs_default_server(service)
    )


def _find_named_services(service: ServicePlan, plans: Mapping[str, ServicePlan]) -> set[str]:
    """The services that it names in its words and variables."""
    texts = [*(service.keys.get_texts("command") or []), *(service.keys.get_texts("entrypoint") or [])]
    texts += [node.text for node in service.keys.get_scalars("environment").values()]
    return {name for text in texts for name in plans if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", text)}


def _overlaps(data: str, target: str) -> bool:
    return data == target or data.startswith(f"{target}/") or target.startswith(f"{data}/")


def _list_networks(service: ServicePlan, plans: Mapping[str, ServicePlan]) -> list[str]:
    """The networks of a service, or of the one whose address it shares; nothing where it has none at all."""
    mode, name, seen = service.keys.get_text("network_mode") or "", service.name, set[str]()
    while mode.startswith("service:") and name not in seen:
        seen.add(name)
        name = mode.removeprefix("service:")
        mode = (plans[name].keys.get_text("network_mode") or "") if name in plans else "none"
    if mode in ("none", "host") or mode.startswith(("service:", "container:")):
        return []
    return [name for name, _ in plans[name].keys.enter_mapping("networks")] or [DEFAULT_NETWORK]


def list_callable(service: ServicePlan, plans: Mapping[str, ServicePlan]) -> Sequence[ServicePlan]:
    """What it may call: everything with a port that shares a network with it, or is linked.

    A database or a cache answers, and asks nobody: one that is known for that calls only what it names or depends on,
    and others of its own image, with which it may be a cluster.
    """
    own = set(service.networks)
    linked = {text.partition(":")[0] for text in service.keys.get_texts("links") or []}
    if is_passive_server(service):
        linked |= get_dependencies(service.keys).keys() | _find_named_services(service, plans)
        linked |= {name for name, other in plans.items() if other.profile is service.profile}
        own = set[str]()
    return [
        other
        for other in plans.values()
        if other is not service
        and other.kind != "jobs"
        and (not own.isdisjoint(other.networks) or other.name in linked)
    ]

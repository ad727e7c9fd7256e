"""What each service of a compose document becomes: a service, a store or a job. Decided before anything is written."""

import dataclasses
import re
from collections.abc import Mapping, Sequence

from seaway.compose import dockerfile, images, labels, part, ports, volumes

CRON = "kompose.cronjob.schedule"
DEFAULT_NETWORK = "default"


@dataclasses.dataclass(slots=True, kw_only=True)
class Plan:
    """One service."""

    name: str
    label: str
    """What it is called in the application."""
    entry: part.Part
    image: str | None
    build: part.Part | None
    """Its own build, or that of the service which builds the image that it names."""
    context: str | None
    said: dockerfile.Said | None
    """What the Dockerfile says."""
    mounts: list[volumes.Mount]
    listens: list[ports.Port]
    """What it says itself."""
    kind: str = "services"
    why: str = ""
    """Why it is no service."""
    main: ports.Port | None = None
    disks: list[str] = dataclasses.field(default_factory=list[str])
    """Keys of the mounts that are its own disks."""
    late: bool = False
    """Of a job: it needs services that run, and so comes after them."""
    implied: str | None = None
    """Folder of a disk that no key says, but the image."""

    @property
    def path(self) -> str:
        return f"{self.kind}.{self.label}"

    @property
    def known(self) -> images.Fact | None:
        return images.fact(self.image) if self.build is None else None


def plans(root: part.Part, where: volumes.Where) -> dict[str, Plan]:
    """All of them by the name that compose has."""
    found: dict[str, Plan] = {}
    builds = {one.text("image"): one for _, one in root.each("services") if one.has("build") and one.text("image")}
    taken: set[str] = set()
    free = [name for name, _ in root.each("services")]
    for name, one in root.each("services"):
        if one.has("provider"):
            continue
        label = labels.label(name, taken | ({*free} - {name}))
        taken.add(label)
        builder = one if one.has("build") else builds.get(one.text("image"))
        build = builder.inner("build") if builder is not None else None
        context = where.relative(build.text("context") or ".") if build else None
        found[name] = Plan(
            name=name,
            label=label,
            entry=one,
            image=one.text("image") if build is None else None,
            build=build,
            context=context,
            said=_dockerfile(build, context, where),
            mounts=volumes.read(one, where, built=context),
            listens=ports.read(one, images.fact(one.text("image")) if build is None else None),
        )
    _jobs(found)
    for each in found.values():
        _port(each, found)
    _stores(found)
    for each in found.values():
        needed = [found[name] for name in depended(each.entry) if name in found]
        each.late = each.kind == "jobs" and any(other.kind == "services" for other in needed)
        each.entry = dataclasses.replace(each.entry, into=each.path)
    return found


def _dockerfile(build: part.Part | None, context: str | None, where: volumes.Where) -> dockerfile.Said | None:
    if build is None:
        return None
    if context is None or where.folder is None or build.has("dockerfile_inline"):
        return dockerfile.parse(build.text("dockerfile_inline") or "")
    return dockerfile.read(where.folder / context / (build.text("dockerfile") or "Dockerfile"), build.text("target"))


def depended(one: part.Part) -> dict[str, str]:
    """What a service depends on, with the condition."""
    return {name: said.text("condition") or "service_started" for name, said in one.each("depends_on")}


def _jobs(found: Mapping[str, Plan]) -> None:
    """What runs to its end: others wait for that, or nobody starts it again and nobody can call it."""
    awaited = {
        name
        for each in found.values()
        for name, condition in depended(each.entry).items()
        if condition == "service_completed_successfully"
    }
    leaned = {name for each in found.values() for name in depended(each.entry)} - awaited
    for each in found.values():
        one, deploy = each.entry, each.entry.inner("deploy")
        condition = deploy.inner("restart_policy").text("condition") or one.text("restart") or ""
        once = condition in {"none", "no"} or condition.startswith("on-failure")
        if each.name in awaited:
            each.kind, each.why = "jobs", "others wait until it has ended well"
        elif CRON in one.scalars("labels"):
            each.kind, each.why = "jobs", f"{CRON} says when it runs"
        elif (deploy.text("mode") or "").endswith("-job"):
            each.kind, each.why = "jobs", f"deploy.mode is {deploy.text('mode')}"
        elif once and not each.listens and not one.has("healthcheck") and each.name not in leaned and not _serves(each):
            each.kind, each.why = "jobs", f"restart is {condition}, and nobody can call it"


def _serves(each: Plan) -> bool:
    """Whether it runs the server that its image is known for."""
    if each.known is None or each.entry.texts("entrypoint"):
        return False
    command = each.entry.texts("command") or []
    return not command or command[0].startswith("-") or command[0] in each.known.programs


def _port(each: Plan, found: Mapping[str, Plan]) -> None:
    """The main port; of what says none, the one that others call, or that its image listens on."""
    if each.kind == "jobs":
        return
    each.main = ports.main(each.listens)
    if each.main is not None:
        return
    place = each.entry.table.place

    def make(number: int, source: str) -> ports.Port:
        spoken = ports.protocol(number, None, None, each.known)
        return ports.Port(number=number, protocol=spoken, place=place, source=source)

    if each.known is not None and each.known.ports and _serves(each):
        each.main = make(each.known.ports[0], f"what {images.name(each.image or '')} listens on")
    elif number := _called(each, found):
        each.main = make(*number)
    elif each.said is not None and each.said.ports:
        each.main = make(each.said.ports[0], "what its Dockerfile exposes")
    elif number := _asked(each.entry):
        each.main = make(*number)


def _called(each: Plan, found: Mapping[str, Plan]) -> tuple[int, str] | None:
    """``http://api:8000`` in somebody's environment or command."""
    names = {each.name, each.entry.text("container_name") or each.name}
    for other in found.values():
        if other is each:
            continue
        texts = [(f"{other.name}'s {key}", node.text) for key, node in other.entry.scalars("environment").items()]
        texts += [(f"{other.name}'s command", text) for text in other.entry.texts("command") or []]
        for source, text in texts:
            number = next((port for port in labels.hosts(text, names).values() if port), None)
            if number and number < 65536:
                return number, f"the one that {source} names"
    return None


def _asked(one: part.Part) -> tuple[int, str] | None:
    env = one.scalars("environment")
    if "PORT" in env and (number := ports.number_of(env["PORT"].text)):
        return number, "what PORT says"
    for name, node in one.scalars("labels").items():
        if re.fullmatch(r"traefik\.http\.services\..*\.loadbalancer\.server\.port", name):
            number = ports.number_of(node.text)
            return (number, f"what {name} says") if number else None
    text = " ".join(one.inner("healthcheck").texts("test") or [])
    local = re.search(r"(?:localhost|127\.0\.0\.1):([0-9]{2,5})(?![0-9])", text)
    number = ports.number_of(local[1]) if local else None
    return (number, "what its healthcheck asks") if number else None


def _stores(found: Mapping[str, Plan]) -> None:
    """Who has a disk, and a port on which others get at the data."""
    users: dict[str, list[tuple[str, volumes.Mount, str | None, bool]]] = {}
    for each in found.values():
        for mount in each.mounts:
            if mount.kind == "disk":
                user = (each.name, mount, each.image, each.kind == "services" and each.main is not None)
                users.setdefault(mount.source, []).append(user)
    for source, those in users.items():
        owner = found[volumes.owner(source, those)]
        # A disk that everybody only reads has nothing on it.
        owner.disks += [mount.key for mount in owner.mounts if mount.source == source and mount.kind == "disk"]
    for each in found.values():
        data = images.data(each.image)
        at = {mount.target for mount in each.mounts}
        if each.kind == "jobs" or not _tcp(each):
            continue
        # What people look at from outside, is better reachable than kept: a store is not exposed.
        web = each.known is not None and each.known.web
        if data is not None and not web and _serves(each) and not any(_within(data, target) for target in at):
            each.implied = data
        if each.disks or each.implied:
            each.kind = "stores"
            each.main = ports.main(each.listens, store=True) or each.main
            each.why = "it has a disk" if each.disks else f"its image keeps data in {data}"


def answers(each: Plan) -> bool:
    """Whether it is a server that is known to ask nobody."""
    return each.known is not None and bool(each.known.ports) and not each.known.web and _serves(each)


def _tcp(each: Plan) -> bool:
    return each.main is not None and (each.main.protocol != "udp" or any(one.protocol != "udp" for one in each.listens))


def _within(data: str, target: str) -> bool:
    return data == target or data.startswith(f"{target}/") or target.startswith(f"{data}/")


def networks(one: part.Part) -> list[str]:
    """The networks of a service; nothing where it has none at all."""
    if one.text("network_mode") in ("none", "host") or (one.text("network_mode") or "").startswith(
        ("service:", "container:")
    ):
        return []
    return [name for name, _ in one.each("networks")] or [DEFAULT_NETWORK]


def reachable(each: Plan, found: Mapping[str, Plan]) -> Sequence[Plan]:
    """What it may call: everything with a port that shares a network with it, or is linked.

    A database or a cache answers, and asks nobody: one that is known for that calls only what it depends on.
    """
    own = set(networks(each.entry))
    linked = {text.partition(":")[0] for text in each.entry.texts("links") or []}
    if answers(each):
        linked |= depended(each.entry).keys()
        own = set[str]()
    return [
        other
        for other in found.values()
        if other is not each
        and other.kind != "jobs"
        and other.main is not None
        and (own & set(networks(other.entry)) or other.name in linked)
    ]

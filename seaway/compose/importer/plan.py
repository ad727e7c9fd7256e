"""What each service of a compose document becomes: a service, a store or a job. Decided before anything is written."""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from seaway.compose.importer import dockerfile, images, key_reader, naming, ports, volumes
from seaway.compose.loader import files
from seaway.model import rollout_order

CRON = "kompose.cronjob.schedule"
DEFAULT_NETWORK = "default"


@dataclasses.dataclass(slots=True, kw_only=True)
class Plan:
    """One service."""

    name: str
    label: str
    """What it is called in the application."""
    entry: key_reader.Part
    image: str | None
    build: key_reader.Part | None
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
    disks: list[volumes.Mount] = dataclasses.field(default_factory=list[volumes.Mount])
    """The mounts that are its own disks."""
    shares: dict[volumes.Mount, "Plan"] = dataclasses.field(default_factory=dict[volumes.Mount, "Plan"])
    """The mounts that are disks of another."""
    late: bool = False
    """Of a job: it needs services that run, and so comes after them."""
    lacks: str = ""
    """Why its image cannot be built."""
    implied: str | None = None
    """Folder of a disk that no key says, but the image."""
    networks: list[str] = dataclasses.field(default_factory=list[str])
    """Those that it is in."""

    @property
    def path(self) -> str:
        return f"{self.kind}.{self.label}"

    @property
    def like(self) -> str | None:
        """The public image that it is, or is built from."""
        base = self.said.base if self.said else None
        return self.image if base is None or images.fact(self.image) else base

    @property
    def known(self) -> images.Fact | None:
        return images.fact(self.like)


def plans(root: key_reader.Part, where: volumes.Where, *, builds: bool = True) -> dict[str, Plan]:
    """All of them by the name that compose has. ``builds``: whether images are built, or taken by their names."""
    found: dict[str, Plan] = {}
    builders = {
        one.text("image"): one
        for _, one in sorted(root.each("services"), key=lambda each: each[0], reverse=True)
        if one.has("build") and one.text("image")
    }
    names = {name for name, _ in root.each("services")}
    called_here: dict[str, str] = {}
    for name in sorted(names):
        called_here[name] = naming.label(name, {*called_here.values()} | (names - {name}))
    for name, one in root.each("services"):
        if one.has("provider") or one.has("x-seaway.made"):
            continue
        builder = one if one.has("build") else builders.get(one.text("image"))
        build = builder.inner("build") if builder is not None else None
        context = where.relative(build.text("context") or ".") if build else None
        lacks = unbuildable(build, context, where) if build else ""
        said = _dockerfile(build, context, where)
        if build and not builds and one.text("image"):
            lacks = lacks or "somebody else builds it"
        if lacks and one.text("image"):
            build = None
        found[name] = Plan(
            name=name,
            label=called_here[name],
            entry=one,
            image=one.text("image") if build is None else None,
            build=build,
            context=context,
            said=said,
            lacks=lacks,
            mounts=[],
            listens=[],
        )
        each = found[name]
        each.mounts = volumes.read(one, where, built=context, data=images.data(each.like))
        each.listens = ports.read(one, each.known)
    for each in found.values():
        each.mounts += _taken(each, found)
    _jobs(found)
    texts = {name: list(_texts(each, root, where)) for name, each in found.items()}
    for each in found.values():
        _port(each, found, texts)
    _stores(found)
    for each in found.values():
        needed = [found[name] for name in depended(each.entry) if name in found]
        each.late = each.kind == "jobs" and any(other.kind == "services" for other in needed)
        each.entry = dataclasses.replace(each.entry, into=each.path)
        each.networks = _networks(each, found)
    return found


def _dockerfile(build: key_reader.Part | None, context: str | None, where: volumes.Where) -> dockerfile.Said | None:
    if build is None:
        return None
    if context is None or where.folder is None or where.root is None or build.has("dockerfile_inline"):
        return dockerfile.parse(build.text("dockerfile_inline") or "")
    file = where.folder / context / (build.text("dockerfile") or "Dockerfile")
    return dockerfile.read(file, where.root, build.text("target"))


def unbuildable(build: key_reader.Part, context: str | None, where: volumes.Where) -> str:
    """Why there is nothing to build; empty: there is."""
    said = build.text("context") or "."
    if files.remote(said):
        return f"{said} is on another machine"
    if context is None:
        return f"{said} is outside of the project"
    name = build.text("dockerfile") or "Dockerfile"
    if where.folder is None or build.has("dockerfile_inline") or (where.folder / context / name).is_file():
        return ""
    return f"there is no {name} in {said}"


def depended(one: key_reader.Part) -> dict[str, str]:
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


def _more(each: Plan, called_at: Mapping[int, str], make: Callable[[int, str], ports.Port]) -> None:
    """What others call beside what it says: in Docker every port is open."""
    there = {port.number for port in each.listens if port.protocol != "udp"}
    there |= {each.main.number} if each.main is not None else set[int]()
    each.listens += [make(number, source) for number, source in called_at.items() if number not in there]


def _taken(each: Plan, found: Mapping[str, Plan]) -> list[volumes.Mount]:
    """What `volumes_from` takes from others."""
    mounts: list[volumes.Mount] = []
    there = {mount.target for mount in each.mounts}
    for number, text in enumerate(each.entry.texts("volumes_from") or []):
        name, _, mode = text.partition(":")
        if name in found:
            mounts += [
                dataclasses.replace(mount, key=f"volumes_from.{number}", read_only=mount.read_only or mode == "ro")
                for mount in found[name].mounts
                if mount.target not in there and mount.key.startswith("volumes.")
            ]
    return mounts


def _texts(each: Plan, root: key_reader.Part, where: volumes.Where) -> Iterator[tuple[str, str]]:
    """What may name others: variables, words, files; each with what it is called."""
    one = each.entry
    yield from ((f"{each.name}'s {key}", node.text) for key, node in one.scalars("environment").items())
    for key in ("command", "entrypoint"):
        yield from ((f"{each.name}'s {key}", text) for text in one.texts(key) or [])
    for mount in each.mounts:
        names = [mount.source] if mount.kind == "file" else [f"{mount.source}/{name}" for name in mount.files]
        yield from ((name, text) for name in names if (text := where.content(name)))
    known = dict(root.each("configs"))
    for said in one.items("configs"):
        config = known.get(said.text("source") or "")
        if config is not None:
            text = config.text("content") or where.content(config.text("file") or "")
            yield f"the config {said.text('source')}", text or ""


def _port(each: Plan, found: Mapping[str, Plan], texts: Mapping[str, Sequence[tuple[str, str]]]) -> None:
    """The main port; of what says none, the one that others call, or that its image listens on."""
    if each.kind == "jobs":
        return
    place = each.entry.table.place
    called_at = _called(each, {name: texts[name] for name in found if name != each.name}, found)

    def make(number: int, source: str) -> ports.Port:
        spoken = ports.protocol(number, None, None, each.known)
        return ports.Port(number=number, protocol=spoken, place=place, source=source)

    main = ports.main(each.listens)
    serves = each.known is not None and bool(each.known.ports) and _serves(each)
    own = each.known.ports if each.known is not None and serves else ()
    if main is not None and not (main.number in ports.DEBUGGERS and called_at):
        each.main = main
    elif own and each.build is None and (not called_at or own[0] in called_at):
        each.main = make(own[0], f"what {images.name(each.like or '')} listens on")
    elif called_at:
        each.main = make(*next(iter(called_at.items())))
    elif each.said is not None and each.said.ports:
        each.main = make(each.said.ports[0], "what its Dockerfile exposes")
    elif own:
        each.main = make(own[0], f"what {images.name(each.like or '')} listens on")
    elif number := _asked(each.entry):
        each.main = make(*number)
    _more(each, called_at, make)
    if each.main is not None:
        # What it calls itself at, it listens on: others are told that address, as Kafka's are.
        _more(each, _called(each, {each.name: texts[each.name]}, found), make)


def called(each: Plan, found: Mapping[str, Plan]) -> list[str]:
    """The hosts that a service is for others: its own name, its container's, its aliases, those of links."""
    one = each.entry
    names = [each.name, one.text("container_name") or "", one.text("hostname") or ""]
    names += [text for _, said in one.each("networks") for text in said.texts("aliases") or []]
    for other in found.values():
        for link in other.entry.texts("links") or []:
            name, _, alias = link.partition(":")
            names += [alias] if name == each.name else []
    return [name for name in dict.fromkeys(names) if name and (name == each.name or name not in found)]


def _called(each: Plan, texts: Mapping[str, Sequence[tuple[str, str]]], found: Mapping[str, Plan]) -> dict[int, str]:
    """The ports that others name, and who: ``http://api:8000`` in somebody's environment, command or files; API_HOST
    with API_PORT beside it."""
    names = called(each, found)
    ports_: dict[int, str] = {}
    for source, text in (one for name in sorted(texts) for one in sorted(texts[name])):
        for number in naming.numbers(text, names):
            ports_.setdefault(number, f"the one that {source} names")
    for name in sorted(texts):
        env = found[name].entry.scalars("environment")
        for key, node in env.items():
            other = re.sub(r"HOST(NAME)?$", "PORT", key)
            number = ports.number_of(env[other].text) if other != key and other in env and node.text in names else None
            if number:
                ports_.setdefault(number, f"the one that {name}'s {other} names")
    return dict(sorted(ports_.items()))


def _asked(one: key_reader.Part) -> tuple[int, str] | None:
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
    """Who has a disk. What several mount belongs to one of them, and the others share it."""
    users: dict[str, list[tuple[Plan, volumes.Mount]]] = {}
    for each in found.values():
        for mount in each.mounts:
            if mount.kind == "disk":
                users.setdefault(mount.source, []).append((each, mount))
    able = {source: [one for one in those if one[0].kind != "jobs"] for source, those in users.items()}
    owners = {source: min(those, key=lambda one: _rank(*one)) for source, those in able.items() if those}
    if _waiting({source: owner.name for source, (owner, _) in owners.items()}, users):
        # Whoever is first by name: then nobody waits for one that waits for him.
        owners = {source: min(those, key=lambda one: one[0].name) for source, those in able.items() if those}
    for source, (owner, own) in owners.items():
        those = users[source]
        owner.disks.append(own)
        for each, mount in those:
            if mount is not own:
                each.shares[mount] = owner
    for each in found.values():
        if each.kind == "jobs":
            continue
        data = images.data(each.like)
        at = {mount.target for mount in each.mounts}
        if data is not None and _serves(each) and not any(_within(data, target) for target in at):
            each.implied = data
        if each.disks or each.implied:
            each.kind = "stores"
            if each.main is not None and each.main.protocol == "udp":
                each.main = ports.main(each.listens, store=True)
            each.why = "it has a disk" if each.disks else f"its image keeps data in {data}"


def _waiting(owners: Mapping[str, str], users: Mapping[str, Sequence[tuple[Plan, volumes.Mount]]]) -> bool:
    """Whether some run where the disk of the other is, and so wait for each other."""
    after: dict[str, set[str]] = {}
    for source, owner in owners.items():
        for each, _ in users[source]:
            after.setdefault(each.name, set()).update({owner} - {each.name})
    return next(rollout_order.around(after), None) is not None


def _rank(each: Plan, mount: volumes.Mount) -> tuple[bool | str, ...]:
    """Whose data folder it is comes first, then who writes to it, runs once, and is called; whatever the order."""
    number = each.entry.inner("deploy").text("replicas") or each.entry.text("scale") or "1"
    taken = not mount.key.startswith("volumes.")
    return (
        images.data(each.like) != mount.target,
        mount.read_only,
        taken,
        number not in ("0", "1"),
        each.main is None,
        each.name,
    )


def answers(each: Plan) -> bool:
    """Whether it is a server that is known to ask nobody."""
    return each.known is not None and bool(each.known.ports) and not each.known.web and _serves(each)


def _named(each: Plan, found: Mapping[str, Plan]) -> set[str]:
    """The services that it names in its words and variables."""
    texts = [*(each.entry.texts("command") or []), *(each.entry.texts("entrypoint") or [])]
    texts += [node.text for node in each.entry.scalars("environment").values()]
    return {name for text in texts for name in found if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", text)}


def _within(data: str, target: str) -> bool:
    return data == target or data.startswith(f"{target}/") or target.startswith(f"{data}/")


def _networks(each: Plan, found: Mapping[str, Plan]) -> list[str]:
    """The networks of a service, or of the one whose address it shares; nothing where it has none at all."""
    mode, name, seen = each.entry.text("network_mode") or "", each.name, set[str]()
    while mode.startswith("service:") and name not in seen:
        seen.add(name)
        name = mode.removeprefix("service:")
        mode = (found[name].entry.text("network_mode") or "") if name in found else "none"
    if mode in ("none", "host") or mode.startswith(("service:", "container:")):
        return []
    return [name for name, _ in found[name].entry.each("networks")] or [DEFAULT_NETWORK]


def reachable(each: Plan, found: Mapping[str, Plan]) -> Sequence[Plan]:
    """What it may call: everything with a port that shares a network with it, or is linked.

    A database or a cache answers, and asks nobody: one that is known for that calls only what it names or depends on,
    and others of its own image, with which it may be a cluster.
    """
    own = set(each.networks)
    linked = {text.partition(":")[0] for text in each.entry.texts("links") or []}
    if answers(each):
        linked |= depended(each.entry).keys() | _named(each, found)
        linked |= {name for name, other in found.items() if other.known is each.known}
        own = set[str]()
    return [
        other
        for other in found.values()
        if other is not each and other.kind != "jobs" and (not own.isdisjoint(other.networks) or other.name in linked)
    ]

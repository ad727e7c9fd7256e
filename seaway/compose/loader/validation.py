"""Rules about a whole Compose document, in long forms: what names something else, and what excludes something else.

They are those of Docker Compose, all at once; https://docs.docker.com/reference/compose-file/.
"""

import ipaddress
from collections.abc import Collection, Iterator, Mapping

from seaway.compose.loader import scalars, tree
from seaway.syntax import decode, diagnosis, nodes

_RESOURCES = (("networks", "networks"), ("models", "models"))
_LISTED = (("secrets", "secrets", "secret"), ("configs", "configs", "config"), ("build.secrets", "secrets", "secret"))


MOST_SERVICES = 500
"""Each may call each other: what is made grows with the square."""


def check(root: nodes.Table, inactive: Collection[str]) -> Iterator[diagnosis.Problem]:
    """``inactive``: the services that their profiles leave out."""
    services = nodes.inside(root, "services")
    if len(services) > MOST_SERVICES:
        wrong = f"there are {len(services)}, and {MOST_SERVICES} are the most"
        yield _problem(root.entries["services"], "services", wrong, "make several applications of them")
        return
    for name, entry in services.items():
        if isinstance(entry.node, nodes.Table):
            path = f"services.{name}"
            yield from _image(entry.node, path, services)
            yield from _names(entry.node, path, root)
            yield from _order(entry.node, path, services, inactive)
            yield from _amounts(entry.node, path)
            yield from _mounts(entry.node, path)
            yield from _rest(entry.node, path)
    yield from _called(services)
    yield from _cycles(services)
    yield from _contents(root)


def _problem(node: nodes.Node | nodes.Entry, path: str, wrong: str, remedy: str) -> diagnosis.Problem:
    return diagnosis.Problem(node.place, path, wrong, remedy)


def items(node: nodes.Node, path: str) -> tuple[nodes.Node, ...]:
    """The items of the list at a path; none where there is no such list."""
    for key in path.split("."):
        entry = node.entries.get(key) if isinstance(node, nodes.Table) else None
        if entry is None:
            return ()
        node = entry.node
    return node.items if isinstance(node, nodes.Items) else ()


def _image(service: nodes.Table, path: str, services: Mapping[str, nodes.Entry]) -> Iterator[diagnosis.Problem]:
    build = service.entries.get("build")
    if not service.entries.keys() & {"build", "provider"} and not tree.text(service, "image"):
        yield _problem(service, path, "has neither an image nor a build", "add `image:` or `build:`")
    if build is None or not isinstance(build.node, nodes.Table):
        return
    if {"dockerfile", "dockerfile_inline"} <= build.node.entries.keys():
        at = f"{path}.build.dockerfile_inline"
        yield _problem(build.node.entries["dockerfile_inline"], at, "has `dockerfile` beside it", "keep one of the two")
    for name, entry in nodes.inside(build.node, "additional_contexts").items():
        other = entry.node.text if isinstance(entry.node, nodes.Scalar) else ""
        if other.startswith("service:"):
            known = [one for one, said in services.items() if _built(said.node)]
            if (wanted := other.removeprefix("service:")) not in known:
                at = f"{path}.build.additional_contexts.{name}"
                wrong = f"no service {diagnosis.quoted(wanted)} is built here"
                yield _problem(entry, at, wrong, decode.nearest(wanted, known))
    platform = tree.text(service, "platform")
    built = [item.text for item in items(build.node, "platforms") if isinstance(item, nodes.Scalar)]
    if platform and built and platform not in built:
        wrong = f"{platform} is none of the platforms that are built: {', '.join(built)}"
        yield _problem(service.entries["platform"], f"{path}.platform", wrong, "add it to `build.platforms`")


def _built(service: nodes.Node) -> bool:
    return isinstance(service, nodes.Table) and "build" in service.entries


def _names(service: nodes.Table, path: str, root: nodes.Table) -> Iterator[diagnosis.Problem]:
    """What is used at the top level must be there."""
    for key, kind in _RESOURCES:
        for name, entry in nodes.inside(service, key).items():
            yield from _known(entry, f"{path}.{key}.{name}", name, kind, root)
    for key, kind, _ in _LISTED:
        for number, item in enumerate(items(service, key)):
            source = tree.text(item, "source") or ""
            yield from _known(item, f"{path}.{key}.{number}", source, kind, root)
    for number, item in enumerate(items(service, "volumes")):
        source = tree.text(item, "source")
        if source and tree.text(item, "type") == "volume":
            yield from _known(item, f"{path}.volumes.{number}", source, "volumes", root)


def _known(
    node: nodes.Node | nodes.Entry, path: str, name: str, kind: str, root: nodes.Table
) -> Iterator[diagnosis.Problem]:
    known = nodes.inside(root, kind)
    if name not in known:
        wrong = f"there is no {diagnosis.quoted(name)} below `{kind}:`"
        remedy = decode.nearest(name, known) if known else f"add `{kind}: {{{name}: ...}}` at the top level"
        yield _problem(node, path, wrong, remedy)


def _order(
    service: nodes.Table, path: str, services: Mapping[str, nodes.Entry], inactive: Collection[str]
) -> Iterator[diagnosis.Problem]:
    for name, entry in nodes.inside(service, "depends_on").items():
        at = f"{path}.depends_on.{name}"
        required = tree.text(entry.node, "required") != "false"
        if name in inactive and required:
            wrong = f"the profiles leave out the service {diagnosis.quoted(name)}"
            yield _problem(entry, at, wrong, "choose one of its profiles, or write `required: false`")
        elif name not in services and name not in inactive:
            wrong = f"there is no service {diagnosis.quoted(name)}"
            yield _problem(entry, at, wrong, decode.nearest(name, services))
    mode = service.entries.get("network_mode")
    if mode and nodes.inside(service, "networks"):
        yield _problem(mode, f"{path}.network_mode", "has `networks` beside it", "keep one of the two")


def _amounts(service: nodes.Table, path: str) -> Iterator[diagnosis.Problem]:
    deploy = nodes.inside(service, "deploy")
    resources = deploy.get("resources")
    pairs = [("scale", deploy, "deploy.replicas")]
    if resources:
        limits, reserved = nodes.inside(resources.node, "limits"), nodes.inside(resources.node, "reservations")
        pairs += [("cpus", limits, "deploy.resources.limits.cpus")]
        pairs += [("mem_limit", limits, "deploy.resources.limits.memory")]
        pairs += [("mem_reservation", reserved, "deploy.resources.reservations.memory")]
        pairs += [("pids_limit", limits, "deploy.resources.limits.pids")]
    for key, where, other in pairs:
        said, there = tree.text(service, key), where.get(other.rpartition(".")[2])
        beside = there.node.text if there and isinstance(there.node, nodes.Scalar) else ""
        if said and where and (beside or key != "scale") and not _same(key, said, beside or "0"):
            wrong, remedy = f"{said} is another value than {beside} of `{other}`", "keep one of the two"
            if not beside:
                wrong, remedy = f"has `{other.rpartition('.')[0]}` beside it", f"write `{other}: {said}` there"
            yield _problem(service.entries[key], f"{path}.{key}", wrong, remedy)
    copies = [(service.entries.get("scale"), "scale"), (deploy.get("replicas"), "deploy.replicas")]
    for entry, key in copies:
        if entry and isinstance(entry.node, nodes.Scalar) and entry.node.kind == "int":
            count = nodes.whole(entry.node)
            if count < 0:
                yield _problem(entry, f"{path}.{key}", f"{count} is too few", "write 0 or more")
            if count > 1 and "container_name" in service.entries:
                wrong = f"{count} containers cannot have one name"
                yield _problem(service.entries["container_name"], f"{path}.container_name", wrong, "remove it")


def _same(key: str, one: str, other: str) -> bool:
    try:
        return scalars.size(one) == scalars.size(other) if key.startswith("mem") else float(one) == float(other)
    except ValueError:
        return True  # said elsewhere


def _mounts(service: nodes.Table, path: str) -> Iterator[diagnosis.Problem]:
    seen: dict[str, str] = {}
    mounted: list[tuple[str, nodes.Node, str]] = [
        (f"{path}.tmpfs.{number}", item, item.text.partition(":")[0])
        for number, item in enumerate(items(service, "tmpfs"))
        if isinstance(item, nodes.Scalar)
    ]
    for number, item in enumerate(items(service, "volumes")):
        at, target = f"{path}.volumes.{number}", tree.text(item, "target")
        if target is None:
            yield _problem(item, at, "has no target", "add `target:`, a path in the container")
        else:
            mounted.append((at, item, target))
            if not target.startswith(("/", "\\\\")):
                wrong = f"{diagnosis.quoted(target)} is no path from the root of the container"
                yield _problem(item, f"{at}.target", wrong, "write it as /data")
        if tree.text(item, "type") == "bind" and not tree.text(item, "source"):
            yield _problem(item, at, "has no source", "add `source:`, a path on the machine")
    for at, item, target in mounted:
        if target in seen:
            yield _problem(item, at, f"{target} is mounted twice: see {seen[target]}", "remove one")
        seen.setdefault(target, at)


def _rest(service: nodes.Table, path: str) -> Iterator[diagnosis.Problem]:
    test = items(service, "healthcheck.test")
    if test and isinstance(test[0], nodes.Scalar) and test[0].text not in ("CMD", "CMD-SHELL", "NONE"):
        wrong = f"{diagnosis.quoted(test[0].text)} is not CMD, CMD-SHELL or NONE"
        yield _problem(test[0], f"{path}.healthcheck.test", wrong, 'begin with it: ["CMD", "curl", ...]')
    for number, item in enumerate(items(service, "ports")):
        at, host, target = f"{path}.ports.{number}", tree.text(item, "host_ip"), tree.text(item, "target")
        if host and not _address(host):
            yield _problem(item, f"{at}.host_ip", f"{diagnosis.quoted(host)} is no address", "write it as 127.0.0.1")
        if target is None:
            yield _problem(item, at, "has no target", "add `target:`, the port in the container")
        elif target.isdigit() and not 1 <= int(target) <= 65535:
            yield _problem(item, f"{at}.target", f"{target} is no TCP port", "write one from 1 to 65535")
    for number, item in enumerate(items(service, "develop.watch")):
        if tree.text(item, "action") not in ("rebuild", "restart") and not tree.text(item, "target"):
            yield _problem(item, f"{path}.develop.watch.{number}", "has no target", "add `target:`, where to copy to")
    for number, item in enumerate(items(service, "devices")):
        if not tree.text(item, "target"):
            yield _problem(item, f"{path}.devices.{number}", "has no target", "add `target:`, a path in the container")
    for key in ("gpus", "deploy.resources.reservations.devices"):
        for number, item in enumerate(items(service, key)):
            if isinstance(item, nodes.Table) and {"count", "device_ids"} <= item.entries.keys():
                yield _problem(item, f"{path}.{key}.{number}", "has `count` and `device_ids`", "keep one of the two")


def _address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _called(services: Mapping[str, nodes.Entry]) -> Iterator[diagnosis.Problem]:
    """No two containers have one name."""
    first: dict[str, str] = {}
    for name, entry in services.items():
        said = tree.text(entry.node, "container_name")
        if said and said in first and isinstance(entry.node, nodes.Table):
            wrong = f"the container of {first[said]} is called {diagnosis.quoted(said)} too"
            at = entry.node.entries["container_name"]
            yield _problem(at, f"services.{name}.container_name", wrong, "remove one of the two")
        first.setdefault(said or "", name)


def _cycles(services: Mapping[str, nodes.Entry]) -> Iterator[diagnosis.Problem]:
    """One problem a circle, without recursion."""
    after = {name: [*nodes.inside(entry.node, "depends_on")] for name, entry in services.items()}
    done: set[str] = set()
    for start in services:
        trail: list[str] = []
        ahead = [(start, False)]
        while ahead:
            name, leave = ahead.pop()
            if leave:
                done.add(trail.pop())
            elif name in trail:
                circle = [*trail[trail.index(name) :], name]
                entry = nodes.inside(services[circle[-2]].node, "depends_on")[name]
                wrong = f"waits for itself: {' -> '.join(circle)}"
                yield _problem(entry, f"services.{circle[-2]}.depends_on.{name}", wrong, "take one of these out")
            elif name in after and name not in done:
                trail.append(name)
                ahead += [(name, True), *((other, False) for other in reversed(after[name]))]


def _contents(root: nodes.Table) -> Iterator[diagnosis.Problem]:
    for kind, keys in (("configs", ("file", "environment", "content")), ("secrets", ("file", "environment"))):
        for name, entry in nodes.inside(root, kind).items():
            if not isinstance(entry.node, nodes.Table):
                continue
            said = [key for key in keys if key in entry.node.entries]
            external = tree.text(entry.node, "external") == "true"
            at = f"{kind}.{name}"
            if len(said) > 1:
                yield _problem(entry, at, f"has {' and '.join(said)}", "keep one of them")
            elif not said and not external and (kind == "secrets" or "driver" not in entry.node.entries):
                yield _problem(entry, at, "has no content", f"add {', '.join(keys)} or `external: true`")
    for name, entry in nodes.inside(root, "volumes").items():
        if isinstance(entry.node, nodes.Table) and tree.text(entry.node, "external") == "true":
            for key, inner in entry.node.entries.items():
                if key not in ("name", "external") and not key.startswith("x-"):
                    at = f"volumes.{name}.{key}"
                    yield _problem(inner, at, "the volume is external, and is not made here", "remove it")

"""Rules about a whole Compose document, in long forms: what names something else, and what excludes something else.

They are those of Docker Compose, all at once; https://docs.docker.com/reference/compose-file/.
"""

import ipaddress
from collections.abc import Collection, Iterator, Mapping

from seaway.compose.loader import scalars, tree
from seaway.syntax import decode, diagnosis, nodes

_REFERENCED_MAPPINGS = (("networks", "networks"), ("models", "models"))
_REFERENCED_LISTS = (
    ("secrets", "secrets", "secret"),
    ("configs", "configs", "config"),
    ("build.secrets", "secrets", "secret"),
)


MAX_SERVICES = 500
"""Each may call each other: what is made grows with the square."""


def check(root: nodes.MappingNode, inactive: Collection[str]) -> Iterator[diagnosis.Diagnostic]:
    """``inactive``: the services that their profiles leave out."""
    services = nodes.get_pairs(root, "services")
    if len(services) > MAX_SERVICES:
        wrong = f"there are {len(services)}, and {MAX_SERVICES} are the most"
        yield _diagnose(root.pairs["services"], "services", wrong, "make several applications of them")
        return
    for name, entry in services.items():
        if isinstance(entry.node, nodes.MappingNode):
            path = f"services.{name}"
            yield from _check_image(entry.node, path, services)
            yield from _check_references(entry.node, path, root)
            yield from _check_dependencies(entry.node, path, services, inactive)
            yield from _check_repeated_settings(entry.node, path)
            yield from _check_mounts(entry.node, path)
            yield from _check_other_keys(entry.node, path)
    yield from _check_container_names(services)
    yield from _check_cycles(services)
    yield from _check_sources(root)


def _diagnose(node: nodes.Node | nodes.Pair, path: str, message: str, hint: str) -> diagnosis.Diagnostic:
    return diagnosis.Diagnostic(node.location, path, message, hint)


def get_sequence(node: nodes.Node, path: str) -> tuple[nodes.Node, ...]:
    """The items of the list at a path; none where there is no such list."""
    for key in path.split("."):
        entry = node.pairs.get(key) if isinstance(node, nodes.MappingNode) else None
        if entry is None:
            return ()
        node = entry.node
    return node.items if isinstance(node, nodes.SequenceNode) else ()


def _check_image(
    service: nodes.MappingNode, path: str, services: Mapping[str, nodes.Pair]
) -> Iterator[diagnosis.Diagnostic]:
    build = service.pairs.get("build")
    if not service.pairs.keys() & {"build", "provider"} and not tree.get_text(service, "image"):
        yield _diagnose(service, path, "has neither an image nor a build", "add `image:` or `build:`")
    if build is None or not isinstance(build.node, nodes.MappingNode):
        return
    if {"dockerfile", "dockerfile_inline"} <= build.node.pairs.keys():
        at = f"{path}.build.dockerfile_inline"
        yield _diagnose(build.node.pairs["dockerfile_inline"], at, "has `dockerfile` beside it", "keep one of the two")
    for name, entry in nodes.get_pairs(build.node, "additional_contexts").items():
        other = entry.node.text if isinstance(entry.node, nodes.ScalarNode) else ""
        if other.startswith("service:"):
            known = [one for one, said in services.items() if _has_build(said.node)]
            if (wanted := other.removeprefix("service:")) not in known:
                at = f"{path}.build.additional_contexts.{name}"
                wrong = f"no service {diagnosis.quote(wanted)} is built here"
                yield _diagnose(entry, at, wrong, decode.suggest_name(wanted, known))
    platform = tree.get_text(service, "platform")
    built = [item.text for item in get_sequence(build.node, "platforms") if isinstance(item, nodes.ScalarNode)]
    if platform and built and platform not in built:
        wrong = f"{platform} is none of the platforms that are built: {', '.join(built)}"
        yield _diagnose(service.pairs["platform"], f"{path}.platform", wrong, "add it to `build.platforms`")


def _has_build(service: nodes.Node) -> bool:
    return isinstance(service, nodes.MappingNode) and "build" in service.pairs


def _check_references(service: nodes.MappingNode, path: str, root: nodes.MappingNode) -> Iterator[diagnosis.Diagnostic]:
    """What is used at the top level must be there."""
    for key, kind in _REFERENCED_MAPPINGS:
        for name, entry in nodes.get_pairs(service, key).items():
            yield from _check_reference(entry, f"{path}.{key}.{name}", name, kind, root)
    for key, kind, _ in _REFERENCED_LISTS:
        for number, item in enumerate(get_sequence(service, key)):
            source = tree.get_text(item, "source") or ""
            yield from _check_reference(item, f"{path}.{key}.{number}", source, kind, root)
    for number, item in enumerate(get_sequence(service, "volumes")):
        source = tree.get_text(item, "source")
        if source and tree.get_text(item, "type") == "volume":
            yield from _check_reference(item, f"{path}.volumes.{number}", source, "volumes", root)


def _check_reference(
    node: nodes.Node | nodes.Pair, path: str, name: str, kind: str, root: nodes.MappingNode
) -> Iterator[diagnosis.Diagnostic]:
    known = nodes.get_pairs(root, kind)
    if name not in known:
        wrong = f"there is no {diagnosis.quote(name)} below `{kind}:`"
        remedy = decode.suggest_name(name, known) if known else f"add `{kind}: {{{name}: ...}}` at the top level"
        yield _diagnose(node, path, wrong, remedy)


def _check_dependencies(
    service: nodes.MappingNode, path: str, services: Mapping[str, nodes.Pair], inactive: Collection[str]
) -> Iterator[diagnosis.Diagnostic]:
    for name, entry in nodes.get_pairs(service, "depends_on").items():
        at = f"{path}.depends_on.{name}"
        required = tree.get_text(entry.node, "required") != "false"
        if name in inactive and required:
            wrong = f"the profiles leave out the service {diagnosis.quote(name)}"
            yield _diagnose(entry, at, wrong, "choose one of its profiles, or write `required: false`")
        elif name not in services and name not in inactive:
            wrong = f"there is no service {diagnosis.quote(name)}"
            yield _diagnose(entry, at, wrong, decode.suggest_name(name, services))
    mode = service.pairs.get("network_mode")
    if mode and nodes.get_pairs(service, "networks"):
        yield _diagnose(mode, f"{path}.network_mode", "has `networks` beside it", "keep one of the two")


def _check_repeated_settings(service: nodes.MappingNode, path: str) -> Iterator[diagnosis.Diagnostic]:
    deploy = nodes.get_pairs(service, "deploy")
    resources = deploy.get("resources")
    pairs = [("scale", deploy, "deploy.replicas")]
    if resources:
        limits, reserved = nodes.get_pairs(resources.node, "limits"), nodes.get_pairs(resources.node, "reservations")
        pairs += [("cpus", limits, "deploy.resources.limits.cpus")]
        pairs += [("mem_limit", limits, "deploy.resources.limits.memory")]
        pairs += [("mem_reservation", reserved, "deploy.resources.reservations.memory")]
        pairs += [("pids_limit", limits, "deploy.resources.limits.pids")]
    for key, where, other in pairs:
        said, there = tree.get_text(service, key), where.get(other.rpartition(".")[2])
        beside = there.node.text if there and isinstance(there.node, nodes.ScalarNode) else ""
        if said and where and (beside or key != "scale") and not _is_same_amount(key, said, beside or "0"):
            wrong, remedy = f"{said} is another value than {beside} of `{other}`", "keep one of the two"
            if not beside:
                wrong, remedy = f"has `{other.rpartition('.')[0]}` beside it", f"write `{other}: {said}` there"
            yield _diagnose(service.pairs[key], f"{path}.{key}", wrong, remedy)
    copies = [(service.pairs.get("scale"), "scale"), (deploy.get("replicas"), "deploy.replicas")]
    for entry, key in copies:
        if entry and isinstance(entry.node, nodes.ScalarNode) and entry.node.kind == "int":
            count = nodes.to_int(entry.node)
            if count < 0:
                yield _diagnose(entry, f"{path}.{key}", f"{count} is too few", "write 0 or more")
            if count > 1 and "container_name" in service.pairs:
                wrong = f"{count} containers cannot have one name"
                yield _diagnose(service.pairs["container_name"], f"{path}.container_name", wrong, "remove it")


def _is_same_amount(key: str, first: str, second: str) -> bool:
    try:
        return (
            scalars.parse_size(first) == scalars.parse_size(second)
            if key.startswith("mem")
            else float(first) == float(second)
        )
    except ValueError:
        return True  # said elsewhere


def _check_mounts(service: nodes.MappingNode, path: str) -> Iterator[diagnosis.Diagnostic]:
    seen: dict[str, str] = {}
    mounted: list[tuple[str, nodes.Node, str]] = [
        (f"{path}.tmpfs.{number}", item, item.text.partition(":")[0])
        for number, item in enumerate(get_sequence(service, "tmpfs"))
        if isinstance(item, nodes.ScalarNode)
    ]
    for number, item in enumerate(get_sequence(service, "volumes")):
        at, target = f"{path}.volumes.{number}", tree.get_text(item, "target")
        if target is None:
            yield _diagnose(item, at, "has no target", "add `target:`, a path in the container")
        else:
            mounted.append((at, item, target))
            if not target.startswith(("/", "\\\\")):
                wrong = f"{diagnosis.quote(target)} is no path from the root of the container"
                yield _diagnose(item, f"{at}.target", wrong, "write it as /data")
        if tree.get_text(item, "type") == "bind" and not tree.get_text(item, "source"):
            yield _diagnose(item, at, "has no source", "add `source:`, a path on the machine")
    for at, item, target in mounted:
        if target in seen:
            yield _diagnose(item, at, f"{target} is mounted twice: see {seen[target]}", "remove one")
        seen.setdefault(target, at)


def _check_other_keys(service: nodes.MappingNode, path: str) -> Iterator[diagnosis.Diagnostic]:
    test = get_sequence(service, "healthcheck.test")
    if test and isinstance(test[0], nodes.ScalarNode) and test[0].text not in ("CMD", "CMD-SHELL", "NONE"):
        wrong = f"{diagnosis.quote(test[0].text)} is not CMD, CMD-SHELL or NONE"
        yield _diagnose(test[0], f"{path}.healthcheck.test", wrong, 'begin with it: ["CMD", "curl", ...]')
    for number, item in enumerate(get_sequence(service, "ports")):
        at, host, target = f"{path}.ports.{number}", tree.get_text(item, "host_ip"), tree.get_text(item, "target")
        if host and not _is_address(host):
            yield _diagnose(item, f"{at}.host_ip", f"{diagnosis.quote(host)} is no address", "write it as 127.0.0.1")
        if target is None:
            yield _diagnose(item, at, "has no target", "add `target:`, the port in the container")
        elif target.isdigit() and not 1 <= int(target) <= 65535:
            yield _diagnose(item, f"{at}.target", f"{target} is no TCP port", "write one from 1 to 65535")
    for number, item in enumerate(get_sequence(service, "develop.watch")):
        if tree.get_text(item, "action") not in ("rebuild", "restart") and not tree.get_text(item, "target"):
            yield _diagnose(item, f"{path}.develop.watch.{number}", "has no target", "add `target:`, where to copy to")
    for number, item in enumerate(get_sequence(service, "devices")):
        if not tree.get_text(item, "target"):
            yield _diagnose(item, f"{path}.devices.{number}", "has no target", "add `target:`, a path in the container")
    for key in ("gpus", "deploy.resources.reservations.devices"):
        for number, item in enumerate(get_sequence(service, key)):
            if isinstance(item, nodes.MappingNode) and {"count", "device_ids"} <= item.pairs.keys():
                yield _diagnose(item, f"{path}.{key}.{number}", "has `count` and `device_ids`", "keep one of the two")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _check_container_names(services: Mapping[str, nodes.Pair]) -> Iterator[diagnosis.Diagnostic]:
    """No two containers have one name."""
    first: dict[str, str] = {}
    for name, entry in services.items():
        said = tree.get_text(entry.node, "container_name")
        if said and said in first and isinstance(entry.node, nodes.MappingNode):
            wrong = f"the container of {first[said]} is called {diagnosis.quote(said)} too"
            at = entry.node.pairs["container_name"]
            yield _diagnose(at, f"services.{name}.container_name", wrong, "remove one of the two")
        first.setdefault(said or "", name)


def _check_cycles(services: Mapping[str, nodes.Pair]) -> Iterator[diagnosis.Diagnostic]:
    """One problem a circle, without recursion."""
    after = {name: [*nodes.get_pairs(entry.node, "depends_on")] for name, entry in services.items()}
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
                entry = nodes.get_pairs(services[circle[-2]].node, "depends_on")[name]
                wrong = f"waits for itself: {' -> '.join(circle)}"
                yield _diagnose(entry, f"services.{circle[-2]}.depends_on.{name}", wrong, "take one of these out")
            elif name in after and name not in done:
                trail.append(name)
                ahead += [(name, True), *((other, False) for other in reversed(after[name]))]


def _check_sources(root: nodes.MappingNode) -> Iterator[diagnosis.Diagnostic]:
    for kind, keys in (("configs", ("file", "environment", "content")), ("secrets", ("file", "environment"))):
        for name, entry in nodes.get_pairs(root, kind).items():
            if not isinstance(entry.node, nodes.MappingNode):
                continue
            said = [key for key in keys if key in entry.node.pairs]
            external = tree.get_text(entry.node, "external") == "true"
            at = f"{kind}.{name}"
            if len(said) > 1:
                yield _diagnose(entry, at, f"has {' and '.join(said)}", "keep one of them")
            elif not said and not external and (kind == "secrets" or "driver" not in entry.node.pairs):
                yield _diagnose(entry, at, "has no content", f"add {', '.join(keys)} or `external: true`")
    for name, entry in nodes.get_pairs(root, "volumes").items():
        if isinstance(entry.node, nodes.MappingNode) and tree.get_text(entry.node, "external") == "true":
            for key, inner in entry.node.pairs.items():
                if key not in ("name", "external") and not key.startswith("x-"):
                    at = f"volumes.{name}.{key}"
                    yield _diagnose(inner, at, "the volume is external, and is not made here", "remove it")

"""Validates a whole compose document in long forms: references, and keys that exclude each other.

The rules are those of Docker Compose; https://docs.docker.com/reference/compose-file/. All errors are reported at once.
"""

from collections.abc import Collection, Mapping

from seaway.compose.loader import scalars, tree
from seaway.model import rollout_order
from seaway.syntax import decode, diagnosis, nodes

MAX_SERVICES = 500
"""Each may call each other, so the manifests grow with the square."""

_REFERENCED_LISTS = (("secrets", "secrets"), ("configs", "configs"), ("build.secrets", "secrets"))
_KEEP_ONE = "keep one of the two"

Services = Mapping[str, nodes.Pair]


def check(root: nodes.MappingNode, inactive: Collection[str]) -> None:
    """``inactive``: the services without an active profile. Raises diagnosis.InvalidInput."""
    errors = tree.Errors()
    services = nodes.get_pairs(root, "services")
    if len(services) > MAX_SERVICES:
        message = f"there are {len(services)} services, and the maximum is {MAX_SERVICES}"
        errors.add(root.pairs["services"], "services", "too-large", message, "split the application")
        errors.raise_if_any()
    for name, pair in services.items():
        if isinstance(pair.node, nodes.MappingNode):
            path = f"services.{name}"
            _check_image(pair.node, path, services, errors)
            _check_references(pair.node, path, root, errors)
            _check_dependencies(pair.node, path, services, inactive, errors)
            _check_repeated_settings(pair.node, path, errors)
            _check_replicas(pair.node, path, errors)
            _check_mounts(pair.node, path, errors)
            _check_ports(pair.node, path, errors)
            _check_other_keys(pair.node, path, errors)
    _check_container_names(services, errors)
    _check_cycles(services, errors)
    _check_sources(root, errors)
    errors.raise_if_any()


def _check_image(service: nodes.MappingNode, path: str, services: Services, errors: tree.Errors) -> None:
    if not service.pairs.keys() & {"build", "provider"} and not tree.get_text(service, "image"):
        errors.add(service, path, "missing-image", "has neither an image nor a build", "add `image:` or `build:`")
    build = tree.get_node(service, "build")
    if not isinstance(build, nodes.MappingNode):
        return
    if {"dockerfile", "dockerfile_inline"} <= build.pairs.keys():
        inline = build.pairs["dockerfile_inline"]
        errors.add(
            inline, f"{path}.build.dockerfile_inline", "conflicting-keys", "conflicts with `dockerfile`", _KEEP_ONE
        )
    built = [name for name, pair in services.items() if tree.get_node(pair.node, "build") is not None]
    for name, pair in nodes.get_pairs(build, "additional_contexts").items():
        text = pair.node.text if isinstance(pair.node, nodes.ScalarNode) else ""
        other = text.removeprefix("service:")
        if text.startswith("service:") and other not in built:
            message = f"there is no service {diagnosis.quote(other)} with a build"
            hint = decode.suggest_name(other, built)
            errors.add(pair, f"{path}.build.additional_contexts.{name}", "unknown-service", message, hint)
    platform = tree.get_text(service, "platform")
    platforms = [child.text for child in tree.list_scalars(build, "platforms")]
    if platform and platforms and platform not in platforms:
        message = f"{platform} is not a platform of the build: {', '.join(platforms)}"
        errors.add(
            service.pairs["platform"], f"{path}.platform", "invalid-value", message, "add it to `build.platforms`"
        )


def _check_references(service: nodes.MappingNode, path: str, root: nodes.MappingNode, errors: tree.Errors) -> None:
    """What a service uses must be defined at the top level."""

    def check_name(node: nodes.Node | nodes.Pair, at: str, name: str, kind: str) -> None:
        known = nodes.get_pairs(root, kind)
        if name not in known:
            message = f"there is no {diagnosis.quote(name)} in `{kind}:`"
            hint = f"add `{kind}: {{{name}: ...}}` at the top level"
            errors.add(node, at, "unknown-name", message, decode.suggest_name(name, known) if known else hint)

    for kind in ("networks", "models"):
        for name, pair in nodes.get_pairs(service, kind).items():
            check_name(pair, f"{path}.{kind}.{name}", name, kind)
    for key, kind in _REFERENCED_LISTS:
        for number, entry in enumerate(tree.get_sequence(service, key)):
            check_name(entry, f"{path}.{key}.{number}", tree.get_text(entry, "source") or "", kind)
    for number, entry in enumerate(tree.get_sequence(service, "volumes")):
        source = tree.get_text(entry, "source")
        if source and tree.get_text(entry, "type") == "volume":
            check_name(entry, f"{path}.volumes.{number}", source, "volumes")


def _check_dependencies(
    service: nodes.MappingNode, path: str, services: Services, inactive: Collection[str], errors: tree.Errors
) -> None:
    for name, pair in nodes.get_pairs(service, "depends_on").items():
        at = f"{path}.depends_on.{name}"
        if name in inactive and tree.get_text(pair.node, "required") != "false":
            message = f"no profile of the service {diagnosis.quote(name)} is active"
            hint = "activate one of its profiles, or write `required: false`"
            errors.add(pair, at, "inactive-service", message, hint)
        elif name not in services and name not in inactive:
            message = f"there is no service {diagnosis.quote(name)}"
            errors.add(pair, at, "unknown-service", message, decode.suggest_name(name, services))
    mode = service.pairs.get("network_mode")
    if mode and nodes.get_pairs(service, "networks"):
        errors.add(mode, f"{path}.network_mode", "conflicting-keys", "conflicts with `networks`", _KEEP_ONE)


def _check_repeated_settings(service: nodes.MappingNode, path: str, errors: tree.Errors) -> None:
    """Settings that have an older key too."""
    for key, other in (
        ("scale", "deploy.replicas"),
        ("cpus", "deploy.resources.limits.cpus"),
        ("mem_limit", "deploy.resources.limits.memory"),
        ("mem_reservation", "deploy.resources.reservations.memory"),
        ("pids_limit", "deploy.resources.limits.pids"),
    ):
        section, _, field = other.rpartition(".")
        text, node = tree.get_text(service, key), tree.get_node(service, section)
        if not text or not isinstance(node, nodes.MappingNode) or not node.pairs:
            continue
        other_text = tree.get_text(node, field) or ""
        if (other_text or key != "scale") and not _is_same_amount(key, text, other_text or "0"):
            message, hint = f"{text} conflicts with {other_text} of `{other}`", _KEEP_ONE
            if not other_text:
                message, hint = f"conflicts with `{section}`", f"write `{other}: {text}` there"
            errors.add(service.pairs[key], f"{path}.{key}", "conflicting-keys", message, hint)


def _is_same_amount(key: str, text: str, other: str) -> bool:
    try:
        if key.startswith("mem"):
            return scalars.parse_size(text) == scalars.parse_size(other)
        return float(text) == float(other)
    except ValueError:
        return True  # reported elsewhere


def _check_replicas(service: nodes.MappingNode, path: str, errors: tree.Errors) -> None:
    for key in ("scale", "deploy.replicas"):
        pair = tree.get_pair(service, key)
        if pair and isinstance(pair.node, nodes.ScalarNode) and pair.node.kind == "int":
            count = nodes.to_int(pair.node)
            if count < 0:
                errors.add(pair, f"{path}.{key}", "invalid-value", f"{count} is too small", "write 0 or more")
            if count > 1 and "container_name" in service.pairs:
                name, message = service.pairs["container_name"], f"{count} containers cannot have the same name"
                errors.add(name, f"{path}.container_name", "conflicting-keys", message, "remove it")


def _check_mounts(service: nodes.MappingNode, path: str, errors: tree.Errors) -> None:
    mounts: list[tuple[str, nodes.Node, str]] = [
        (f"{path}.tmpfs.{number}", node, node.text.partition(":")[0])
        for number, node in enumerate(tree.get_sequence(service, "tmpfs"))
        if isinstance(node, nodes.ScalarNode)
    ]
    for number, node in enumerate(tree.get_sequence(service, "volumes")):
        at, target = f"{path}.volumes.{number}", tree.get_text(node, "target")
        if target is None:
            errors.add(node, at, "missing-value", "has no target", "add `target:`, a path in the container")
        else:
            mounts.append((at, node, target))
            if not target.startswith(("/", "\\\\")):
                message = f"{diagnosis.quote(target)} is not an absolute path in the container"
                errors.add(node, f"{at}.target", "invalid-value", message, "write it as /data")
        if tree.get_text(node, "type") == "bind" and not tree.get_text(node, "source"):
            errors.add(node, at, "missing-value", "has no source", "add `source:`, a path on the machine")
    first: dict[str, str] = {}
    for at, node, target in mounts:
        if target in first:
            errors.add(node, at, "duplicate-name", f"{target} is mounted by {first[target]} too", "remove one")
        first.setdefault(target, at)


def _check_ports(service: nodes.MappingNode, path: str, errors: tree.Errors) -> None:
    for number, node in enumerate(tree.get_sequence(service, "ports")):
        at, host, target = f"{path}.ports.{number}", tree.get_text(node, "host_ip"), tree.get_text(node, "target")
        if host and scalars.parse_address(host) is None:
            message = f"{diagnosis.quote(host)} is not a valid address"
            errors.add(node, f"{at}.host_ip", "invalid-address", message, "write it as 127.0.0.1")
        if target is None:
            errors.add(node, at, "missing-value", "has no target", "add `target:`, the port in the container")
        elif target.isdigit() and not 1 <= int(target) <= 65535:
            message = f"{target} is not a valid port (1-65535)"
            errors.add(node, f"{at}.target", "invalid-port", message, "write the port of the container")


def _check_other_keys(service: nodes.MappingNode, path: str, errors: tree.Errors) -> None:
    test = tree.get_sequence(service, "healthcheck.test")
    if test and isinstance(test[0], nodes.ScalarNode) and test[0].text not in ("CMD", "CMD-SHELL", "NONE"):
        message = f"{diagnosis.quote(test[0].text)} is not CMD, CMD-SHELL or NONE"
        hint = 'begin with one of them: ["CMD", "curl", ...]'
        errors.add(test[0], f"{path}.healthcheck.test", "invalid-value", message, hint)
    for key in ("develop.watch", "devices"):
        for number, node in enumerate(tree.get_sequence(service, key)):
            needs_target = tree.get_text(node, "action") not in ("rebuild", "restart")
            if needs_target and not tree.get_text(node, "target"):
                hint = "add `target:`, a path in the container"
                errors.add(node, f"{path}.{key}.{number}", "missing-value", "has no target", hint)
    for key in ("gpus", "deploy.resources.reservations.devices"):
        for number, node in enumerate(tree.get_sequence(service, key)):
            if isinstance(node, nodes.MappingNode) and {"count", "device_ids"} <= node.pairs.keys():
                at = f"{path}.{key}.{number}"
                errors.add(node, at, "conflicting-keys", "has both `count` and `device_ids`", _KEEP_ONE)


def _check_container_names(services: Services, errors: tree.Errors) -> None:
    first: dict[str, str] = {}
    for service, pair in services.items():
        name, own = tree.get_text(pair.node, "container_name"), tree.get_pair(pair.node, "container_name")
        if name and own and name in first:
            message = f"the container of {first[name]} is called {diagnosis.quote(name)} too"
            errors.add(own, f"services.{service}.container_name", "duplicate-name", message, "remove one of the two")
        first.setdefault(name or "", service)


def _check_cycles(services: Services, errors: tree.Errors) -> None:
    dependencies = {name: list(nodes.get_pairs(pair.node, "depends_on")) for name, pair in services.items()}
    cycles = [*rollout_order.find_name_cycles(dependencies)]
    cycles += [(name, name) for name, others in dependencies.items() if name in others]
    for cycle in cycles:
        service, dependency = cycle[-2:]
        pair = nodes.get_pairs(services[service].node, "depends_on")[dependency]
        message = f"depends on itself: {' -> '.join(cycle)}"
        at = f"services.{service}.depends_on.{dependency}"
        errors.add(pair, at, "dependency-cycle", message, "remove one of these dependencies")


def _check_sources(root: nodes.MappingNode, errors: tree.Errors) -> None:
    """Configs and secrets have one source, and external volumes have no settings."""
    for kind, keys in (("configs", ("file", "environment", "content")), ("secrets", ("file", "environment"))):
        for name, pair in nodes.get_pairs(root, kind).items():
            if not isinstance(pair.node, nodes.MappingNode):
                continue
            sources = [key for key in keys if key in pair.node.pairs]
            is_external = tree.get_text(pair.node, "external") == "true"
            if len(sources) > 1:
                message = f"has both {' and '.join(sources)}"
                errors.add(pair, f"{kind}.{name}", "conflicting-keys", message, "keep one of them")
            elif not sources and not is_external and (kind == "secrets" or "driver" not in pair.node.pairs):
                hint = f"add {', '.join(keys)} or `external: true`"
                errors.add(pair, f"{kind}.{name}", "missing-value", "has no content", hint)
    for name, pair in nodes.get_pairs(root, "volumes").items():
        if isinstance(pair.node, nodes.MappingNode) and tree.get_text(pair.node, "external") == "true":
            for key, child in pair.node.pairs.items():
                if key not in ("name", "external") and not key.startswith("x-"):
                    message = "the volume is external, so this setting has no effect"
                    errors.add(child, f"volumes.{name}.{key}", "conflicting-keys", message, "remove it")

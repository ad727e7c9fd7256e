"""What a Compose file means and does not say: defaults, and what follows from other keys.

https://docs.docker.com/reference/compose-file/services/: the same as `docker compose config` adds, but for the names
that Docker gives to networks and volumes.
"""

import posixpath

from seaway.compose.loader import tree
from seaway.syntax import diagnosis, nodes


def apply(root: nodes.MappingNode) -> nodes.MappingNode:
    """The merged document with every default."""
    node = tree.apply(root, _RULES, [])
    table = node if isinstance(node, nodes.MappingNode) else root
    services = nodes.get_pairs(table, "services")
    used = any("default" in nodes.get_pairs(entry.node, "networks") for entry in services.values())
    if used and "default" not in nodes.get_pairs(table, "networks"):
        place = table.pairs["services"].location
        networks = table.pairs.get("networks")
        after = {
            **nodes.get_pairs(table, "networks"),
            "default": nodes.Pair(place, nodes.ScalarNode(place, "null", "null")),
        }
        table = tree.replace_keys(
            table, {"networks": nodes.MappingNode(networks.node.location if networks else place, after)}
        )
    return tree.replace_keys(table, {"version": None})


def _set_defaults(node: nodes.Node, additions: dict[str, str | nodes.Node | None]) -> nodes.Node:
    """The mapping with what it does not say."""
    if not isinstance(node, nodes.MappingNode):
        return node
    missing = tree.make_mapping(
        node.location, {name: value for name, value in additions.items() if name not in node.pairs}
    )
    return nodes.MappingNode(node.location, {**node.pairs, **missing.pairs}) if missing.pairs else node


def _boolean(location: diagnosis.SourceLocation, *, value: bool) -> nodes.Node:
    return nodes.ScalarNode(location, str(value).lower(), "bool")


def _default_build(node: nodes.Node, path: str, found: list[diagnosis.Diagnostic]) -> nodes.Node:
    inline = isinstance(node, nodes.MappingNode) and "dockerfile_inline" in node.pairs
    return _set_defaults(node, {"context": ".", "dockerfile": None if inline else "Dockerfile"})


def _default_secret(node: nodes.Node, path: str, found: list[diagnosis.Diagnostic]) -> nodes.Node:
    return _set_defaults(node, {"target": f"/run/secrets/{tree.get_text(node, 'source') or ''}"})


def _default_port(node: nodes.Node, path: str, found: list[diagnosis.Diagnostic]) -> nodes.Node:
    return _set_defaults(node, {"mode": "ingress", "protocol": "tcp"})


def _default_required(node: nodes.Node, path: str, found: list[diagnosis.Diagnostic]) -> nodes.Node:
    return _set_defaults(node, {"required": _boolean(node.location, value=True)})


def _sort_hosts(node: nodes.Node, path: str, found: list[diagnosis.Diagnostic]) -> nodes.Node:
    """Hosts: a mapping of them has no order, and a list of them means the same."""
    if not isinstance(node, nodes.SequenceNode):
        return node
    return nodes.SequenceNode(node.location, tuple(sorted(node.items, key=lambda one: getattr(one, "text", ""))))


def _default_devices(node: nodes.Node, path: str, found: list[diagnosis.Diagnostic]) -> nodes.Node:
    chosen = isinstance(node, nodes.MappingNode) and "device_ids" in node.pairs
    return node if chosen else _set_defaults(node, {"count": "all"})


def _normalize_target(node: nodes.Node, path: str, found: list[diagnosis.Diagnostic]) -> nodes.Node:
    target = tree.get_text(node, "target")
    entry = node.pairs.get("target") if isinstance(node, nodes.MappingNode) else None
    if not isinstance(node, nodes.MappingNode) or not entry or not target or not target.startswith("/"):
        return node
    plain = posixpath.normpath(target)
    return (
        node if plain == target else tree.replace_keys(node, {"target": nodes.ScalarNode(entry.node.location, plain)})
    )


def _default_service(node: nodes.Node, path: str, found: list[diagnosis.Diagnostic]) -> nodes.Node:
    if not isinstance(node, nodes.MappingNode):
        return node
    changes: dict[str, nodes.Node | None] = {}
    policy = node.pairs.get("pull_policy")
    if policy and tree.get_text(node, "pull_policy") == "if_not_present":
        changes["pull_policy"] = nodes.ScalarNode(policy.node.location, "missing")
    if "provider" not in node.pairs and "network_mode" not in node.pairs and not nodes.get_pairs(node, "networks"):
        changes["networks"] = tree.make_mapping(
            node.location, {"default": nodes.ScalarNode(node.location, "null", "null")}
        )
    before = nodes.get_pairs(node, "depends_on")
    more = {name: entry for name, entry in _find_implied_dependencies(node).items() if name not in before}
    if more:
        place = node.pairs["depends_on"].node.location if "depends_on" in node.pairs else node.location
        changes["depends_on"] = nodes.MappingNode(place, {**before, **more})
    return tree.replace_keys(node, changes) if changes else node


def _find_implied_dependencies(node: nodes.MappingNode) -> dict[str, nodes.Pair]:
    """The services that must be there first, since it uses them in another way."""
    named: dict[str, tuple[diagnosis.SourceLocation, bool]] = {}
    for item in _list_scalars(node, "links"):
        named.setdefault(item.text.partition(":")[0], (item.location, True))
    for key in ("network_mode", "ipc", "pid", "uts", "cgroup"):
        other = tree.get_text(node, key) or ""
        if other.startswith("service:"):
            named.setdefault(other.removeprefix("service:"), (node.pairs[key].node.location, True))
    for item in _list_scalars(node, "volumes_from"):
        if not item.text.startswith("container:"):
            named.setdefault(item.text.partition(":")[0], (item.location, False))
    return {
        name: nodes.Pair(
            place,
            tree.make_mapping(
                place,
                {
                    "condition": "service_started",
                    "restart": _boolean(place, value=True) if restart else None,
                    "required": _boolean(place, value=True),
                },
            ),
        )
        for name, (place, restart) in named.items()
    }


def _list_scalars(node: nodes.MappingNode, key: str) -> list[nodes.ScalarNode]:
    entry = node.pairs.get(key)
    listed = entry.node.items if entry and isinstance(entry.node, nodes.SequenceNode) else ()
    return [item for item in listed if isinstance(item, nodes.ScalarNode)]


_RULES: tree.Tree[tree.Rule] = tree.build(
    {
        "services.*": _default_service,
        "services.*.build": _default_build,
        "services.*.build.extra_hosts": _sort_hosts,
        "services.*.extra_hosts": _sort_hosts,
        "services.*.secrets.*": _default_secret,
        "services.*.ports.*": _default_port,
        "services.*.depends_on.*": _default_required,
        "services.*.env_file.*": _default_required,
        "services.*.volumes.*": _normalize_target,
        "services.*.gpus.*": _default_devices,
        "services.*.deploy.resources.reservations.devices.*": _default_devices,
    }
)

"""Sets the defaults of a merged document, and what follows from other keys, like `docker compose config`.

https://docs.docker.com/reference/compose-file/services/. Docker's names of networks and volumes are not set.
"""

import posixpath
from collections.abc import Mapping

from seaway.compose.loader import tree
from seaway.syntax import diagnosis, nodes


def apply(root: nodes.MappingNode) -> nodes.MappingNode:
    root = tree.apply_to_mapping(root, _RULES)
    services, networks = nodes.get_pairs(root, "services"), nodes.get_pairs(root, "networks")
    is_used = any("default" in nodes.get_pairs(pair.node, "networks") for pair in services.values())
    if is_used and "default" not in networks:
        location = root.pairs["services"].location
        pairs = {**networks, "default": nodes.Pair(location, tree.make_null(location))}
        location = root.pairs["networks"].node.location if "networks" in root.pairs else location
        root = tree.replace_keys(root, {"networks": nodes.MappingNode(location, pairs)})
    return tree.replace_keys(root, {"version": None})


def _set_defaults(node: nodes.Node, fields: Mapping[str, str | nodes.Node | None]) -> nodes.Node:
    """Set missing keys."""
    if not isinstance(node, nodes.MappingNode):
        return node
    missing = {name: field for name, field in fields.items() if name not in node.pairs}
    defaults = tree.make_mapping(node.location, missing).pairs
    return nodes.MappingNode(node.location, {**node.pairs, **defaults}) if defaults else node


def _default_build(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    is_inline = tree.get_node(node, "dockerfile_inline") is not None
    return _set_defaults(node, {"context": ".", "dockerfile": None if is_inline else "Dockerfile"})


def _default_secret(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    return _set_defaults(node, {"target": f"/run/secrets/{tree.get_text(node, 'source') or ''}"})


def _default_port(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    return _set_defaults(node, {"mode": "ingress", "protocol": "tcp"})


def _default_required(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    return _set_defaults(node, {"required": tree.make_true(node.location)})


def _default_devices(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    return node if tree.get_node(node, "device_ids") is not None else _set_defaults(node, {"count": "all"})


def _sort_hosts(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    """A mapping of hosts has no order, so a list has none either."""
    if not isinstance(node, nodes.SequenceNode):
        return node
    return nodes.SequenceNode(node.location, tuple(sorted(node.items, key=lambda child: getattr(child, "text", ""))))


def _normalize_target(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    target = tree.get_node(node, "target")
    if not isinstance(node, nodes.MappingNode) or not isinstance(target, nodes.ScalarNode):
        return node
    normal = posixpath.normpath(target.text) if target.text.startswith("/") else target.text
    if normal == target.text:
        return node
    return tree.replace_keys(node, {"target": nodes.ScalarNode(target.location, normal)})


def _default_service(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    if not isinstance(node, nodes.MappingNode):
        return node
    changes: dict[str, nodes.Node | None] = {}
    if tree.get_text(node, "pull_policy") == "if_not_present":
        changes["pull_policy"] = nodes.ScalarNode(node.pairs["pull_policy"].node.location, "missing")
    if not node.pairs.keys() & {"provider", "network_mode"} and not nodes.get_pairs(node, "networks"):
        changes["networks"] = tree.make_mapping(node.location, {"default": tree.make_null(node.location)})
    dependencies = nodes.get_pairs(node, "depends_on")
    implied = _find_implied_dependencies(node)
    if implied.keys() - dependencies.keys():
        location = node.pairs["depends_on"].node.location if "depends_on" in node.pairs else node.location
        changes["depends_on"] = nodes.MappingNode(
            location, {**dependencies, **{name: pair for name, pair in implied.items() if name not in dependencies}}
        )
    return tree.replace_keys(node, changes) if changes else node


def _find_implied_dependencies(node: nodes.MappingNode) -> dict[str, nodes.Pair]:
    """The services that links, namespaces and volumes_from use."""
    implied: dict[str, tuple[diagnosis.SourceLocation, bool]] = {}
    for link in tree.list_scalars(node, "links"):
        implied.setdefault(link.text.partition(":")[0], (link.location, True))
    for key in ("network_mode", "ipc", "pid", "uts", "cgroup"):
        text = tree.get_text(node, key) or ""
        if text.startswith("service:"):
            implied.setdefault(text.removeprefix("service:"), (node.pairs[key].node.location, True))
    for source in tree.list_scalars(node, "volumes_from"):
        if not source.text.startswith("container:"):
            implied.setdefault(source.text.partition(":")[0], (source.location, False))
    pairs: dict[str, nodes.Pair] = {}
    for name, (location, restart) in implied.items():
        yes = tree.make_true(location)
        fields = {"condition": "service_started", "restart": yes if restart else None, "required": yes}
        pairs[name] = nodes.Pair(location, tree.make_mapping(location, fields))
    return pairs


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

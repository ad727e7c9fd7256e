"""Sets the defaults of a merged document, and what follows from other keys, like `docker compose config`.

https://docs.docker.com/reference/compose-file/services/. Docker's names of networks and volumes are not set.
"""

import posixpath
from collections.abc import Callable, Mapping

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


def _set_missing(get_fields: Callable[[nodes.Node], Mapping[str, str | nodes.Node | None]]) -> tree.Rule:
    def rule(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
        pairs = tree.as_mapping(node).pairs
        missing = {name: field for name, field in get_fields(node).items() if name not in pairs}
        defaults = tree.make_mapping(node.location, missing).pairs
        return nodes.MappingNode(node.location, {**pairs, **defaults}) if defaults else node

    return rule


def _sort_hosts(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    """A mapping of hosts has no order, so a list has none either."""
    if not isinstance(node, nodes.SequenceNode):
        return node
    return nodes.SequenceNode(node.location, tuple(sorted(node.items, key=lambda child: getattr(child, "text", ""))))


def _normalize_target(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    if not tree.is_scalar(node) or not node.text.startswith("/"):
        return node
    return nodes.ScalarNode(node.location, posixpath.normpath(node.text))


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
    pairs: dict[str, nodes.Pair] = {}

    def add(name: str, location: diagnosis.SourceLocation, *, restart: bool) -> None:
        yes = tree.make_true(location)
        fields = {"condition": "service_started", "restart": yes if restart else None, "required": yes}
        pairs.setdefault(name, nodes.Pair(location, tree.make_mapping(location, fields)))

    for link in tree.list_scalars(node, "links"):
        add(link.text.partition(":")[0], link.location, restart=True)
    for key in ("network_mode", "ipc", "pid", "uts", "cgroup"):
        text = tree.get_text(node, key) or ""
        if text.startswith("service:"):
            add(text.removeprefix("service:"), node.pairs[key].node.location, restart=True)
    for source in tree.list_scalars(node, "volumes_from"):
        if not source.text.startswith("container:"):
            add(source.text.partition(":")[0], source.location, restart=False)
    return pairs


_default_devices = _set_missing(lambda device: {} if tree.get_node(device, "device_ids") else {"count": "all"})
_default_required = _set_missing(lambda node: {"required": tree.make_true(node.location)})

_RULES: tree.Tree[tree.Rule] = tree.build(
    {
        "services.*": _default_service,
        "services.*.build": _set_missing(
            lambda build: {
                "context": ".",
                "dockerfile": None if tree.get_node(build, "dockerfile_inline") else "Dockerfile",
            }
        ),
        "services.*.build.extra_hosts": _sort_hosts,
        "services.*.extra_hosts": _sort_hosts,
        "services.*.secrets.*": _set_missing(
            lambda secret: {"target": f"/run/secrets/{tree.get_text(secret, 'source') or ''}"}
        ),
        "services.*.ports.*": _set_missing(lambda _: {"mode": "ingress", "protocol": "tcp"}),
        "services.*.depends_on.*": _default_required,
        "services.*.env_file.*": _default_required,
        "services.*.volumes.*.target": _normalize_target,
        "services.*.gpus.*": _default_devices,
        "services.*.deploy.resources.reservations.devices.*": _default_devices,
    }
)

"""Merges a compose file with a later one that overrides it, both in long forms.

https://docs.docker.com/reference/compose-file/merge/: mappings merge by key, lists are appended, and an entry replaces
an earlier one with the same port, target or name. Null overrides nothing.
"""

from collections.abc import Callable

from seaway.compose.loader import tree
from seaway.syntax import nodes

MergeRule = Callable[[nodes.Node, nodes.Node], nodes.Node]


def merge(
    base: nodes.Node,
    override: nodes.Node,
    errors: tree.Errors,
    rules: tree.Tree[MergeRule] | None = None,
    path: str = "",
) -> nodes.Node:
    """Merge two nodes; each part keeps its location. ``rules``: those at the path."""
    if rules and rules.rule:
        return rules.rule(base, override)
    if tree.is_null(override):
        return base
    match base, override:
        case nodes.MappingNode(), nodes.MappingNode():
            pairs = dict(base.pairs)
            for name, pair in override.pairs.items():
                earlier = pairs.get(name)
                if earlier is None:
                    pairs[name] = pair
                else:
                    child_rules = rules.get_child(name) if rules else None
                    child = merge(earlier.node, pair.node, errors, child_rules, tree.join(path, name))
                    pairs[name] = nodes.Pair(earlier.location if child is earlier.node else pair.location, child)
            return nodes.MappingNode(base.location, pairs)
        case nodes.SequenceNode(), nodes.SequenceNode():
            return nodes.SequenceNode(base.location, base.items + override.items)
        case ((nodes.MappingNode() | nodes.SequenceNode()), _):
            types = f"{nodes.describe_node(override)} overrides {nodes.describe_node(base)}"
            errors.add(override, path, "conflicting-keys", f"{types} of {base.location}", "write both in the same form")
            return base
        case _:
            return override


def _replace(base: nodes.Node, override: nodes.Node) -> nodes.Node:
    return override


def _merge_mappings(base: nodes.Node, override: nodes.Node) -> nodes.Node:
    """Variables and labels, where a null overrides too."""
    return nodes.MappingNode(base.location, {**tree.as_mapping(base).pairs, **tree.as_mapping(override).pairs})


def _merge_logging(base: nodes.Node, override: nodes.Node) -> nodes.Node:
    """Options of one driver do not apply to another."""
    old, new = tree.get_text(base, "driver"), tree.get_text(override, "driver")
    return override if None not in (old, new) and old != new else merge(base, override, tree.Errors())


def _merge_hosts(base: nodes.Node, override: nodes.Node) -> nodes.Node:
    hosts = tree.list_items(base)
    texts = {_get_text(host) for host in hosts}
    added = [host for host in tree.list_items(override) if _get_text(host) not in texts]
    return nodes.SequenceNode(base.location, (*hosts, *added))


def _merge_subnets(base: nodes.Node, override: nodes.Node) -> nodes.Node:
    merged = list(tree.list_items(base))
    for subnet in tree.list_items(override):
        address = tree.get_text(subnet, "subnet")
        index = next((n for n, other in enumerate(merged) if tree.get_text(other, "subnet") == address), None)
        if index is None:
            merged.append(subnet)
        else:
            merged[index] = merge(merged[index], subnet, tree.Errors())
    return nodes.SequenceNode(base.location, tuple(merged))


RULES: tree.Tree[MergeRule] = tree.build(
    {
        **tree.for_keys(_merge_mappings, "environment labels annotations sysctls deploy.labels"),
        **tree.for_keys(_merge_mappings, "build.args build.labels build.additional_contexts build.ssh"),
        **dict.fromkeys(
            (f"{kind}.*.labels" for kind in ("networks", "volumes", "configs", "secrets")), _merge_mappings
        ),
        **tree.for_keys(_replace, "command entrypoint healthcheck.test ulimits.*"),
        **tree.for_keys(_merge_logging, "logging"),
        **tree.for_keys(_merge_hosts, "extra_hosts build.extra_hosts"),
        "networks.*.ipam.config": _merge_subnets,
    }
)


SERVICE_RULES = RULES.children["services"].children["*"]


def _unique_by(get_key: Callable[[nodes.Node], str | None]) -> tree.Rule:
    def rule(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
        if not isinstance(node, nodes.SequenceNode):
            return node
        # An entry without a key is unique: it is invalid, and reported later.
        unique = {get_key(child) or f" {number}": child for number, child in enumerate(node.items)}
        return node if len(unique) == len(node.items) else nodes.SequenceNode(node.location, tuple(unique.values()))

    return rule


def _get_name(node: nodes.Node) -> str | None:
    return node.text.partition("=")[0] if isinstance(node, nodes.ScalarNode) else None


def _get_text(node: nodes.Node) -> str | None:
    return node.text if isinstance(node, nodes.ScalarNode) else None


def _get_port(node: nodes.Node) -> str | None:
    target = tree.get_text(node, "target")
    if target is None:
        return None
    host, protocol = tree.get_text(node, "host_ip") or "0.0.0.0", tree.get_text(node, "protocol") or "tcp"  # noqa: S104
    return f"{host}:{tree.get_text(node, 'published') or ''}:{target}/{protocol}"


def _by_target(folder: str) -> Callable[[nodes.Node], str | None]:
    def get_target(node: nodes.Node) -> str | None:
        source = tree.get_text(node, "source")
        return tree.get_text(node, "target") or (f"{folder}/{source}" if source else None)

    return get_target


UNIQUE_RULES: tree.Tree[tree.Rule] = tree.build(
    {
        **tree.for_keys(
            _unique_by(_get_name), "build.platforms build.tags cap_add cap_drop dns dns_opt dns_search links"
        ),
        **tree.for_keys(_unique_by(_get_name), "networks.*.aliases networks.*.link_local_ips profiles tmpfs"),
        **tree.for_keys(_unique_by(_get_text), "device_cgroup_rules expose external_links group_add security_opt"),
        **tree.for_keys(_unique_by(_get_text), "volumes_from"),
        **tree.for_keys(_unique_by(_by_target("")), "configs"),
        **tree.for_keys(_unique_by(_by_target("/run/secrets")), "secrets"),
        **tree.for_keys(_unique_by(lambda node: tree.get_text(node, "target")), "devices volumes"),
        **tree.for_keys(_unique_by(lambda node: tree.get_text(node, "path")), "env_file"),
        **tree.for_keys(_unique_by(_get_port), "ports"),
    }
)
"""An entry of a list replaces an earlier one that has the same key."""

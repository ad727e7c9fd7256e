"""A Compose file laid over another, both in long forms.

https://docs.docker.com/reference/compose-file/merge/: mappings merge by name, lists append, an item takes the place
of the one before it with the same port, target or name; null says nothing.
"""

from collections.abc import Callable

from seaway.compose.loader import tree
from seaway.syntax import diagnosis, nodes

MergeRule = Callable[[nodes.Node, nodes.Node], nodes.Node]


def merge(
    base: nodes.Node,
    override: nodes.Node,
    found: list[diagnosis.Diagnostic],
    rules: tree.Tree[MergeRule] | None = None,
    path: str = "",
) -> nodes.Node:
    """``over`` laid over ``base``; each value keeps its place. ``rules``: those that hold at the path."""
    if rules and rules.rule:
        return rules.rule(base, override)
    if _is_null(override):
        return base
    match base, override:
        case nodes.MappingNode(), nodes.MappingNode():
            entries = dict(base.pairs)
            for name, entry in override.pairs.items():
                before = entries.get(name)
                if before is None:
                    entries[name] = entry
                else:
                    below = rules.get_child(name) if rules else None
                    inner = merge(before.node, entry.node, found, below, tree.join(path, name))
                    entries[name] = nodes.Pair(before.location if inner is before.node else entry.location, inner)
            return nodes.MappingNode(base.location, entries)
        case nodes.SequenceNode(), nodes.SequenceNode():
            return nodes.SequenceNode(base.location, base.items + override.items)
        case ((nodes.MappingNode() | nodes.SequenceNode()), _):
            wrong = (
                f"{nodes.describe_node(override)} is laid over {nodes.describe_node(base)}, written in {base.location}"
            )
            found.append(diagnosis.Diagnostic(override.location, path, wrong, "write both in one form"))
            return base
        case _:
            return override


def _is_null(node: nodes.Node) -> bool:
    return isinstance(node, nodes.ScalarNode) and node.kind == "null"


def _take_override(base: nodes.Node, override: nodes.Node) -> nodes.Node:
    return override


def _merge_mappings(base: nodes.Node, override: nodes.Node) -> nodes.Node:
    """Variables, labels: null is a value of its own."""
    if not isinstance(base, nodes.MappingNode) or not isinstance(override, nodes.MappingNode):
        return base if _is_null(override) else override
    return nodes.MappingNode(base.location, {**base.pairs, **override.pairs})


def _merge_logging(base: nodes.Node, override: nodes.Node) -> nodes.Node:
    """Options of one driver are none of another."""
    if _is_null(override):
        return base
    before, after = tree.get_text(base, "driver"), tree.get_text(override, "driver")
    return override if before is not None and after is not None and before != after else merge(base, override, [])


def _merge_hosts(base: nodes.Node, override: nodes.Node) -> nodes.Node:
    if not isinstance(base, nodes.SequenceNode) or not isinstance(override, nodes.SequenceNode):
        return base if _is_null(override) else override
    said = {item.text for item in base.items if isinstance(item, nodes.ScalarNode)}
    more = [item for item in override.items if not isinstance(item, nodes.ScalarNode) or item.text not in said]
    return nodes.SequenceNode(base.location, (*base.items, *more))


def _merge_subnets(base: nodes.Node, override: nodes.Node) -> nodes.Node:
    if not isinstance(base, nodes.SequenceNode) or not isinstance(override, nodes.SequenceNode):
        return base if _is_null(override) else override
    done = list(base.items)
    for item in override.items:
        same = [n for n, one in enumerate(done) if tree.get_text(one, "subnet") == tree.get_text(item, "subnet")]
        if same:
            done[same[0]] = merge(done[same[0]], item, [])
        else:
            done.append(item)
    return nodes.SequenceNode(base.location, tuple(done))


_BUILD = "services.*.build."

RULES: tree.Tree[MergeRule] = tree.build(
    {
        **dict.fromkeys(
            [
                *(f"services.*.{name}" for name in ("environment", "labels", "annotations", "sysctls")),
                "services.*.deploy.labels",
                *(f"{_BUILD}{name}" for name in ("args", "labels", "additional_contexts", "ssh")),
                *(f"{kind}.*.labels" for kind in ("networks", "volumes", "configs", "secrets")),
            ],
            _merge_mappings,
        ),
        **dict.fromkeys(
            (f"services.*.{name}" for name in ("command", "entrypoint", "healthcheck.test", "ulimits.*")),
            _take_override,
        ),
        "services.*.logging": _merge_logging,
        "services.*.extra_hosts": _merge_hosts,
        f"{_BUILD}extra_hosts": _merge_hosts,
        "networks.*.ipam.config": _merge_subnets,
    }
)


def remove_duplicates(root: nodes.Node, found: list[diagnosis.Diagnostic]) -> nodes.Node:
    """Of the items of a list that mean the same thing the last one, at the place of the first."""
    return tree.apply(root, _DUPLICATE_RULES, found)


def _deduplicate_by(key: Callable[[nodes.Node], str | None]) -> tree.Rule:
    def rule(node: nodes.Node, path: str, found: list[diagnosis.Diagnostic]) -> nodes.Node:
        if not isinstance(node, nodes.SequenceNode):
            return node
        kept: dict[str, nodes.Node] = {}
        for number, item in enumerate(node.items):
            said = key(item)
            # What has no key is the only one of its kind: it is wrong, or says so elsewhere.
            kept[f" {number}" if said is None else said] = item
        return node if len(kept) == len(node.items) else nodes.SequenceNode(node.location, tuple(kept.values()))

    return rule


def _get_name(node: nodes.Node) -> str | None:
    return node.text.partition("=")[0] if isinstance(node, nodes.ScalarNode) else None


def _get_text(node: nodes.Node) -> str | None:
    return node.text if isinstance(node, nodes.ScalarNode) else None


def _get_port_key(node: nodes.Node) -> str | None:
    target = tree.get_text(node, "target")
    if target is None:
        return None
    host, protocol = tree.get_text(node, "host_ip") or "0.0.0.0", tree.get_text(node, "protocol") or "tcp"  # noqa: S104
    return f"{host}:{tree.get_text(node, 'published') or ''}:{target}/{protocol}"


def _by_key(name: str) -> Callable[[nodes.Node], str | None]:
    return lambda node: tree.get_text(node, name)


def _by_target(folder: str) -> Callable[[nodes.Node], str | None]:
    def key(node: nodes.Node) -> str | None:
        source = tree.get_text(node, "source")
        return tree.get_text(node, "target") or (f"{folder}/{source}" if source else None)

    return key


_DUPLICATE_RULES: tree.Tree[tree.Rule] = tree.build(
    {
        **{
            f"services.*.{name}": _deduplicate_by(_get_name)
            for name in (
                *("build.platforms", "build.tags", "cap_add", "cap_drop", "dns", "dns_opt", "dns_search", "links"),
                *("networks.*.aliases", "networks.*.link_local_ips", "profiles", "tmpfs"),
            )
        },
        **{
            f"services.*.{name}": _deduplicate_by(_get_text)
            for name in (
                *("device_cgroup_rules", "expose", "external_links", "group_add", "security_opt", "volumes_from"),
            )
        },
        "services.*.configs": _deduplicate_by(_by_target("")),
        "services.*.secrets": _deduplicate_by(_by_target("/run/secrets")),
        "services.*.devices": _deduplicate_by(_by_key("target")),
        "services.*.env_file": _deduplicate_by(_by_key("path")),
        "services.*.ports": _deduplicate_by(_get_port_key),
        "services.*.volumes": _deduplicate_by(_by_key("target")),
    }
)

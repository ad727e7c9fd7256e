"""A Compose file laid over another, both in long forms.

https://docs.docker.com/reference/compose-file/merge/: mappings merge by name, lists append, an item takes the place
of the one before it with the same port, target or name; null says nothing.
"""

from collections.abc import Callable

from seaway.compose.loader import tree
from seaway.syntax import diagnosis, nodes

Merge = Callable[[nodes.Node, nodes.Node], nodes.Node]


def merged(
    base: nodes.Node,
    over: nodes.Node,
    found: list[diagnosis.Problem],
    rules: tree.Tree[Merge] | None = None,
    path: str = "",
) -> nodes.Node:
    """``over`` laid over ``base``; each value keeps its place. ``rules``: those that hold at the path."""
    if rules and rules.rule:
        return rules.rule(base, over)
    if _null(over):
        return base
    match base, over:
        case nodes.Table(), nodes.Table():
            entries = dict(base.entries)
            for name, entry in over.entries.items():
                before = entries.get(name)
                if before is None:
                    entries[name] = entry
                else:
                    below = rules.at(name) if rules else None
                    inner = merged(before.node, entry.node, found, below, tree.join(path, name))
                    entries[name] = nodes.Entry(before.place if inner is before.node else entry.place, inner)
            return nodes.Table(base.place, entries)
        case nodes.Items(), nodes.Items():
            return nodes.Items(base.place, base.items + over.items)
        case ((nodes.Table() | nodes.Items()), _):
            wrong = f"{nodes.shown(over)} is laid over {nodes.shown(base)}, written in {base.place}"
            found.append(diagnosis.Problem(over.place, path, wrong, "write both in one form"))
            return base
        case _:
            return over


def _null(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Scalar) and node.kind == "null"


def _over(base: nodes.Node, over: nodes.Node) -> nodes.Node:
    return over


def _names(base: nodes.Node, over: nodes.Node) -> nodes.Node:
    """Variables, labels: null is a value of its own."""
    if not isinstance(base, nodes.Table) or not isinstance(over, nodes.Table):
        return base if _null(over) else over
    return nodes.Table(base.place, {**base.entries, **over.entries})


def _logging(base: nodes.Node, over: nodes.Node) -> nodes.Node:
    """Options of one driver are none of another."""
    if _null(over):
        return base
    before, after = tree.text(base, "driver"), tree.text(over, "driver")
    return over if before is not None and after is not None and before != after else merged(base, over, [])


def _hosts(base: nodes.Node, over: nodes.Node) -> nodes.Node:
    if not isinstance(base, nodes.Items) or not isinstance(over, nodes.Items):
        return base if _null(over) else over
    said = {item.text for item in base.items if isinstance(item, nodes.Scalar)}
    more = [item for item in over.items if not isinstance(item, nodes.Scalar) or item.text not in said]
    return nodes.Items(base.place, (*base.items, *more))


def _subnets(base: nodes.Node, over: nodes.Node) -> nodes.Node:
    if not isinstance(base, nodes.Items) or not isinstance(over, nodes.Items):
        return base if _null(over) else over
    done = list(base.items)
    for item in over.items:
        same = [n for n, one in enumerate(done) if tree.text(one, "subnet") == tree.text(item, "subnet")]
        if same:
            done[same[0]] = merged(done[same[0]], item, [])
        else:
            done.append(item)
    return nodes.Items(base.place, tuple(done))


_BUILD = "services.*.build."

RULES: tree.Tree[Merge] = tree.tree(
    {
        **dict.fromkeys(
            [
                *(f"services.*.{name}" for name in ("environment", "labels", "annotations", "sysctls")),
                "services.*.deploy.labels",
                *(f"{_BUILD}{name}" for name in ("args", "labels", "additional_contexts", "ssh")),
                *(f"{kind}.*.labels" for kind in ("networks", "volumes", "configs", "secrets")),
            ],
            _names,
        ),
        **dict.fromkeys(
            (f"services.*.{name}" for name in ("command", "entrypoint", "healthcheck.test", "ulimits.*")), _over
        ),
        "services.*.logging": _logging,
        "services.*.extra_hosts": _hosts,
        f"{_BUILD}extra_hosts": _hosts,
        "networks.*.ipam.config": _subnets,
    }
)


def unique(root: nodes.Node, found: list[diagnosis.Problem]) -> nodes.Node:
    """Of the items of a list that mean the same thing the last one, at the place of the first."""
    return tree.changed(root, _UNIQUE, found)


def _once(key: Callable[[nodes.Node], str | None]) -> tree.Rule:
    def rule(node: nodes.Node, path: str, found: list[diagnosis.Problem]) -> nodes.Node:
        if not isinstance(node, nodes.Items):
            return node
        kept: dict[str, nodes.Node] = {}
        for number, item in enumerate(node.items):
            said = key(item)
            # What has no key is the only one of its kind: it is wrong, or says so elsewhere.
            kept[f" {number}" if said is None else said] = item
        return node if len(kept) == len(node.items) else nodes.Items(node.place, tuple(kept.values()))

    return rule


def _item(node: nodes.Node) -> str | None:
    return node.text.partition("=")[0] if isinstance(node, nodes.Scalar) else None


def _text(node: nodes.Node) -> str | None:
    return node.text if isinstance(node, nodes.Scalar) else None


def _port(node: nodes.Node) -> str | None:
    target = tree.text(node, "target")
    if target is None:
        return None
    host, protocol = tree.text(node, "host_ip") or "0.0.0.0", tree.text(node, "protocol") or "tcp"  # noqa: S104
    return f"{host}:{tree.text(node, 'published') or ''}:{target}/{protocol}"


def _by(name: str) -> Callable[[nodes.Node], str | None]:
    return lambda node: tree.text(node, name)


def _mounted(folder: str) -> Callable[[nodes.Node], str | None]:
    def key(node: nodes.Node) -> str | None:
        source = tree.text(node, "source")
        return tree.text(node, "target") or (f"{folder}/{source}" if source else None)

    return key


_UNIQUE: tree.Tree[tree.Rule] = tree.tree(
    {
        **{
            f"services.*.{name}": _once(_item)
            for name in (
                *("build.platforms", "build.tags", "cap_add", "cap_drop", "dns", "dns_opt", "dns_search", "links"),
                *("networks.*.aliases", "networks.*.link_local_ips", "profiles", "tmpfs"),
            )
        },
        **{
            f"services.*.{name}": _once(_text)
            for name in (
                *("device_cgroup_rules", "expose", "external_links", "group_add", "security_opt", "volumes_from"),
            )
        },
        "services.*.configs": _once(_mounted("")),
        "services.*.secrets": _once(_mounted("/run/secrets")),
        "services.*.devices": _once(_by("target")),
        "services.*.env_file": _once(_by("path")),
        "services.*.ports": _once(_port),
        "services.*.volumes": _once(_by("target")),
    }
)

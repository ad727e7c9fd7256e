"""What a Compose file means and does not say: defaults, and what follows from other keys.

https://docs.docker.com/reference/compose-file/services/: the same as `docker compose config` adds, but for the names
that Docker gives to networks and volumes.
"""

import posixpath

from seaway.compose.loader import tree
from seaway.syntax import diagnosis, nodes


def normal(root: nodes.Table) -> nodes.Table:
    """The merged document with every default."""
    node = tree.changed(root, _RULES, [])
    table = node if isinstance(node, nodes.Table) else root
    services = nodes.inside(table, "services")
    used = any("default" in nodes.inside(entry.node, "networks") for entry in services.values())
    if used and "default" not in nodes.inside(table, "networks"):
        place = table.entries["services"].place
        networks = table.entries.get("networks")
        after = {**nodes.inside(table, "networks"), "default": nodes.Entry(place, nodes.Scalar(place, "null", "null"))}
        table = tree.replaced(table, {"networks": nodes.Table(networks.node.place if networks else place, after)})
    return tree.replaced(table, {"version": None})


def _defaults(node: nodes.Node, said: dict[str, str | nodes.Node | None]) -> nodes.Node:
    """The mapping with what it does not say."""
    if not isinstance(node, nodes.Table):
        return node
    missing = tree.table(node.place, {name: value for name, value in said.items() if name not in node.entries})
    return nodes.Table(node.place, {**node.entries, **missing.entries}) if missing.entries else node


def _bool(place: diagnosis.Place, *, value: bool) -> nodes.Node:
    return nodes.Scalar(place, str(value).lower(), "bool")


def _build(node: nodes.Node, path: str, found: list[diagnosis.Problem]) -> nodes.Node:
    inline = isinstance(node, nodes.Table) and "dockerfile_inline" in node.entries
    return _defaults(node, {"context": ".", "dockerfile": None if inline else "Dockerfile"})


def _secret(node: nodes.Node, path: str, found: list[diagnosis.Problem]) -> nodes.Node:
    return _defaults(node, {"target": f"/run/secrets/{tree.text(node, 'source') or ''}"})


def _port(node: nodes.Node, path: str, found: list[diagnosis.Problem]) -> nodes.Node:
    return _defaults(node, {"mode": "ingress", "protocol": "tcp"})


def _required(node: nodes.Node, path: str, found: list[diagnosis.Problem]) -> nodes.Node:
    return _defaults(node, {"required": _bool(node.place, value=True)})


def _sorted(node: nodes.Node, path: str, found: list[diagnosis.Problem]) -> nodes.Node:
    """Hosts: a mapping of them has no order, and a list of them means the same."""
    if not isinstance(node, nodes.Items):
        return node
    return nodes.Items(node.place, tuple(sorted(node.items, key=lambda one: getattr(one, "text", ""))))


def _devices(node: nodes.Node, path: str, found: list[diagnosis.Problem]) -> nodes.Node:
    chosen = isinstance(node, nodes.Table) and "device_ids" in node.entries
    return node if chosen else _defaults(node, {"count": "all"})


def _mount(node: nodes.Node, path: str, found: list[diagnosis.Problem]) -> nodes.Node:
    target = tree.text(node, "target")
    entry = node.entries.get("target") if isinstance(node, nodes.Table) else None
    if not isinstance(node, nodes.Table) or not entry or not target or not target.startswith("/"):
        return node
    plain = posixpath.normpath(target)
    return node if plain == target else tree.replaced(node, {"target": nodes.Scalar(entry.node.place, plain)})


def _service(node: nodes.Node, path: str, found: list[diagnosis.Problem]) -> nodes.Node:
    if not isinstance(node, nodes.Table):
        return node
    changes: dict[str, nodes.Node | None] = {}
    policy = node.entries.get("pull_policy")
    if policy and tree.text(node, "pull_policy") == "if_not_present":
        changes["pull_policy"] = nodes.Scalar(policy.node.place, "missing")
    if "provider" not in node.entries and "network_mode" not in node.entries and not nodes.inside(node, "networks"):
        changes["networks"] = tree.table(node.place, {"default": nodes.Scalar(node.place, "null", "null")})
    before = nodes.inside(node, "depends_on")
    more = {name: entry for name, entry in _implied(node).items() if name not in before}
    if more:
        place = node.entries["depends_on"].node.place if "depends_on" in node.entries else node.place
        changes["depends_on"] = nodes.Table(place, {**before, **more})
    return tree.replaced(node, changes) if changes else node


def _implied(node: nodes.Table) -> dict[str, nodes.Entry]:
    """The services that must be there first, since it uses them in another way."""
    named: dict[str, tuple[diagnosis.Place, bool]] = {}
    for item in _texts(node, "links"):
        named.setdefault(item.text.partition(":")[0], (item.place, True))
    for key in ("network_mode", "ipc", "pid", "uts", "cgroup"):
        other = tree.text(node, key) or ""
        if other.startswith("service:"):
            named.setdefault(other.removeprefix("service:"), (node.entries[key].node.place, True))
    for item in _texts(node, "volumes_from"):
        if not item.text.startswith("container:"):
            named.setdefault(item.text.partition(":")[0], (item.place, False))
    return {
        name: nodes.Entry(
            place,
            tree.table(
                place,
                {
                    "condition": "service_started",
                    "restart": _bool(place, value=True) if restart else None,
                    "required": _bool(place, value=True),
                },
            ),
        )
        for name, (place, restart) in named.items()
    }


def _texts(node: nodes.Table, key: str) -> list[nodes.Scalar]:
    entry = node.entries.get(key)
    listed = entry.node.items if entry and isinstance(entry.node, nodes.Items) else ()
    return [item for item in listed if isinstance(item, nodes.Scalar)]


_RULES: tree.Tree[tree.Rule] = tree.tree(
    {
        "services.*": _service,
        "services.*.build": _build,
        "services.*.build.extra_hosts": _sorted,
        "services.*.extra_hosts": _sorted,
        "services.*.secrets.*": _secret,
        "services.*.ports.*": _port,
        "services.*.depends_on.*": _required,
        "services.*.env_file.*": _required,
        "services.*.volumes.*": _mount,
        "services.*.gpus.*": _devices,
        "services.*.deploy.resources.reservations.devices.*": _devices,
    }
)

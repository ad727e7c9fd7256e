"""The short forms of a Compose file as the long ones: what comes out is what `docker compose config` prints.

What is left out of both stays out here; what it then means is said once everything is merged (normal.py).
"""

import contextlib
from collections.abc import Callable, Iterable

from seaway.compose import report
from seaway.compose.loader import port_syntax, scalars, shell_words, tree, volume_syntax
from seaway.syntax import diagnosis, nodes

Found = list[diagnosis.Problem]


def expanded(root: nodes.Table, found: Found) -> nodes.Table:
    """The document in long forms, with numbers and switches that may be counted on."""
    node = tree.changed(tree.changed(root, _FORMS, found), _UNITS, found)
    return node if isinstance(node, nodes.Table) else root


def named(node: nodes.Node, path: str, found: Found) -> nodes.Node:
    """``[NAME=value, NAME]`` as a mapping; the values are text, or null where there is none."""
    entries: dict[str, nodes.Entry] = {}
    if isinstance(node, nodes.Items):
        for item in node.items:
            if isinstance(item, nodes.Scalar):
                name, sign, value = item.text.partition("=")
                if not name or name != name.rstrip():
                    wrong = f"{diagnosis.quoted(item.text)} has no name before its ="
                    found.append(diagnosis.Problem(item.place, path, wrong, "write NAME=value, without a blank"))
                kind: nodes.Kind = "text" if sign else "null"
                entries[name] = nodes.Entry(item.place, nodes.Scalar(item.place, value if sign else "null", kind))
    elif isinstance(node, nodes.Table):
        entries = {name: nodes.Entry(entry.place, _text(entry.node)) for name, entry in node.entries.items()}
    else:
        return node
    return nodes.Table(node.place, entries)


def _labels(node: nodes.Node, path: str, found: Found) -> nodes.Node:
    """The same where a name without a value has an empty one."""
    done = named(node, path, found)
    if not isinstance(done, nodes.Table):
        return done
    empty = {
        name: nodes.Entry(entry.place, nodes.Scalar(entry.node.place, ""))
        for name, entry in done.entries.items()
        if isinstance(entry.node, nodes.Scalar) and entry.node.kind == "null"
    }
    return nodes.Table(done.place, {**done.entries, **empty}) if empty else done


def _text(node: nodes.Node) -> nodes.Node:
    if not isinstance(node, nodes.Scalar) or node.kind in ("null", "text"):
        return node
    return nodes.Scalar(node.place, node.text.lower() if node.kind == "bool" else node.text)


def _keys(value: Callable[[diagnosis.Place], nodes.Node]) -> tree.Rule:
    """A list of names as a mapping of them."""

    def rule(node: nodes.Node, path: str, found: Found) -> nodes.Node:
        if not isinstance(node, nodes.Items):
            return node
        listed = [item for item in node.items if isinstance(item, nodes.Scalar)]
        return nodes.Table(node.place, {item.text: nodes.Entry(item.place, value(item.place)) for item in listed})

    return rule


def _nothing(place: diagnosis.Place) -> nodes.Node:
    return nodes.Scalar(place, "null", "null")


def _started(place: diagnosis.Place) -> nodes.Node:
    required = nodes.Scalar(place, "true", "bool")
    return tree.table(place, {"condition": "service_started", "required": required})


def _under(key: str, *, listed: bool = False) -> tree.Rule:
    """A text as a mapping with one key."""

    def rule(node: nodes.Node, path: str, found: Found) -> nodes.Node:
        if not isinstance(node, nodes.Scalar) or node.kind == "null":
            return node
        return tree.table(node.place, {key: nodes.Items(node.place, (node,)) if listed else node})

    return rule


def listed(node: nodes.Node, path: str, found: Found) -> nodes.Node:
    """One text as a list of it."""
    return nodes.Items(node.place, (node,)) if isinstance(node, nodes.Scalar) and node.kind != "null" else node


def _command(node: nodes.Node, path: str, found: Found) -> nodes.Node:
    if not isinstance(node, nodes.Scalar) or node.kind == "null":
        return node
    try:
        split, _ = shell_words.split(node.text)
    except ValueError as error:
        found.append(diagnosis.Problem(node.place, path, f"{diagnosis.quoted(node.text)} {error}", _LIST))
        return node
    return nodes.Items(node.place, tuple(nodes.Scalar(node.place, word) for word in split))


def cut(root: nodes.Node) -> list[report.Loss]:
    """What is left out of the commands of a file, that are written in one line."""
    told: list[report.Loss] = []

    def rule(node: nodes.Node, path: str, found: Found) -> nodes.Node:
        with contextlib.suppress(ValueError):
            _, rest = (
                shell_words.split(node.text) if isinstance(node, nodes.Scalar) and node.kind != "null" else ((), "")
            )
            if rest:
                how = f"ends before {diagnosis.quoted(rest)}, as with Docker Compose: no shell reads it"
                told.append(report.Loss(place=node.place, path=path, kind="approximated", how=how, remedy=_LIST))
        return node

    tree.changed(root, tree.tree(dict.fromkeys(_COMMANDS, rule)), [])
    return told


_LIST = 'write it as a list: ["sh", "-c", "..."]'


def _test(node: nodes.Node, path: str, found: Found) -> nodes.Node:
    if isinstance(node, nodes.Scalar) and node.kind != "null":
        return nodes.Items(node.place, (nodes.Scalar(node.place, "CMD-SHELL"), node))
    return node


def _hosts(node: nodes.Node, path: str, found: Found) -> nodes.Node:
    """``host=address`` each."""
    said: list[tuple[diagnosis.Place, str, str]] = []
    if isinstance(node, nodes.Table):
        for name, entry in node.entries.items():
            values = entry.node.items if isinstance(entry.node, nodes.Items) else (entry.node,)
            said += [(entry.place, name, value.text) for value in values if isinstance(value, nodes.Scalar)]
    elif isinstance(node, nodes.Items):
        for item in node.items:
            text = item.text if isinstance(item, nodes.Scalar) else ""
            name, sign, value = text.partition("=" if "=" in text else ":")
            if not sign or not name or not value:
                wrong = f"{diagnosis.quoted(text)} is no host with its address"
                found.append(diagnosis.Problem(item.place, path, wrong, "write host=address"))
            said += [(item.place, name, one) for one in value.split(",")]
    else:
        return node
    texts = ((place, f"{name}={value[1:-1] if value.startswith('[') else value}") for place, name, value in said)
    return nodes.Items(node.place, tuple(nodes.Scalar(place, text) for place, text in texts))


def _ssh(node: nodes.Node, path: str, found: Found) -> nodes.Node:
    if isinstance(node, nodes.Items):
        for item in node.items:
            if isinstance(item, nodes.Scalar) and "=" not in item.text and item.text != "default":
                wrong = f"{diagnosis.quoted(item.text)} is no SSH key"
                found.append(diagnosis.Problem(item.place, path, wrong, "write `default`, or id=path"))
    return named(node, path, found)


def _gpus(node: nodes.Node, path: str, found: Found) -> nodes.Node:
    if isinstance(node, nodes.Scalar) and node.kind != "null":
        return nodes.Items(node.place, (tree.table(node.place, {"count": node}),))
    return node


def _device(node: nodes.Node, path: str, found: Found) -> nodes.Node:
    if not isinstance(node, nodes.Scalar):
        return node
    source, *more = node.text.split(":")
    if len(more) > 2 or not source:
        wrong = f"{diagnosis.quoted(node.text)} is no device"
        found.append(diagnosis.Problem(node.place, path, wrong, "write source:target:permissions"))
        return node
    target = (more[0] if more else "") or source
    said = {"source": source, "target": target, "permissions": more[1] if len(more) > 1 else "rwm"}
    return tree.table(node.place, said)


def _external(node: nodes.Node, path: str, found: Found) -> nodes.Node:
    """`external: {name: x}`, as it was once written."""
    inner = node.entries.get("external") if isinstance(node, nodes.Table) else None
    if not isinstance(node, nodes.Table) or inner is None or not isinstance(inner.node, nodes.Table):
        return node
    name = inner.node.entries.get("name")
    before = tree.text(node, "name")
    if name and before is not None and before != tree.text(inner.node, "name"):
        wrong = f"has the name {diagnosis.quoted(before)} too"
        found.append(
            diagnosis.Problem(name.place, f"{path}.external.name", wrong, "keep `name:`, and `external: true`")
        )
    external = nodes.Scalar(inner.place, "true", "bool")
    return tree.replaced(node, {"external": external} | ({"name": name.node} if name else {}))


def _all(rule: tree.Rule, paths: Iterable[str]) -> dict[str, tree.Rule]:
    return dict.fromkeys(paths, rule)


_SERVICE = "services.*."
_HOOKS = ("services.*.post_start.*.", "services.*.pre_stop.*.", "services.*.develop.watch.*.exec.")
_COMMANDS = (f"{_SERVICE}command", f"{_SERVICE}entrypoint", *(f"{hook}command" for hook in _HOOKS))

_FORMS = tree.tree(
    {
        **_all(
            named,
            [
                *(f"{_SERVICE}{name}" for name in ("environment", "build.args", "build.additional_contexts")),
                *(f"{hook}environment" for hook in _HOOKS),
            ],
        ),
        **_all(
            _labels,
            [
                *(f"{_SERVICE}{name}" for name in ("labels", "annotations", "sysctls", "deploy.labels")),
                *(f"{_SERVICE}{name}.options" for name in ("gpus.*", "deploy.resources.reservations.devices.*")),
                *(f"{_SERVICE}{name}" for name in ("build.labels", "volumes.*.volume.labels")),
                *(f"{kind}.*.labels" for kind in ("networks", "volumes", "configs", "secrets")),
            ],
        ),
        **_all(_command, _COMMANDS),
        **_all(_keys(_nothing), [f"{_SERVICE}networks", f"{_SERVICE}models"]),
        **_all(listed, (f"{_SERVICE}{name}" for name in ("dns", "dns_search", "tmpfs", "label_file", "env_file"))),
        **_all(listed, ["include.*.path", "include.*.env_file"]),
        **_all(listed, [f"{_SERVICE}develop.watch.*.ignore", f"{_SERVICE}develop.watch.*.include"]),
        **_all(_under("source"), (f"{_SERVICE}{name}.*" for name in ("configs", "secrets", "build.secrets"))),
        **_all(_hosts, [f"{_SERVICE}extra_hosts", f"{_SERVICE}build.extra_hosts"]),
        **_all(_external, (f"{kind}.*" for kind in ("networks", "volumes", "configs", "secrets"))),
        f"{_SERVICE}build": _under("context"),
        f"{_SERVICE}build.ssh": _ssh,
        f"{_SERVICE}depends_on": _keys(_started),
        f"{_SERVICE}devices.*": _device,
        f"{_SERVICE}env_file.*": _under("path"),
        f"{_SERVICE}extends": _under("service"),
        f"{_SERVICE}gpus": _gpus,
        f"{_SERVICE}healthcheck.test": _test,
        f"{_SERVICE}ports": port_syntax.ports,
        f"{_SERVICE}volumes.*": volume_syntax.long,
        "include.*": _under("path", listed=True),
    }
)
_UNITS = tree.tree(scalars.RULES)

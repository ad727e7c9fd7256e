"""The short forms of a Compose file as the long ones: what comes out is what `docker compose config` prints.

What is left out of both stays out here; what it then means is said once everything is merged (normal.py).
"""

import contextlib
from collections.abc import Callable, Iterable

from seaway.compose import report
from seaway.compose.loader import port_syntax, scalars, shell_words, tree, volume_syntax
from seaway.syntax import diagnosis, nodes

DiagnosticList = list[diagnosis.Diagnostic]


def expand(root: nodes.MappingNode, found: DiagnosticList) -> nodes.MappingNode:
    """The document in long forms, with numbers and switches that may be counted on."""
    node = tree.apply(tree.apply(root, _LONG_FORMS, found), _SCALAR_RULES, found)
    return node if isinstance(node, nodes.MappingNode) else root


def to_mapping(node: nodes.Node, path: str, found: DiagnosticList) -> nodes.Node:
    """``[NAME=value, NAME]`` as a mapping; the values are text, or null where there is none."""
    entries: dict[str, nodes.Pair] = {}
    if isinstance(node, nodes.SequenceNode):
        for item in node.items:
            if isinstance(item, nodes.ScalarNode):
                name, sign, value = item.text.partition("=")
                if not name or name != name.rstrip():
                    wrong = f"{diagnosis.quote(item.text)} has no name before its ="
                    found.append(diagnosis.Diagnostic(item.location, path, wrong, "write NAME=value, without a blank"))
                kind: nodes.ScalarKind = "text" if sign else "null"
                entries[name] = nodes.Pair(
                    item.location, nodes.ScalarNode(item.location, value if sign else "null", kind)
                )
    elif isinstance(node, nodes.MappingNode):
        entries = {name: nodes.Pair(entry.location, _to_text(entry.node)) for name, entry in node.pairs.items()}
    else:
        return node
    return nodes.MappingNode(node.location, entries)


def _to_labels(node: nodes.Node, path: str, found: DiagnosticList) -> nodes.Node:
    """The same where a name without a value has an empty one."""
    done = to_mapping(node, path, found)
    if not isinstance(done, nodes.MappingNode):
        return done
    empty = {
        name: nodes.Pair(entry.location, nodes.ScalarNode(entry.node.location, ""))
        for name, entry in done.pairs.items()
        if isinstance(entry.node, nodes.ScalarNode) and entry.node.kind == "null"
    }
    return nodes.MappingNode(done.location, {**done.pairs, **empty}) if empty else done


def _to_text(node: nodes.Node) -> nodes.Node:
    if not isinstance(node, nodes.ScalarNode) or node.kind in ("null", "text"):
        return node
    return nodes.ScalarNode(node.location, node.text.lower() if node.kind == "bool" else node.text)


def _to_keys(value: Callable[[diagnosis.SourceLocation], nodes.Node]) -> tree.Rule:
    """A list of names as a mapping of them."""

    def rule(node: nodes.Node, path: str, found: DiagnosticList) -> nodes.Node:
        if not isinstance(node, nodes.SequenceNode):
            return node
        listed = [item for item in node.items if isinstance(item, nodes.ScalarNode)]
        return nodes.MappingNode(
            node.location, {item.text: nodes.Pair(item.location, value(item.location)) for item in listed}
        )

    return rule


def _null(location: diagnosis.SourceLocation) -> nodes.Node:
    return nodes.ScalarNode(location, "null", "null")


def _default_dependency(location: diagnosis.SourceLocation) -> nodes.Node:
    required = nodes.ScalarNode(location, "true", "bool")
    return tree.make_mapping(location, {"condition": "service_started", "required": required})


def _nest_under(key: str, *, listed: bool = False) -> tree.Rule:
    """A text as a mapping with one key."""

    def rule(node: nodes.Node, path: str, found: DiagnosticList) -> nodes.Node:
        if not isinstance(node, nodes.ScalarNode) or node.kind == "null":
            return node
        return tree.make_mapping(node.location, {key: nodes.SequenceNode(node.location, (node,)) if listed else node})

    return rule


def to_sequence(node: nodes.Node, path: str, found: DiagnosticList) -> nodes.Node:
    """One text as a list of it."""
    return (
        nodes.SequenceNode(node.location, (node,))
        if isinstance(node, nodes.ScalarNode) and node.kind != "null"
        else node
    )


def _split_command(node: nodes.Node, path: str, found: DiagnosticList) -> nodes.Node:
    if not isinstance(node, nodes.ScalarNode) or node.kind == "null":
        return node
    try:
        split, _ = shell_words.split(node.text)
    except ValueError as error:
        found.append(diagnosis.Diagnostic(node.location, path, f"{diagnosis.quote(node.text)} {error}", _COMMAND_HINT))
        return node
    return nodes.SequenceNode(node.location, tuple(nodes.ScalarNode(node.location, word) for word in split))


def find_cut_commands(root: nodes.Node) -> list[report.KeyOutcome]:
    """What is left out of the commands of a file, that are written in one line."""
    told: list[report.KeyOutcome] = []

    def rule(node: nodes.Node, path: str, found: DiagnosticList) -> nodes.Node:
        with contextlib.suppress(ValueError):
            _, rest = (
                shell_words.split(node.text) if isinstance(node, nodes.ScalarNode) and node.kind != "null" else ((), "")
            )
            if rest:
                how = f"ends before {diagnosis.quote(rest)}, as with Docker Compose: no shell reads it"
                told.append(
                    report.KeyOutcome(
                        location=node.location, path=path, kind="approximated", message=how, hint=_COMMAND_HINT
                    )
                )
        return node

    tree.apply(root, tree.build(dict.fromkeys(_COMMANDS, rule)), [])
    return told


_COMMAND_HINT = 'write it as a list: ["sh", "-c", "..."]'


def _to_shell_test(node: nodes.Node, path: str, found: DiagnosticList) -> nodes.Node:
    if isinstance(node, nodes.ScalarNode) and node.kind != "null":
        return nodes.SequenceNode(node.location, (nodes.ScalarNode(node.location, "CMD-SHELL"), node))
    return node


def _to_hosts(node: nodes.Node, path: str, found: DiagnosticList) -> nodes.Node:
    """``host=address`` each."""
    said: list[tuple[diagnosis.SourceLocation, str, str]] = []
    if isinstance(node, nodes.MappingNode):
        for name, entry in node.pairs.items():
            values = entry.node.items if isinstance(entry.node, nodes.SequenceNode) else (entry.node,)
            said += [(entry.location, name, value.text) for value in values if isinstance(value, nodes.ScalarNode)]
    elif isinstance(node, nodes.SequenceNode):
        for item in node.items:
            text = item.text if isinstance(item, nodes.ScalarNode) else ""
            name, sign, value = text.partition("=" if "=" in text else ":")
            if not sign or not name or not value:
                wrong = f"{diagnosis.quote(text)} is no host with its address"
                found.append(diagnosis.Diagnostic(item.location, path, wrong, "write host=address"))
            said += [(item.location, name, one) for one in value.split(",")]
    else:
        return node
    texts = ((place, f"{name}={value[1:-1] if value.startswith('[') else value}") for place, name, value in said)
    return nodes.SequenceNode(node.location, tuple(nodes.ScalarNode(place, text) for place, text in texts))


def _check_ssh(node: nodes.Node, path: str, found: DiagnosticList) -> nodes.Node:
    if isinstance(node, nodes.SequenceNode):
        for item in node.items:
            if isinstance(item, nodes.ScalarNode) and "=" not in item.text and item.text != "default":
                wrong = f"{diagnosis.quote(item.text)} is no SSH key"
                found.append(diagnosis.Diagnostic(item.location, path, wrong, "write `default`, or id=path"))
    return to_mapping(node, path, found)


def _to_gpus(node: nodes.Node, path: str, found: DiagnosticList) -> nodes.Node:
    if isinstance(node, nodes.ScalarNode) and node.kind != "null":
        return nodes.SequenceNode(node.location, (tree.make_mapping(node.location, {"count": node}),))
    return node


def _to_device(node: nodes.Node, path: str, found: DiagnosticList) -> nodes.Node:
    if not isinstance(node, nodes.ScalarNode):
        return node
    source, *more = node.text.split(":")
    if len(more) > 2 or not source:
        wrong = f"{diagnosis.quote(node.text)} is no device"
        found.append(diagnosis.Diagnostic(node.location, path, wrong, "write source:target:permissions"))
        return node
    target = (more[0] if more else "") or source
    said = {"source": source, "target": target, "permissions": more[1] if len(more) > 1 else "rwm"}
    return tree.make_mapping(node.location, said)


def _to_external(node: nodes.Node, path: str, found: DiagnosticList) -> nodes.Node:
    """`external: {name: x}`, as it was once written."""
    inner = node.pairs.get("external") if isinstance(node, nodes.MappingNode) else None
    if not isinstance(node, nodes.MappingNode) or inner is None or not isinstance(inner.node, nodes.MappingNode):
        return node
    name = inner.node.pairs.get("name")
    before = tree.get_text(node, "name")
    if name and before is not None and before != tree.get_text(inner.node, "name"):
        wrong = f"has the name {diagnosis.quote(before)} too"
        found.append(
            diagnosis.Diagnostic(name.location, f"{path}.external.name", wrong, "keep `name:`, and `external: true`")
        )
    external = nodes.ScalarNode(inner.location, "true", "bool")
    return tree.replace_keys(node, {"external": external} | ({"name": name.node} if name else {}))


def _for_paths(rule: tree.Rule, paths: Iterable[str]) -> dict[str, tree.Rule]:
    return dict.fromkeys(paths, rule)


_SERVICE = "services.*."
_HOOKS = ("services.*.post_start.*.", "services.*.pre_stop.*.", "services.*.develop.watch.*.exec.")
_COMMANDS = (f"{_SERVICE}command", f"{_SERVICE}entrypoint", *(f"{hook}command" for hook in _HOOKS))

_LONG_FORMS = tree.build(
    {
        **_for_paths(
            to_mapping,
            [
                *(f"{_SERVICE}{name}" for name in ("environment", "build.args", "build.additional_contexts")),
                *(f"{hook}environment" for hook in _HOOKS),
            ],
        ),
        **_for_paths(
            _to_labels,
            [
                *(f"{_SERVICE}{name}" for name in ("labels", "annotations", "sysctls", "deploy.labels")),
                *(f"{_SERVICE}{name}.options" for name in ("gpus.*", "deploy.resources.reservations.devices.*")),
                *(f"{_SERVICE}{name}" for name in ("build.labels", "volumes.*.volume.labels")),
                *(f"{kind}.*.labels" for kind in ("networks", "volumes", "configs", "secrets")),
            ],
        ),
        **_for_paths(_split_command, _COMMANDS),
        **_for_paths(_to_keys(_null), [f"{_SERVICE}networks", f"{_SERVICE}models"]),
        **_for_paths(
            to_sequence, (f"{_SERVICE}{name}" for name in ("dns", "dns_search", "tmpfs", "label_file", "env_file"))
        ),
        **_for_paths(to_sequence, ["include.*.path", "include.*.env_file"]),
        **_for_paths(to_sequence, [f"{_SERVICE}develop.watch.*.ignore", f"{_SERVICE}develop.watch.*.include"]),
        **_for_paths(
            _nest_under("source"), (f"{_SERVICE}{name}.*" for name in ("configs", "secrets", "build.secrets"))
        ),
        **_for_paths(_to_hosts, [f"{_SERVICE}extra_hosts", f"{_SERVICE}build.extra_hosts"]),
        **_for_paths(_to_external, (f"{kind}.*" for kind in ("networks", "volumes", "configs", "secrets"))),
        f"{_SERVICE}build": _nest_under("context"),
        f"{_SERVICE}build.ssh": _check_ssh,
        f"{_SERVICE}depends_on": _to_keys(_default_dependency),
        f"{_SERVICE}devices.*": _to_device,
        f"{_SERVICE}env_file.*": _nest_under("path"),
        f"{_SERVICE}extends": _nest_under("service"),
        f"{_SERVICE}gpus": _to_gpus,
        f"{_SERVICE}healthcheck.test": _to_shell_test,
        f"{_SERVICE}ports": port_syntax.expand,
        f"{_SERVICE}volumes.*": volume_syntax.expand,
        "include.*": _nest_under("path", listed=True),
    }
)
_SCALAR_RULES = tree.build(scalars.RULES)

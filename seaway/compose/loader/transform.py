"""Expands short forms to the long forms that `docker compose config` prints.

Missing keys stay missing. Their defaults are set after the merge (defaults.py).
"""

from collections.abc import Callable

from seaway.compose import report
from seaway.compose.loader import scalars, short_syntax, tree
from seaway.syntax import diagnosis, nodes


def expand(root: nodes.MappingNode, errors: tree.Errors) -> nodes.MappingNode:
    """The document in long forms, with valid numbers and booleans. Words that a command loses are an outcome."""
    return tree.apply_to_mapping(tree.apply_to_mapping(root, _LONG_FORMS, errors), _SCALAR_RULES, errors)


def _to_mapping(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    """``[NAME=value, NAME]`` as a mapping of texts. A name without a value is null."""
    if isinstance(node, nodes.MappingNode):
        return tree.map_children(node, lambda child, _: _to_text(child))
    if not isinstance(node, nodes.SequenceNode):
        return node
    pairs: dict[str, nodes.Pair] = {}
    for entry in node.items:
        if isinstance(entry, nodes.ScalarNode):
            name, sign, text = entry.text.partition("=")
            if not name or name != name.rstrip():
                message = f"{diagnosis.quote(entry.text)} has no name before its ="
                errors.add(entry, path, "invalid-assignment", message, "write NAME=value, without a blank")
            child = nodes.ScalarNode(entry.location, text) if sign else tree.make_null(entry.location)
            pairs[name] = nodes.Pair(entry.location, child)
    return nodes.MappingNode(node.location, pairs)


def _to_labels(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    """The same, with an empty text for a name without a value."""

    def fill(child: nodes.Node, _: str | int) -> nodes.Node:
        return nodes.ScalarNode(child.location, "") if tree.is_null(child) else child

    return tree.map_children(_to_mapping(node, path, errors), fill)


def _to_text(node: nodes.Node) -> nodes.Node:
    if not isinstance(node, nodes.ScalarNode) or node.kind in ("null", "text"):
        return node
    return nodes.ScalarNode(node.location, node.text.lower() if node.kind == "bool" else node.text)


def _to_keys(make_child: Callable[[diagnosis.SourceLocation], nodes.Node]) -> tree.Rule:
    """A list of names as the keys of a mapping."""

    def rule(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
        if not isinstance(node, nodes.SequenceNode):
            return node
        names = [child for child in node.items if isinstance(child, nodes.ScalarNode)]
        pairs = {name.text: nodes.Pair(name.location, make_child(name.location)) for name in names}
        return nodes.MappingNode(node.location, pairs)

    return rule


def _make_dependency(location: diagnosis.SourceLocation) -> nodes.Node:
    return tree.make_mapping(location, {"condition": "service_started", "required": tree.make_true(location)})


def _from_text(make_long_form: Callable[[nodes.ScalarNode], nodes.Node]) -> tree.Rule:
    def rule(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
        return make_long_form(node) if tree.is_scalar(node) else node

    return rule


def _nest_under(key: str) -> tree.Rule:
    """A text as a mapping with one key."""
    return _from_text(lambda text: tree.make_mapping(text.location, {key: text}))


def _to_sequence(node: nodes.Node) -> nodes.Node:
    """A list of one."""
    return nodes.SequenceNode(node.location, (node,))


def _split_command(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    if not tree.is_scalar(node):
        return node
    hint = 'write it as a list: ["sh", "-c", "..."]'
    try:
        words, rest = short_syntax.split_words(node.text)
    except ValueError as error:
        errors.add(node, path, "invalid-value", f"{diagnosis.quote(node.text)} {error}", hint)
        return node
    if rest:
        message = f"ends before {diagnosis.quote(rest)}, as with Docker Compose: no shell runs it"
        errors.outcomes.append(
            report.KeyOutcome(location=node.location, path=path, kind="approximated", message=message, hint=hint)
        )
    return tree.make_sequence(node.location, words)


def _to_hosts(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    """A list of ``host=address``."""
    hosts: list[tuple[diagnosis.SourceLocation, str, str]] = []
    if isinstance(node, nodes.MappingNode):
        for name, pair in node.pairs.items():
            addresses = tree.list_items(pair.node) or (pair.node,)
            hosts += [(pair.location, name, child.text) for child in addresses if isinstance(child, nodes.ScalarNode)]
    elif isinstance(node, nodes.SequenceNode):
        for entry in node.items:
            text = entry.text if isinstance(entry, nodes.ScalarNode) else ""
            name, _, addresses = text.partition("=" if "=" in text else ":")
            if not name or not addresses:
                message = f"{diagnosis.quote(text)} is not a host with its address"
                errors.add(entry, path, "invalid-value", message, "write host=address")
            hosts += [(entry.location, name, address) for address in addresses.split(",")]
    else:
        return node
    entries = [(location, name, text[1:-1] if text.startswith("[") else text) for location, name, text in hosts]
    return nodes.SequenceNode(
        node.location, tuple(nodes.ScalarNode(location, f"{name}={text}") for location, name, text in entries)
    )


def _check_ssh(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    for entry in tree.list_items(node):
        if isinstance(entry, nodes.ScalarNode) and "=" not in entry.text and entry.text != "default":
            message = f"{diagnosis.quote(entry.text)} is not a valid SSH key"
            errors.add(entry, path, "invalid-value", message, "write `default`, or id=path")
    return _to_mapping(node, path, errors)


def _to_device(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    if not isinstance(node, nodes.ScalarNode):
        return node
    source, *more = node.text.split(":")
    if len(more) > 2 or not source:
        message = f"{diagnosis.quote(node.text)} is not a valid device"
        errors.add(node, path, "invalid-value", message, "write source:target:permissions")
        return node
    target, permissions = [*more, "", ""][:2]
    fields = {"source": source, "target": target or source, "permissions": permissions if more[1:] else "rwm"}
    return tree.make_mapping(node.location, fields)


def _to_external(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    """`external: {name: x}`, an obsolete form."""
    external = tree.get_node(node, "external")
    if not isinstance(node, nodes.MappingNode) or not isinstance(external, nodes.MappingNode):
        return node
    old_name, name = tree.get_text(node, "name"), external.pairs.get("name")
    if name and old_name is not None and old_name != tree.get_text(external, "name"):
        message, hint = f"has the name {diagnosis.quote(old_name)} too", "keep `name:`, and `external: true`"
        errors.add(name, f"{path}.external.name", "conflicting-keys", message, hint)
    yes = tree.make_true(node.pairs["external"].location)
    return tree.replace_keys(node, {"external": yes} | ({"name": name.node} if name else {}))


_RESOURCES = ("networks", "volumes", "configs", "secrets")
_HOOKS = ("services.*.post_start.*.", "services.*.pre_stop.*.", "services.*.develop.watch.*.exec.")

_LONG_FORMS = tree.build(
    {
        **tree.for_keys(_to_mapping, "environment build.args build.additional_contexts"),
        **dict.fromkeys((f"{hook}environment" for hook in _HOOKS), _to_mapping),
        **tree.for_keys(_to_labels, "labels annotations sysctls deploy.labels build.labels volumes.*.volume.labels"),
        **tree.for_keys(_to_labels, "gpus.*.options deploy.resources.reservations.devices.*.options"),
        **dict.fromkeys((f"{kind}.*.labels" for kind in _RESOURCES), _to_labels),
        **tree.for_keys(_split_command, "command entrypoint"),
        **dict.fromkeys((f"{hook}command" for hook in _HOOKS), _split_command),
        **tree.for_keys(_to_keys(tree.make_null), "networks models"),
        **tree.for_keys(_from_text(_to_sequence), "dns dns_search tmpfs label_file env_file develop.watch.*.ignore"),
        **tree.for_keys(_from_text(_to_sequence), "develop.watch.*.include"),
        **tree.for_keys(_from_text(_to_sequence), "path env_file", "include.*"),
        **tree.for_keys(_nest_under("source"), "configs.* secrets.* build.secrets.*"),
        **tree.for_keys(_to_hosts, "extra_hosts build.extra_hosts"),
        **dict.fromkeys((f"{kind}.*" for kind in _RESOURCES), _to_external),
        **tree.for_keys(_nest_under("context"), "build"),
        **tree.for_keys(_check_ssh, "build.ssh"),
        **tree.for_keys(_to_keys(_make_dependency), "depends_on"),
        **tree.for_keys(_to_device, "devices.*"),
        **tree.for_keys(_nest_under("path"), "env_file.*"),
        **tree.for_keys(_nest_under("service"), "extends"),
        **tree.for_keys(
            _from_text(lambda text: _to_sequence(tree.make_mapping(text.location, {"count": text}))), "gpus"
        ),
        **tree.for_keys(
            _from_text(lambda text: tree.make_sequence(text.location, ["CMD-SHELL", text.text])), "healthcheck.test"
        ),
        **tree.for_keys(short_syntax.expand_ports, "ports"),
        **tree.for_keys(short_syntax.expand_mount, "volumes.*"),
        "include.*": _nest_under("path"),
    }
)
_SCALAR_RULES = tree.build(scalars.RULES)

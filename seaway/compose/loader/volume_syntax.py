"""Expands the short form of a service's `volumes`: ``data:/var/lib``, ``./conf:/etc/conf:ro``, ``/cache``.

https://docs.docker.com/reference/compose-file/services/#volumes
"""

import posixpath
import re

from seaway.compose.loader import tree
from seaway.syntax import diagnosis, nodes

_DRIVE = re.compile(r"[a-zA-Z]:[\\/]")
_PROPAGATION = ("rprivate", "private", "rshared", "shared", "rslave", "slave")
_CONSISTENCY = ("cached", "delegated", "consistent")


def expand(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    """A mount as {type, source, target, read_only, bind or volume}."""
    if not isinstance(node, nodes.ScalarNode):
        return node
    drive = _DRIVE.match(node.text)
    first, *more = (node.text[2:] if drive else node.text).split(":")
    if drive:
        first = node.text[:2] + first
    source, target, options = (None, first, "") if not more else (first, more[0], "".join(more[1:]))
    if len(more) > 2 or not target or source == "":
        message = f"{diagnosis.quote(node.text)} is not a valid mount"
        errors.add(node, path, "invalid-value", message, "write source:target or source:target:ro")
        return node
    is_bind = source is not None and bool(source.startswith((".", "/", "~", "\\\\")) or drive)
    yes = tree.make_true(node.location)
    bind: dict[str, nodes.Node | str | None] = {"create_host_path": yes} if is_bind else {}
    volume: dict[str, nodes.Node | str | None] = {}
    unknown: list[str] = []
    fields: dict[str, nodes.Node | str | None] = {"type": "bind" if is_bind else "volume", "source": source}
    fields["target"] = target if target.startswith("\\\\") else posixpath.normpath(target)
    for option in filter(None, options.split(",")):
        if option == "ro":
            fields["read_only"] = yes
        elif option == "nocopy":
            volume["nocopy"] = yes
        elif option in _PROPAGATION:
            bind["propagation"] = option
        elif option in ("z", "Z"):
            bind["selinux"] = option
        elif option in _CONSISTENCY:
            fields["consistency"] = option
        elif option != "rw":
            unknown.append(option)
    if bind:
        fields["bind"] = tree.make_mapping(node.location, bind)
    if not is_bind or volume:
        fields["volume"] = tree.make_mapping(node.location, volume)
    # Docker Compose drops unknown options. Here they stay, so that the report lists them.
    fields["x-options"] = ",".join(unknown) or None
    return tree.make_mapping(node.location, fields)

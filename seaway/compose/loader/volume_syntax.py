"""The short form of a service's `volumes`: ``data:/var/lib``, ``./conf:/etc/conf:ro``, ``/cache``.

https://docs.docker.com/reference/compose-file/services/#volumes
"""

import posixpath
import re

from seaway.compose.loader import tree
from seaway.syntax import diagnosis, nodes

_DRIVE = re.compile(r"[a-zA-Z]:[\\/]")
_PROPAGATION = ("rprivate", "private", "rshared", "shared", "rslave", "slave")
_CONSISTENCY = ("cached", "delegated", "consistent")


def expand(node: nodes.Node, path: str, found: list[diagnosis.Diagnostic]) -> nodes.Node:
    """A mount as {type, source, target, read_only, bind or volume}."""
    if not isinstance(node, nodes.ScalarNode):
        return node
    drive = _DRIVE.match(node.text)
    rest = node.text[2:] if drive else node.text
    first, *more = rest.split(":")
    if drive:
        first = node.text[:2] + first
    source, target, options = (None, first, "") if not more else (first, more[0], "".join(more[1:]))
    if len(more) > 2 or not target or source == "":
        wrong = f"{diagnosis.quote(node.text)} is no mount"
        found.append(diagnosis.Diagnostic(node.location, path, wrong, "write source:target or source:target:ro"))
        return node
    bind = source is not None and bool(source.startswith((".", "/", "~", "\\\\")) or drive)
    yes = nodes.ScalarNode(node.location, "true", "bool")
    binding: dict[str, nodes.Node | str | None] = {"create_host_path": yes} if bind else {}
    volume: dict[str, nodes.Node | str | None] = {}
    unknown: list[str] = []
    said: dict[str, nodes.Node | str | None] = {"type": "bind" if bind else "volume", "source": source}
    said["target"] = target if target.startswith("\\\\") else posixpath.normpath(target)
    for option in filter(None, options.split(",")):
        if option == "ro":
            said["read_only"] = yes
        elif option == "nocopy":
            volume["nocopy"] = yes
        elif option in _PROPAGATION:
            binding["propagation"] = option
        elif option in ("z", "Z"):
            binding["selinux"] = option
        elif option in _CONSISTENCY:
            said["consistency"] = option
        elif option != "rw":
            unknown.append(option)
    if bind or binding:
        said["bind"] = tree.make_mapping(node.location, binding)
    if not bind or volume:
        said["volume"] = tree.make_mapping(node.location, volume)
    # Docker Compose forgets them. Here they stay, so that somebody tells.
    said["x-options"] = ",".join(unknown) or None
    return tree.make_mapping(node.location, said)

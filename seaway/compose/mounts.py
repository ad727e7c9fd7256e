"""The short form of a service's `volumes`: ``data:/var/lib``, ``./conf:/etc/conf:ro``, ``/cache``.

https://docs.docker.com/reference/compose-file/services/#volumes
"""

import posixpath
import re

from seaway.compose import patterns
from seaway.model import nodes, problems

_DRIVE = re.compile(r"[a-zA-Z]:[\\/]")
_PROPAGATION = ("rprivate", "private", "rshared", "shared", "rslave", "slave")
_CONSISTENCY = ("cached", "delegated", "consistent")


def long(node: nodes.Node, path: str, found: list[problems.Problem]) -> nodes.Node:
    """A mount as {type, source, target, read_only, bind or volume}."""
    if not isinstance(node, nodes.Scalar):
        return node
    drive = _DRIVE.match(node.text)
    rest = node.text[2:] if drive else node.text
    first, *more = rest.split(":")
    if drive:
        first = node.text[:2] + first
    source, target, options = (None, first, "") if not more else (first, more[0], ",".join(more[1:]))
    if len(more) > 2 or not target or source == "":
        wrong = f"{problems.quoted(node.text)} is no mount"
        found.append(problems.Problem(node.place, path, wrong, "write source:target or source:target:ro"))
        return node
    bind = source is not None and bool(source.startswith((".", "/", "~", "\\\\")) or drive)
    yes = nodes.Scalar(node.place, "true", "bool")
    inner: dict[str, nodes.Node | str | None] = {"create_host_path": yes} if bind else {}
    said: dict[str, nodes.Node | str | None] = {"type": "bind" if bind else "volume", "source": source}
    said["target"] = target if target.startswith("\\\\") else posixpath.normpath(target)
    for option in filter(None, options.split(",")):
        if option == "ro":
            said["read_only"] = yes
        elif option == "nocopy":
            inner["nocopy"] = yes
        elif option in _PROPAGATION:
            inner["propagation"] = option
        elif option in ("z", "Z"):
            inner["selinux"] = option
        elif option in _CONSISTENCY:
            said["consistency"] = option
        elif option != "rw":
            wrong = f"{problems.quoted(option)} is no option of a mount"
            found.append(problems.Problem(node.place, path, wrong, "write ro, rw, z, Z, nocopy or a propagation"))
    said["bind" if bind else "volume"] = patterns.table(node.place, inner)
    return patterns.table(node.place, said)

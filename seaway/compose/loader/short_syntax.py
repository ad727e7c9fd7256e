"""Expands the short forms of `ports`, `volumes` and commands.

https://docs.docker.com/reference/compose-file/services/: ``127.0.0.1:80:8080/udp`` and ``9000-9005:9000-9005``,
``data:/var/lib`` and ``./conf:/etc/conf:ro``, ``nginx -g 'daemon off;'``.
"""

import posixpath
import re
from collections.abc import Iterator

from seaway.compose.loader import scalars, tree
from seaway.syntax import diagnosis, nodes

MAX_PORTS = 1000
"""Of one range: each port becomes an entry."""

_PORT = re.compile(
    r"(?:(?:(?P<host>\[[^\]]*\]|[^\[\]]*):)?(?P<published>[0-9-]*):)?(?P<target>[0-9-]+)(?:/(?P<protocol>[a-zA-Z]*))?"
)
_RANGE = re.compile(r"(?P<first>[0-9]{1,5})(?:-(?P<last>[0-9]{1,5}))?")
_PORT_HINT = "write it as 8080:80, 127.0.0.1:8080:80/udp or 9000-9005:9000-9005"

_DRIVE = re.compile(r"[a-zA-Z]:[\\/]")
_PROPAGATION = ("rprivate", "private", "rshared", "shared", "rslave", "slave")
_CONSISTENCY = ("cached", "delegated", "consistent")

_TOKEN = re.compile(
    r"""\\(?P<escaped>.)|'(?P<single>[^']*)'|"(?P<double>(?:\\.|[^\\"])*)"|(?P<blanks>[ \t\r\n]+)"""
    r"""|(?P<command>\((?:\\.|[^\\)])*\)|`(?:\\.|[^\\`])*`)|(?P<rest>[;&|<>].*)|(?P<plain>[^\\'"(`])|(?P<open>.)""",
    re.DOTALL,
)


def expand_ports(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    """Each port as {target, published, host_ip, protocol, mode}."""
    if not isinstance(node, nodes.SequenceNode):
        return node
    ports: list[nodes.Node] = []
    for number, entry in enumerate(node.items):
        if not isinstance(entry, nodes.ScalarNode):
            ports.append(entry)
            continue
        try:
            ports += _expand_port(entry)
        except ValueError as error:
            message = f"{diagnosis.quote(entry.text)} {error}"
            errors.add(entry, tree.join(path, number), "invalid-port", message, _PORT_HINT)
    return nodes.SequenceNode(node.location, tuple(ports))


def _expand_port(entry: nodes.ScalarNode) -> Iterator[nodes.Node]:
    match = _PORT.fullmatch(entry.text)
    if match is None:
        raise ValueError("is not a valid port")
    host = match["host"] or ""
    address = host[1:-1] if host.startswith("[") else host
    if address and scalars.parse_address(address) is None:
        raise ValueError(f"has an invalid host address: {diagnosis.quote(address)}")
    protocol = (match["protocol"] or "tcp").lower()
    if protocol not in ("tcp", "udp", "sctp"):
        raise ValueError(f"has the protocol {protocol}, not tcp, udp or sctp")
    first, last = _parse_range(match["target"])
    published = _parse_range(match["published"], minimum=0) if match["published"] else None
    if last - first >= MAX_PORTS:
        raise ValueError(f"has {last - first + 1} ports, and the maximum is {MAX_PORTS}")
    if published and first != last and published[1] - published[0] != last - first:
        raise ValueError("has two ranges of different lengths")
    for target in range(first, last + 1):
        host_port = None
        if published:
            start, end = published
            # A range for one port means any free port of it. 0 is any free port.
            host_port = f"{start}-{end}" if first == last and start != end else str(start + target - first)
        fields: dict[str, nodes.Node | str | None] = {
            "mode": "ingress",
            "host_ip": address or None,
            "target": nodes.parse_scalar(str(target), entry.location),
            "published": host_port,
            "protocol": protocol,
        }
        yield tree.make_mapping(entry.location, fields)


def _parse_range(text: str, *, minimum: int = 1) -> tuple[int, int]:
    match = _RANGE.fullmatch(text)
    first, last = (int(match["first"]), int(match["last"] or match["first"])) if match else (0, 0)
    if not match or not minimum <= first <= last <= 65535:
        raise ValueError("has a port outside 1-65535")
    return first, last


def expand_mount(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
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


def split_words(line: str) -> tuple[list[str], str]:
    """The words of a command, without quotes and backslashes, and the rest from the first operator of a shell.

    Docker Compose drops the rest without a message. Raises ValueError: a quote or bracket is not closed.

    >>> split_words("sh -c 'echo a b' && exit")
    (['sh', '-c', 'echo a b'], '&& exit')
    """
    words: list[str] = []
    word: str | None = None
    rest = ""
    for token in _TOKEN.finditer(line):
        kind, text = token.lastgroup, token[token.lastgroup or 0]
        if kind in ("command", "open") and text.startswith("(") and not (word or "").endswith("$"):
            raise ValueError("has a bracket of a shell")
        if kind == "open":
            raise ValueError("has an open quote, bracket or \\")
        if kind == "blanks":
            words += [] if word is None else [word]
            word = None
        elif kind == "rest":
            rest = text
            if text.startswith(">") and (word or "")[:1].isdigit():
                word = None  # a file descriptor
        else:
            text = re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL) if kind in ("double", "command") else text
            word = (word or "") + text
    return [*words, *([] if word is None else [word])], rest

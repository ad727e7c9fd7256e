"""Names: compose allows `My_DB`, Kubernetes needs a DNS label."""

import dataclasses
import hashlib
import re
from collections.abc import Collection, Mapping

from seaway.model.validate import structure

MAX_LENGTH = structure.MAX_STORE_NAME_LENGTH
"""A service can become a store, which has the shortest limit."""

RENAMED = "with the new names and paths"
"""The outcome of a text after `Renames.rewrite`."""

_HOST_VARIABLE = re.compile(
    r"HOST|SERVER|ADDR|ENDPOINT|UPSTREAM|BROKER|PEER|NODE|SERVICE|PROXY|BACKEND|LINK|^-h$", re.IGNORECASE
)

_OTHER_VARIABLE = re.compile(r"(?:USER|USERNAME|DB|DBNAME|DATABASE|SCHEMA|TYPE|PATH|PASSWORD)$", re.IGNORECASE)
_OTHER_KEY = re.compile(r"(?i:user\w*|uid|db|dbname|database|catalog|schema)[\"']?\s*[:=]\s*[\"']?[\w-]+")

_HOST_KEY = (
    r"(?i:host|hostname|servers?|address|addr|endpoint|brokers?|data source)[\"'\]]*(?:\s*(?:[:=]|=>)\s*|\s+)[\"']?"
)
"""The end of a key whose value is a host: ``host: db``, ``Server=db;``, ``server db;``, ``--redis-host db``."""


def to_dns_label(name: str, used_names: Collection[str] = (), max_length: int = MAX_LENGTH) -> str:
    """The name itself if it is a DNS label; else the closest unused label."""
    base = name if structure.DNS_LABEL.fullmatch(name) else re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not base or not base[0].isalpha():
        base = f"app-{base}".strip("-")
    if len(base) > max_length:
        base = f"{base[: max_length - 9].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    label, number = base, 1
    while label in used_names:
        number += 1
        label = f"{base[: max_length - 4].rstrip('-')}-{number}"
    return label


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Renames:
    """New names of hosts, and new paths of secrets, by the old."""

    hosts: Mapping[str, str]
    paths: Mapping[str, str]

    def rewrite(self, text: str, variable: str = "") -> str:
        """A text with the new names. ``variable``: the environment variable that holds it.

        A host name follows ``//``, ``@`` or a key like ``host=``, precedes ``:port``, or is in the list of a variable
        with a name like ``DB_HOST``. A database that has the same name as a service is not renamed.
        """
        for old, new in self.paths.items():
            text = re.sub(rf"{re.escape(old)}(?![\w.-])", new, text)
        for old, new in self.hosts.items():
            if old not in text:
                continue
            name = re.escape(old)
            text = re.sub(rf"(?<=//){name}(?=[:/?,]|$)|(?<=@){name}(?=[:/?,]|$)", new, text)
            text = re.sub(rf"(?:(?<=[,\s=\"'\[(])|^){name}(?=:[0-9]{{1,5}}(?![0-9]))", new, text)
            text = re.sub(rf"({_HOST_KEY}){name}(?=[\"',;&\s]|$)", rf"\1{new}", text)
        parts = text.split(",")
        is_list = len(parts) > 1 and all(part.strip() in {*self.hosts, *self.hosts.values()} for part in parts)
        if is_list or _HOST_VARIABLE.search(variable):
            text = ",".join(self.hosts.get(part, part) for part in parts)
        return text


def names_host(text: str, name: str, variable: str) -> bool:
    """Whether a text of a variable names a host, and not a database or a user of the same name."""
    return Renames(hosts={name: ""}, paths={}).rewrite(text, variable) != text


def find_old_name(text: str, renames: Renames, variable: str = "") -> str | None:
    """A host in a rewritten text that has another name in the cluster; None: there is none.

    The names of databases and users, schemes and paths are no hosts.
    """
    if _OTHER_VARIABLE.search(variable):
        return None
    text = _OTHER_KEY.sub("", text)
    pattern = r"(?<![\w./-]){}(?![\w-]|://)"
    return next((old for old in renames.hosts if re.search(pattern.format(re.escape(old)), text)), None)


def find_called_ports(text: str, names: Collection[str]) -> list[tuple[int, bool]]:
    """The ports at which a text calls hosts with these names, and whether it states them: ``api:8000``, ``http://api``.

    In nginx, ``http://api`` calls the group of servers of an ``upstream api``, and not a host.
    """
    ports: list[tuple[int, bool]] = []
    upstreams = re.findall(r"^\s*upstream\s+[\"']?([\w.-]+)", text, re.MULTILINE)
    for name in names:
        for match in re.finditer(rf"(?<![\w.-]){re.escape(name)}(?::([0-9]{{1,5}})(?![0-9]))?(?![\w.-])", text):
            before = text[: match.start()]
            scheme = re.search(r"(https?)://(?:[^/@\s]*@)?$", before)
            if re.search(r"(?:\bimage:\s*[\"']?|\bFROM\s+(?:--\S+\s+)?)$", before):
                continue  # postgres:13 is an image with its version
            if match[1] and 0 < int(match[1]) < 65536:
                ports.append((int(match[1]), True))
            elif scheme and name not in upstreams:
                ports.append((443 if scheme[1] == "https" else 80, False))
    return ports

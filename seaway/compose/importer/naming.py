"""Names: a compose service may be called `My_DB`, a service of Kubernetes is a DNS label."""

import dataclasses
import hashlib
import re
from collections.abc import Collection, Mapping

from seaway.model.validate import structure

MAX_LENGTH = structure.MAX_STORE_NAME_LENGTH
"""A service may become a store, whose names are the shortest."""


def to_dns_label(name: str, used_names: Collection[str] = (), max_length: int = MAX_LENGTH) -> str:
    """The name itself where it can be one; else the nearest that is free."""
    made = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") if not structure.DNS_LABEL.fullmatch(name) else name
    if not made or not made[0].isalpha():
        made = f"app-{made}".strip("-")
    if len(made) > max_length:
        made = f"{made[: max_length - 9].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    found, number = made, 1
    while found in used_names:
        number += 1
        found = f"{made[: max_length - 4].rstrip('-')}-{number}"
    return found


_HOST_VARIABLE = re.compile(
    r"HOST|SERVER|ADDR|ENDPOINT|UPSTREAM|BROKER|PEER|NODE|SERVICE|PROXY|BACKEND|LINK", re.IGNORECASE
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Renames:
    """What is called differently now: hosts, and paths of secrets."""

    hosts: Mapping[str, str]
    paths: Mapping[str, str]

    def rewrite(self, text: str, key: str = "") -> str:
        """A value with the names that things have here. ``key``: the variable's name.

        A host stands after ``//`` or ``@``, before ``:port``, or is the whole value of a variable that is called like
        one: a database that happens to be called as a service keeps its name.
        """
        for old, new in self.paths.items():
            text = re.sub(rf"{re.escape(old)}(?![\w.-])", new, text)
        for old, new in self.hosts.items():
            if old not in text:
                continue
            if text == old and _HOST_VARIABLE.search(key):
                return new
            name = re.escape(old)
            text = re.sub(rf"(?<=//){name}(?=[:/?,]|$)|(?<=@){name}(?=[:/?,]|$)", new, text)
            text = re.sub(rf"(?:(?<=[,\s=\"'\[(])|^){name}(?=:[0-9]{{1,5}}(?![0-9]))", new, text)
        return text


def find_called_ports(text: str, names: Collection[str]) -> list[int]:
    """The ports at which a text calls a host of these names: ``api:8000``, ``http://api`` (80)."""
    found: list[int] = []
    for name in names:
        for at in re.finditer(rf"(?<![\w.-]){re.escape(name)}(?::([0-9]{{1,5}})(?![0-9]))?(?![\w.-])", text):
            scheme = re.search(r"(https?)://(?:[^/@\s]*@)?$", text[: at.start()])
            if re.search(r"(?:\bimage:\s*[\"']?|\bFROM\s+(?:--\S+\s+)?)$", text[: at.start()]):
                continue  # postgres:13 is an image there, and 13 its version
            if at[1] and 0 < int(at[1]) < 65536:
                found.append(int(at[1]))
            elif scheme:
                found.append(443 if scheme[1] == "https" else 80)
    return found

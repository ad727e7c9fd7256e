"""The configuration of a stack as nodes, from its file or from Pulumi, and the settings in it.

Both adapters give one mapping of the `seaway:*` keys without that prefix. A secret's value is never in it.
"""

import contextlib
import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

from seaway.files import roots
from seaway.model import settings
from seaway.syntax import decode, diagnosis, nodes

PREFIX = "seaway:"

FINGERPRINT_KEY = "fingerprintKey"
"""Setting with the key of the secrets' fingerprints, itself a secret (``release.fingerprints``)."""


def read(path: Path) -> nodes.Table:
    """The values of a stack's file (`Pulumi.<stack>.yaml`), with their lines. Keys of other projects are left out.

    Raises problems.Invalid: no such file, or no YAML.
    """
    root = nodes.parse(load_bytes(path), path.name)
    own = {key: entry for key, entry in nodes.inside(root, "config").items() if key.startswith(PREFIX)}
    values = {key.removeprefix(PREFIX): nodes.Entry(entry.place, _written(entry.node)) for key, entry in own.items()}
    return nodes.Table(diagnosis.Place(path.name), values)


def load_bytes(path: Path) -> bytes:
    """A stack's file as it is. Raises problems.Invalid: it cannot be read."""
    hint = "pulumi stack init <stack> begins one"
    return roots.Root(path.parent).read(path, "the stack's file", diagnosis.Place(path.name), "", hint=hint)


def of(values: Mapping[str, str], file: str = "(config)") -> nodes.Table:
    """The values that pulumi.Config gives: texts, objects as JSON. ``{"registry": "...", "secrets": '{"A": "x"}'}``.

    Of `secrets` only the names are kept. Raises problems.Invalid where an object is cut short.
    """
    place = diagnosis.Place(file)
    entries = {key: nodes.Entry(place, _text(text, place)) for key, text in values.items()}
    for key in {"secrets", FINGERPRINT_KEY} & entries.keys():
        entries[key] = nodes.Entry(place, _hidden(entries[key].node) if key == "secrets" else nodes.Secure(place))
    return nodes.Table(place, entries)


def located(values: nodes.Table, file: nodes.Table) -> nodes.Table:
    """``values``, each with its place and its exact text in ``file`` where the file says the same.

    Pulumi hands on `1.10` as 1.1 and no lines; the file still knows them.
    """
    entries = {
        key: file.entries[key] if key in file.entries and _same(entry.node, file.entries[key].node) else entry
        for key, entry in values.entries.items()
    }
    return nodes.Table(file.place, entries)


def decode_settings(values: nodes.Table, stack: str) -> settings.Settings:
    """The settings of a stack. Raises problems.Invalid with everything that is wrong."""
    place = values.place
    apart = ("secrets", FINGERPRINT_KEY, "stack")
    entries = {key: entry for key, entry in values.entries.items() if key not in apart}
    entries["stack"] = nodes.Entry(place, nodes.Scalar(place, stack))
    decoded = decode.partly(settings.Settings, nodes.Table(place, entries), path=PREFIX)
    found = [*map(_runnable, decoded.problems), *_plain_secrets(values)]
    if "stack" in values.entries:
        at = values.entries["stack"].place
        found.append(diagnosis.Problem(at, "seaway:stack", "the stack's name comes from Pulumi", "remove the key"))
    if found or decoded.value is None:
        raise diagnosis.Invalid(found)
    return decoded.value


def app(values: nodes.Table) -> str:
    """Where the application's file is, whatever else is wrong with the settings."""
    entry = values.entries.get("app")
    return entry.node.text if entry and isinstance(entry.node, nodes.Scalar) else "app/app.yaml"


def find_root(values: nodes.Table, folder: Path) -> roots.Root:
    """Where the application may name files, whatever else is wrong with the settings; ``folder``: the project's.

    Raises problems.Invalid: it is to be a git repository, and there is none.
    """
    entry = values.entries.get("root")
    if entry is None or not isinstance(entry.node, nodes.Scalar) or entry.node.text != "git":
        return roots.find_root(folder)
    try:
        return roots.find_root(folder, "git")
    except diagnosis.Invalid as error:
        raise diagnosis.Invalid(dataclasses.replace(one, place=entry.place) for one in error.problems) from None


def builds(values: nodes.Table) -> bool:
    """Whether the stack builds from the working tree, whatever else is wrong with the settings."""
    entry = values.entries.get("build")
    return not (entry and isinstance(entry.node, nodes.Scalar) and entry.node.text == "false")


def overlay(values: nodes.Table) -> nodes.Node | None:
    """What the environment says differently, with its places; None where it says nothing."""
    entry = values.entries.get("overlay")
    return entry.node if entry else None


def secrets(values: nodes.Table) -> Mapping[str, diagnosis.Place]:
    """The names of the secrets that have a value, and where it stands."""
    return {name: entry.place for name, entry in nodes.inside(values, "secrets").items()}


def secrets_given(values: nodes.Table) -> frozenset[str]:
    """The names of the secrets that have a value."""
    return frozenset(secrets(values))


def _runnable(problem: diagnosis.Problem) -> diagnosis.Problem:
    """What is missing is set with a command."""
    if problem.wrong != "is missing":
        return problem
    return dataclasses.replace(problem, wrong="is not set", remedy=f"pulumi config set {problem.path} <value>")


def _plain_secrets(values: nodes.Table) -> list[diagnosis.Problem]:
    key, found = values.entries.get(FINGERPRINT_KEY), list[diagnosis.Problem]()
    if key is not None and not isinstance(key.node, nodes.Secure):
        remedy = f"openssl rand -hex 32 | pulumi config set --secret {PREFIX}{FINGERPRINT_KEY}"
        found.append(diagnosis.Problem(key.place, f"{PREFIX}{FINGERPRINT_KEY}", "is not encrypted", remedy))
    entry = values.entries.get("secrets")
    if entry is None:
        return found
    if not isinstance(entry.node, nodes.Table):
        wrong = "is no mapping from name to secret"
        return [*found, diagnosis.Problem(entry.place, "seaway:secrets", wrong, _set("NAME"))]
    return [*found] + [
        diagnosis.Problem(inner.place, f"seaway:secrets.{name}", "is not encrypted", _set(name))
        for name, inner in entry.node.entries.items()
        if not isinstance(inner.node, nodes.Secure)
    ]


def _set(name: str) -> str:
    return f"pulumi config set --secret --path 'seaway:secrets.{name}'"


def _written(node: nodes.Node) -> nodes.Node:
    """A value as it stands in the file: `pulumi config set` quotes numbers, and writes objects either way."""
    return _text(node.text, node.place) if isinstance(node, nodes.Scalar) else _secured(node)


def _text(text: str, place: diagnosis.Place) -> nodes.Node:
    return nodes.parse(text, place.file, at=place) if text.startswith(("{", "[")) else nodes.scalar(text, place)


def _secured(node: nodes.Node) -> nodes.Node:
    match node:
        case nodes.Table() if set(node.entries) == {"secure"}:
            return nodes.Secure(node.place)
        case nodes.Table():
            inside = {key: nodes.Entry(entry.place, _secured(entry.node)) for key, entry in node.entries.items()}
            return nodes.Table(node.place, inside)
        case nodes.Items():
            return nodes.Items(node.place, tuple(map(_secured, node.items)))
        case _:
            return node


def _hidden(node: nodes.Node) -> nodes.Node:
    if not isinstance(node, nodes.Table):
        return nodes.Secure(node.place)
    inside = {key: nodes.Entry(entry.place, nodes.Secure(node.place)) for key, entry in node.entries.items()}
    return nodes.Table(node.place, inside)


def _same(given: nodes.Node, written: nodes.Node) -> bool:
    match given, written:
        case nodes.Table(), nodes.Table():
            return given.entries.keys() == written.entries.keys() and all(
                _same(entry.node, written.entries[key].node) for key, entry in given.entries.items()
            )
        case nodes.Items(), nodes.Items():
            return len(given.items) == len(written.items) and all(map(_same, given.items, written.items))
        case _, nodes.Secure():
            return True
        case nodes.Secure(), _:  # a secret that stands in the file in plain text: the file's place says so
            return True
        case nodes.Scalar(), nodes.Scalar():
            return nodes.plain(given) == nodes.plain(written) or given.text == written.text or _reread(given, written)
        case _:
            return False


def _reread(given: nodes.Scalar, written: nodes.Scalar) -> bool:
    """Is it what Pulumi makes of the text? It reads YAML 1.1: `0755` is 493, `1_000` is 1000, a date is a moment."""
    if given.kind == "int":
        with contextlib.suppress(ValueError):
            return nodes.whole(given) == int(written.text, 8 if re.fullmatch("0[0-7_]+", written.text) else 0)
    day = re.match(r"\d{4}-\d{2}-\d{2}", written.text)
    return day is not None and given.text.startswith(f"{day.group()} ") and given.text.endswith(" UTC")

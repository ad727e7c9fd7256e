"""The user's kubeconfig: the files that kubectl would read, and one context of them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml
from lightkube.config import kubeconfig
from lightkube.core import exceptions

from seaway import errors

CONTEXT_HINT = "choose another: pulumi config set seaway:context NAME"

_KINDS = {"clusters": "cluster", "contexts": "context", "users": "user"}
_PATHS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


def list_files(environ: Mapping[str, str]) -> list[Path]:
    """The files of ``KUBECONFIG``, or kubectl's default; some may not exist."""
    named = [Path(name) for name in environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    return named or [Path.home() / ".kube" / "config"]


def select_context(context: str, environ: Mapping[str, str]) -> kubeconfig.SingleConfig:
    """Server and credentials of a context.

    Raises:
        errors.Unavailable: no file, no such context, or a file that is not a kubeconfig.
    """
    sources = list_files(environ)
    where = ", ".join(map(str, sources))
    found = [path for path in sources if path.is_file()]
    if not found:
        raise errors.Unavailable(f'no kubeconfig at {where} to find context "{context}" in; set KUBECONFIG')
    merged = _merge_files(found)
    contexts = sorted(entry["name"] for entry in merged["contexts"])
    if context not in contexts:
        has = ", ".join(contexts) or "none"
        raise errors.Unavailable(f'{where} has no context "{context}" (it has: {has}); {CONTEXT_HINT}')
    try:
        config = kubeconfig.KubeConfig.from_dict(merged).get(context)  # pyright: ignore[reportUnknownMemberType]
    except (exceptions.ConfigError, KeyError, TypeError, ValueError) as error:
        raise errors.Unavailable(f'context "{context}" of {where} is incomplete: {error}; {CONTEXT_HINT}') from error
    if config is None or config.user is None:
        raise errors.Unavailable(f'context "{context}" of {where} names no user; {CONTEXT_HINT}')
    return config


def _merge_files(found: list[Path]) -> dict[str, list[dict[str, Any]]]:
    """All entries of all files; the first of a name wins, as with kubectl."""
    merged: dict[str, list[dict[str, Any]]] = {name: [] for name in _KINDS}
    for path in found:
        try:
            content = cast(dict[str, list[dict[str, Any]]], yaml.safe_load(path.read_text()) or {})
            for name, kind in _KINDS.items():
                known = {entry["name"] for entry in merged[name]}
                entries = [_resolve_paths(entry, kind, path.parent) for entry in content.get(name) or []]
                merged[name] += [entry for entry in entries if entry["name"] not in known]
        except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
            first = str(error).splitlines()[0]
            raise errors.Unavailable(
                f"{path} is not a readable kubeconfig: {first}; mend it or set KUBECONFIG"
            ) from error
    return merged


def _resolve_paths(entry: dict[str, Any], kind: str, folder: Path) -> dict[str, Any]:
    """An entry with its relative paths made absolute: they are relative to their own file."""
    body = dict(cast(dict[str, Any], entry[kind]))
    body.update({key: str(folder / body[key]) for key in _PATHS if body.get(key)})
    if body.get("exec"):
        body["exec"] = _convert_credential_program(body["exec"], folder)
    return {"name": entry["name"], kind: body}


def _convert_credential_program(plugin: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A credential program. A command with a slash is relative to the file, others are found on PATH.

    The client library knows the protocol's beta only; version 1 answers the same for a token.
    """
    command = str(plugin["command"])
    return {
        **plugin,
        "command": str(folder / command) if "/" in command else command,
        "apiVersion": "client.authentication.k8s.io/v1beta1",
    }

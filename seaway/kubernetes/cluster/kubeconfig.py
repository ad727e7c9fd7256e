"""Reads one context of the user's kubeconfig, from the files that kubectl reads."""

import functools
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml
from lightkube.config import kubeconfig
from lightkube.core import exceptions

from seaway import errors

CONTEXT_HINT = "choose another: pulumi config set seaway:context NAME"

_SECTIONS = {"clusters": "cluster", "contexts": "context", "users": "user"}
_PATHS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


def list_files(environ: Mapping[str, str]) -> list[Path]:
    """The files of ``KUBECONFIG``, or kubectl's default. They may not exist."""
    files = [Path(name) for name in environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    return files or [Path.home() / ".kube" / "config"]


def select_context(context: str, environ: Mapping[str, str]) -> kubeconfig.SingleConfig:
    """Server and credentials of a context."""
    files = list_files(environ)
    file_names = ", ".join(map(str, files))
    existing = [path for path in files if path.is_file()]
    if not existing:
        raise errors.Unavailable(f'no kubeconfig at {file_names} for context "{context}"; set KUBECONFIG')
    merged = _merge_files(existing)
    contexts = sorted(member["name"] for member in merged["contexts"])
    if context not in contexts:
        known = ", ".join(contexts) or "none"
        raise errors.Unavailable(f'{file_names} has no context "{context}" (contexts: {known}); {CONTEXT_HINT}')
    try:
        config = kubeconfig.KubeConfig.from_dict(merged).get(context)  # pyright: ignore[reportUnknownMemberType]
    except (exceptions.ConfigError, KeyError, TypeError, ValueError) as error:
        raise errors.Unavailable(
            f'context "{context}" of {file_names} is incomplete: {error}; {CONTEXT_HINT}'
        ) from error
    if config is None or config.user is None:
        raise errors.Unavailable(f'context "{context}" of {file_names} has no user; {CONTEXT_HINT}')
    if config.cluster.insecure:
        _warn_unverified(context)
    return config


@functools.cache
def _warn_unverified(context: str) -> None:
    """Warn once per process and context."""
    message = (
        "accepts any certificate of the API server (insecure-skip-tls-verify), so others on the network can pose as it"
    )
    print(f'seaway: context "{context}" {message}; set certificate-authority-data in the kubeconfig', file=sys.stderr)


def _merge_files(files: list[Path]) -> dict[str, list[dict[str, Any]]]:
    """The clusters, contexts and users of all files; the first of a name wins, as in kubectl."""
    merged: dict[str, list[dict[str, Any]]] = {section: [] for section in _SECTIONS}
    for path in files:
        try:
            content = cast(dict[str, list[dict[str, Any]]], yaml.safe_load(path.read_text()) or {})
            for section, kind in _SECTIONS.items():
                known = {member["name"] for member in merged[section]}
                members = [_resolve_paths(member, kind, path.parent) for member in content.get(section) or []]
                merged[section] += [member for member in members if member["name"] not in known]
        except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
            first = str(error).splitlines()[0]
            raise errors.Unavailable(
                f"{path} is not a readable kubeconfig: {first}; fix it or set KUBECONFIG"
            ) from error
    return merged


def _resolve_paths(member: dict[str, Any], kind: str, folder: Path) -> dict[str, Any]:
    """A cluster, context or user with absolute paths: relative ones are relative to their own file."""
    body = dict(cast(dict[str, Any], member[kind]))
    body.update({key: str(folder / body[key]) for key in _PATHS if body.get(key)})
    if body.get("exec"):
        body["exec"] = _convert_credential_program(body["exec"], folder)
    return {"name": member["name"], kind: body}


def _convert_credential_program(program: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A command with a slash is relative to the file; others are on the PATH.

    The client library knows only the beta version of the protocol. Version 1 answers the same for a token.
    """
    command = str(program["command"])
    return {
        **program,
        "command": str(folder / command) if "/" in command else command,
        "apiVersion": "client.authentication.k8s.io/v1beta1",
    }

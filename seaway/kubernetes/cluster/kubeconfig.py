"""Reads one context of the user's kubeconfig, from the files that kubectl reads."""

import dataclasses
import functools
import os
import sys
import urllib.parse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml
from lightkube.config import kubeconfig, models
from lightkube.core import exceptions

from seaway import errors

CONTEXT_HINT = "choose another: pulumi config set seaway:context NAME"

_SECTIONS = {"clusters": "cluster", "contexts": "context", "users": "user"}
_PATHS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOptions:
    """The fields of a context that the client library does not know.

    https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
    """

    proxy: str | None = None
    tls_server_name: str | None = None
    headers: Sequence[tuple[str, str]] = ()
    """Of impersonation. https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation"""


def list_files(environ: Mapping[str, str]) -> list[Path]:
    """The files of ``KUBECONFIG``, or kubectl's default. They may not exist."""
    files = [Path(name) for name in environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    return files or [Path.home() / ".kube" / "config"]


def select_context(context: str, environ: Mapping[str, str]) -> tuple[kubeconfig.SingleConfig, ConnectionOptions]:
    """Server and credentials of a context, as kubectl reads them."""
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
    if config is None:
        raise errors.Unavailable(f'context "{context}" of {file_names} is incomplete; {CONTEXT_HINT}')
    cluster, user = (
        next((dict(member[kind]) for member in merged[section] if member["name"] == name), dict[str, Any]())
        for section, kind, name in (
            ("clusters", "cluster", config.context.cluster),
            ("users", "user", config.context.user),
        )
    )
    options = ConnectionOptions(
        proxy=cluster.get("proxy-url") or None,
        tls_server_name=cluster.get("tls-server-name") or None,
        headers=_build_impersonation(user),
    )
    if config.cluster.insecure and config.cluster.server.startswith("https:"):
        _warn_unverified(context)
    # Without a user, requests are anonymous.
    return config._replace(user=config.user or models.User()), options


def _build_impersonation(user: Mapping[str, Any]) -> list[tuple[str, str]]:
    headers = [("Impersonate-User", user["as"])] if user.get("as") else []
    headers += [("Impersonate-Uid", user["as-uid"])] if user.get("as-uid") else []
    headers += [("Impersonate-Group", group) for group in user.get("as-groups") or ()]
    extra: Mapping[str, Sequence[str]] = user.get("as-user-extra") or {}
    headers += [
        (f"Impersonate-Extra-{urllib.parse.quote(key, safe='')}", text)
        for key, texts in extra.items()
        for text in texts
    ]
    if headers and not user.get("as"):
        raise errors.Unavailable("the kubeconfig has as-uid, as-groups or as-user-extra without as; add `as`")
    return headers


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

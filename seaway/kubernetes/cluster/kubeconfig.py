"""Reads one context of the user's kubeconfig as kubectl does.

https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
https://github.com/kubernetes/client-go/blob/v0.34.4/tools/clientcmd/validation.go
"""

import base64
import binascii
import contextlib
import dataclasses
import functools
import ipaddress
import os
import re
import ssl
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import httpx2
import yaml

from seaway import errors
from seaway.kubernetes.cluster import credentials

CONTEXT_HINT = "choose another: pulumi config set seaway:context NAME"

_SECTIONS = {"clusters": "cluster", "contexts": "context", "users": "user"}
_PATHS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
_CONFLICTS = (
    ("certificate-authority", "certificate-authority-data"),
    ("certificate-authority", "insecure-skip-tls-verify"),
    ("certificate-authority-data", "insecure-skip-tls-verify"),
    ("client-certificate", "client-certificate-data"),
    ("client-key", "client-key-data"),
    ("token", "username"),
    ("token", "password"),
    ("auth-provider", "exec"),
)
_INTERACTIVE_MODES = ("Never", "IfAvailable", "Always")
_EXEC_EXTENSION = "client.authentication.k8s.io/exec"

_Body = Mapping[str, Any]
"""A cluster, a context or a user."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The server of a context, and how a client connects to it."""

    server: str
    """Its URL."""
    tls: ssl.SSLContext | bool = False
    """False: without TLS."""
    auth: httpx2.Auth | None = None
    """None: requests are anonymous, or have a client certificate."""
    proxy: str | None = None
    tls_server_name: str | None = None
    headers: Sequence[tuple[str, str]] = ()
    """Of impersonation. https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation"""


def list_files(environ: Mapping[str, str]) -> list[Path]:
    """The files of ``KUBECONFIG``, or kubectl's default. They may not exist."""
    files = [Path(name).absolute() for name in environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    return files or [Path.home() / ".kube" / "config"]


def select_context(context: str, environ: Mapping[str, str]) -> Connection:
    """Server and credentials of a context."""
    files = list_files(environ)
    file_names = ", ".join(map(str, files))
    existing = [path for path in files if path.is_file()]
    if not existing:
        raise errors.Unavailable(f'no kubeconfig at {file_names} for context "{context}"; set KUBECONFIG')
    merged = _merge_files(existing)
    if context not in merged["contexts"]:
        known = ", ".join(sorted(merged["contexts"])) or "none"
        raise errors.Unavailable(f'{file_names} has no context "{context}" (contexts: {known}); {CONTEXT_HINT}')
    names = merged["contexts"][context]
    cluster, user = (
        merged[section].get(names.get(kind) or "", {}) for section, kind in (("clusters", "cluster"), ("users", "user"))
    )
    try:
        faults = [*_list_faults(names, cluster, user, merged)]
        if not faults:
            return _connect(context, cluster, user)
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # AttributeError: a value has another type
        faults = [str(error)]
    raise errors.Unavailable(f'context "{context}" of {file_names} cannot be used: {"; ".join(faults)}; {CONTEXT_HINT}')


def _connect(context: str, cluster: _Body, user: _Body) -> Connection:
    server, proxy = str(cluster["server"]), cluster.get("proxy-url")
    # Go reads `host:6443` as a URL without a scheme too.
    server = server if "://" in server else f"http://{server}"
    headers = _build_impersonation(user)
    if not server.startswith("https:"):
        # Like kubectl: no secret is sent in plain text.
        return Connection(server=server, proxy=proxy or _find_proxy(server), headers=headers)
    authority = _read_pem(cluster, "certificate-authority")
    if cluster.get("insecure-skip-tls-verify"):
        _warn_unverified(context)
        tls = httpx2.create_ssl_context(verify=False)
    elif authority:
        # Without the stricter checks of ssl.create_default_context, which Go does not make.
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            tls.load_verify_locations(cadata=authority)
        except ssl.SSLError as error:
            raise ValueError("its certificate-authority is not a certificate") from error
    else:
        tls = httpx2.create_ssl_context()
    if certificate := _read_pem(user, "client-certificate"):
        credentials.load_certificate(tls, f"{certificate}\n{_read_pem(user, 'client-key')}\n")
    auth: httpx2.Auth | None = None
    if user.get("token") or user.get("tokenFile"):
        auth = credentials.Token(user.get("token") or "", user.get("tokenFile"))
    elif user.get("username") or user.get("password"):
        auth = httpx2.BasicAuth(user.get("username") or "", user.get("password") or "")
    elif user.get("exec") and not certificate:
        info = _describe_cluster(cluster, server, authority)
        auth = credentials.CredentialProgram(user["exec"], context=context, cluster=info, tls=tls)
    return Connection(
        server=server,
        tls=tls,
        auth=auth,
        proxy=proxy or _find_proxy(server),
        tls_server_name=cluster.get("tls-server-name"),
        headers=headers,
    )


def _list_faults(names: _Body, cluster: _Body, user: _Body, merged: Mapping[str, Mapping[str, _Body]]) -> Iterator[str]:
    """What kubectl refuses too."""
    if names.get("cluster") not in merged["clusters"]:
        yield f'there is no cluster "{names.get("cluster") or ""}"'
    elif not cluster.get("server"):
        yield "its cluster has no server"
    if names.get("user") and names["user"] not in merged["users"]:
        yield f'there is no user "{names["user"]}"'
    for conflicting in _CONFLICTS:
        if all(cluster.get(key) or user.get(key) for key in conflicting):
            yield f"it has both {' and '.join(conflicting)}"
    if any(map(user.get, _pair("client-certificate"))) and not any(map(user.get, _pair("client-key"))):
        yield "its client-certificate has no client-key"
    if any(user.get(key) for key in ("as-uid", "as-groups", "as-user-extra")) and not user.get("as"):
        yield "it has as-uid, as-groups or as-user-extra without as; add `as`"
    if provider := cast(_Body, user.get("auth-provider")):
        yield f"its auth-provider {provider.get('name')} is not supported; use its credential program (`exec`) instead"
    if program := cast(_Body, user.get("exec")):
        yield from _list_program_faults(program)


def _list_program_faults(program: _Body) -> Iterator[str]:
    mode, version = program.get("interactiveMode"), str(program.get("apiVersion"))
    if not program.get("command"):
        yield "its exec has no command"
    if version not in credentials.API_VERSIONS:
        yield f"the apiVersion of its exec is {version}, not one of {', '.join(credentials.API_VERSIONS)}"
    elif mode not in _INTERACTIVE_MODES and (mode is not None or version == credentials.API_VERSIONS[0]):
        yield f"the interactiveMode of its exec is {mode or 'missing'}, not one of {', '.join(_INTERACTIVE_MODES)}"


def _pair(name: str) -> tuple[str, str]:
    """The key of a file, and that of its content."""
    return name, f"{name}-data"


def _read_pem(body: _Body, name: str) -> str:
    """The text of a certificate or key; empty: there is none."""
    path, encoded = map(body.get, _pair(name))
    try:
        encoded = "".join((encoded or "").split())  # YAML may fold it
        content = base64.b64decode(encoded, validate=True) if encoded else Path(path).read_bytes() if path else b""
        return content.decode("ascii", errors="replace")
    except binascii.Error as error:
        raise ValueError(f"{name}-data is not Base64") from error
    except OSError as error:
        raise ValueError(f"{name} {path} cannot be read: {error.strerror}") from error


def _describe_cluster(cluster: _Body, server: str, authority: str) -> dict[str, Any]:
    """What a credential program gets to know.

    https://kubernetes.io/docs/reference/config-api/client-authentication.v1/#client-authentication-k8s-io-v1-Cluster
    """
    keys = ("tls-server-name", "insecure-skip-tls-verify", "proxy-url", "disable-compression")
    extensions = {extension["name"]: extension.get("extension") for extension in cluster.get("extensions") or ()}
    encoded = base64.b64encode(authority.encode()).decode()
    return {
        "server": server,
        **{key: cluster[key] for key in keys if cluster.get(key)},
        **({"certificate-authority-data": encoded} if encoded else {}),
        "config": extensions.get(_EXEC_EXTENSION),
    }


def _find_proxy(server: str) -> str | None:
    """The proxy of the environment, by the rules of Go: `NO_PROXY` may have networks, and this machine needs none.

    https://pkg.go.dev/golang.org/x/net/http/httpproxy
    """
    url, variables = httpx2.URL(server), urllib.request.getproxies_environment()
    proxy = variables.get(url.scheme)
    if not proxy or url.host == "localhost" or _is_excluded(url, variables.get("no", "")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_excluded(url: httpx2.URL, excluded: str) -> bool:
    address = None
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(url.host)
        if address.is_loopback:
            return True
    for word in excluded.lower().replace(",", " ").split():
        name, _, port = word.partition(":") if re.fullmatch(r"[^:]+:\d+", word) else (word, "", "")
        suffix = name.removeprefix("*")
        matches = url.host.endswith(suffix) if suffix.startswith(".") else f".{url.host}".endswith(f".{suffix}")
        with contextlib.suppress(ValueError):
            matches = matches or (address is not None and address in ipaddress.ip_network(name, strict=False))
        if name == "*" or (matches and port in ("", str(url.port or "443"))):
            return True
    return False


def _build_impersonation(user: _Body) -> list[tuple[str, str]]:
    extra: Mapping[str, Sequence[str]] = user.get("as-user-extra") or {}
    headers = [
        ("Impersonate-User", user.get("as")),
        ("Impersonate-Uid", user.get("as-uid")),
        *(("Impersonate-Group", group) for group in user.get("as-groups") or ()),
        *((f"Impersonate-Extra-{urllib.parse.quote(key, safe='')}", text) for key in extra for text in extra[key]),
    ]
    return [(name, str(text)) for name, text in headers if text]


@functools.cache
def _warn_unverified(context: str) -> None:
    """Warn once per process and context."""
    message = (
        "accepts any certificate of the API server (insecure-skip-tls-verify), so others on the network can pose as it"
    )
    print(f'seaway: context "{context}" {message}; set certificate-authority-data in the kubeconfig', file=sys.stderr)


def _merge_files(files: Iterable[Path]) -> dict[str, dict[str, dict[str, Any]]]:
    """The clusters, contexts and users of all files, by name; the first of a name wins, as in kubectl."""
    merged: dict[str, dict[str, dict[str, Any]]] = {section: {} for section in _SECTIONS}
    for path in files:
        try:
            content = cast(dict[str, list[dict[str, Any]]], yaml.safe_load(path.read_text()) or {})
            for section, kind in _SECTIONS.items():
                for member in content.get(section) or []:
                    body = _resolve_paths(member.get(kind) or {}, path.parent)
                    merged[section].setdefault(member["name"], body)
        except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
            first = str(error).splitlines()[0]
            raise errors.Unavailable(
                f"{path} is not a readable kubeconfig: {first}; fix it or set KUBECONFIG"
            ) from error
    return merged


def _resolve_paths(declared: _Body, folder: Path) -> dict[str, Any]:
    """A cluster, context or user with absolute paths: relative ones are relative to their own file."""
    body = dict(declared)
    body.update({key: str(folder / body[key]) for key in _PATHS if body.get(key)})
    command = body["exec"].get("command") if isinstance(body.get("exec"), dict) else None
    if command and "/" in command:  # others are on the PATH
        body["exec"] = {**body["exec"], "command": str(folder / command)}
    return body

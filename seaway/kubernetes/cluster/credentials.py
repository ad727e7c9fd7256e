"""How a client proves who it is: with a token, with a token file, or with a credential program of the kubeconfig.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

import asyncio
import dataclasses
import datetime
import http
import json
import os
import ssl
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import httpx2

from seaway import errors, programs

API_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")

TIMEOUT = 60.0
"""Seconds for a program that talks to nobody. One that may ask the user has no limit, as with kubectl."""


class Token(httpx2.Auth):
    """A token. ``file``: is read for each request, because its token is renewed; the last one that was read counts.

    https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/#AuthInfo
    """

    def __init__(self, token: str, file: str | None = None) -> None:
        self._token = token
        self._file = file

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        if self._file is not None:
            try:
                self._token = Path(self._file).read_text().strip() or self._token
            except OSError as error:
                if not self._token:
                    message = f"the token file {self._file} of the kubeconfig cannot be read: {error.strerror}"
                    raise errors.Unauthenticated(message) from error
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Credential:
    token: str = ""
    certificate: str = ""
    """PEM of the certificate and its key."""
    expires: datetime.datetime | None = None

    def has_expired(self) -> bool:
        return self.expires is not None and self.expires <= datetime.datetime.now(datetime.UTC)


class CredentialProgram(httpx2.Auth):
    """Runs a program for a token, or a client certificate. It runs again when they expire or the server refuses them.

    Args:
        config: ``exec`` of the user in the kubeconfig.
        context: name of the context, for messages.
        cluster: what a program with ``provideClusterInfo`` gets to know.
        tls: gets the certificate.

    Raises:
        errors.Unauthenticated: while a request is sent: the program fails, or its answer is invalid.
    """

    def __init__(
        self, config: Mapping[str, Any], *, context: str, cluster: Mapping[str, Any], tls: ssl.SSLContext
    ) -> None:
        self._config = config
        self._context = context
        self._cluster = cluster
        self._tls = tls
        self._credential: _Credential | None = None
        self._renewal: asyncio.Task[_Credential] | None = None
        self.close_connections: Callable[[], Awaitable[None]] | None = None
        """Called when the certificate changes: open connections have the old one."""

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        used = await self.prepare()
        response = yield self._authorize(request, used)
        if response.status_code == http.HTTPStatus.UNAUTHORIZED:
            await response.aread()
            yield self._authorize(request, await self.prepare(refused=used))

    async def prepare(self, *, refused: _Credential | None = None) -> _Credential:
        """Run the program, unless it has run and its answer is valid. ``refused``: the server does not accept it."""
        known = self._credential
        if known is not None and known is not refused and not known.has_expired():
            return known
        if self._renewal is None:  # one run for all requests: it may ask the user
            self._renewal = asyncio.create_task(self._renew())
            self._renewal.add_done_callback(self._end_renewal)
        return await asyncio.shield(self._renewal)

    def _end_renewal(self, _: object) -> None:
        self._renewal = None

    async def _renew(self) -> _Credential:
        before = self._credential
        # In a thread: a cancelled start of a process of asyncio may wait without end.
        credential = self._parse(await asyncio.to_thread(self._run))
        if credential.certificate and credential.certificate != (before and before.certificate):
            try:
                load_certificate(self._tls, credential.certificate)
            except ValueError as error:
                raise self._fail(f"returned what cannot be used: {error}") from error
            if before and self.close_connections:
                await self.close_connections()
        self._credential = credential
        return credential

    def _authorize(self, request: httpx2.Request, credential: _Credential) -> httpx2.Request:
        if credential.token:
            request.headers["Authorization"] = f"Bearer {credential.token}"
        return request

    def _run(self) -> bytes:
        """The output of the program."""
        mode, is_terminal = self._config.get("interactiveMode"), sys.stdin is not None and sys.stdin.isatty()
        if mode == "Always" and not is_terminal:
            raise self._fail("asks the user, and there is no terminal (interactiveMode: Always)")
        is_interactive = mode != "Never" and is_terminal
        try:
            command = [self._config["command"], *(self._config.get("args") or ())]
            env = self._build_environment(is_interactive=is_interactive)
            if is_interactive:  # it asks the user, who ends it
                done = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=False)
            else:
                done = programs.run(command, env=env, timeout=TIMEOUT)
        except OSError as error:
            reason = error.strerror or str(error)
            raise self._fail(reason if error.errno is None else f"cannot be run: {reason.lower()}") from error
        if done.returncode:
            messages = (done.stderr or b"").decode(errors="replace")
            raise self._fail(f"failed with exit code {done.returncode}", messages)
        return done.stdout

    def _build_environment(self, *, is_interactive: bool) -> dict[str, str]:
        spec: dict[str, Any] = {"interactive": is_interactive}
        if self._config.get("provideClusterInfo"):
            spec["cluster"] = self._cluster
        info = {"kind": "ExecCredential", "apiVersion": self._config["apiVersion"], "spec": spec}
        own = {variable["name"]: variable["value"] for variable in self._config.get("env") or ()}
        return {**os.environ, **own, "KUBERNETES_EXEC_INFO": json.dumps(info)}

    def _parse(self, output: bytes) -> _Credential:
        """The credential in the output of the program."""
        try:
            answer: dict[str, Any] = json.loads(output)
            version, kind = answer.get("apiVersion"), answer.get("kind")
            status: dict[str, Any] = answer.get("status") or {}
            token, expires = str(status.get("token") or ""), status.get("expirationTimestamp")
            certificate, key = (str(status.get(name) or "") for name in ("clientCertificateData", "clientKeyData"))
            # With a time zone, whatever the program wrote.
            expiry = datetime.datetime.fromisoformat(expires).astimezone(datetime.UTC) if expires else None
        except (ValueError, AttributeError, TypeError) as error:
            raise self._fail(f"printed no ExecCredential: {error}") from error
        if version != self._config["apiVersion"] or kind != "ExecCredential":
            raise self._fail(f"printed {kind} of {version}, not ExecCredential of {self._config['apiVersion']}")
        if bool(certificate) != bool(key):
            raise self._fail("returned only one of clientCertificateData and clientKeyData")
        if not token and not certificate:
            raise self._fail("returned neither a token nor a client certificate")
        pem = f"{certificate}\n{key}\n" if certificate else ""
        return _Credential(token=token, certificate=pem, expires=expiry)

    def _fail(self, reason: str, messages: str = "") -> errors.Unauthenticated:
        """The error, with the program's own messages and the kubeconfig's hint."""
        command = self._config["command"]
        lines = [f'the credential program {command} of context "{self._context}" {reason}']
        lines += [*messages.strip().splitlines(), *str(self._config.get("installHint") or "").strip().splitlines()]
        return errors.Unauthenticated("\n  ".join(lines))


def load_certificate(tls: ssl.SSLContext, pem: str) -> None:
    """Use a client certificate, with its key in the same text.

    Raises:
        ValueError: it is invalid, or encrypted.
    """
    with tempfile.NamedTemporaryFile() as file:  # closed to other users; OpenSSL reads only files
        file.write(pem.encode())
        file.flush()
        try:
            tls.load_cert_chain(file.name, password="")
        except ssl.SSLError as error:
            raise ValueError("the client certificate does not fit its key, or one of them is invalid") from error

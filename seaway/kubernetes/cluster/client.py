"""A small client of one cluster: credentials and TLS from the kubeconfig, one timeout, errors in one line."""

import asyncio
import contextlib
import http
import os
import re
import socket
import ssl
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Any, TypeVar, cast

import httpx2

from seaway import errors
from seaway.kubernetes.api import json_text, kinds
from seaway.kubernetes.cluster import credentials, kubeconfig, websocket

DEVELOPMENT_CONTEXT = "seaway-dev"
MAX_CONCURRENT_REQUESTS = 20
Result = TypeVar("Result")

_MISSING_PERMISSION = re.compile(r'cannot (\w+) resource "([^"]+)"')
"""https://kubernetes.io/docs/reference/access-authn-authz/authorization/"""


class KubeClient:
    """The cluster of a context. A request raises ``errors.Unavailable`` if the cluster cannot be reached, or refuses.

    Args:
        context: name of the kubeconfig's context.
        timeout: seconds for one request, including credentials and connection.
    """

    def __init__(self, *, context: str, timeout: float) -> None:
        self.context = context
        self._timeout = timeout
        self._connection = connection = kubeconfig.select_context(context, os.environ)
        try:
            transport = httpx2.AsyncHTTPTransport(verify=connection.tls, proxy=connection.proxy)
            self._http = httpx2.AsyncClient(
                base_url=connection.server, auth=connection.auth, timeout=timeout, transport=transport
            )
        except (httpx2.InvalidURL, ImportError, ValueError) as error:
            raise errors.Unavailable(
                f'the server or the proxy of context "{context}" cannot be used: {error}; {kubeconfig.CONTEXT_HINT}'
            ) from error
        if isinstance(connection.auth, credentials.CredentialProgram):
            connection.auth.close_connections = transport.aclose
        # Only a response of which the body was read has the reason of a refusal.
        self._http.event_hooks = {"request": [_build_request_hook(connection)], "response": [_read_error]}

    @property
    def server(self) -> str:
        """Address of the API server."""
        return self._connection.server

    async def get_cluster_uid(self) -> str:
        """The identity of the cluster: the UID of its kube-system namespace."""
        answer = await self.get(kinds.build_path("Namespace", name="kube-system"))
        return answer["metadata"]["uid"]

    async def get(self, path: str, **query: str) -> Any:
        """The object or list at a path of the API. It must exist."""
        return self._parse_body(await self._request("GET", path, query), path)

    async def find(self, path: str) -> Any | None:
        """The object at a path; None if it does not exist."""
        response = await self._request("GET", path, {})
        return None if response.status_code == http.HTTPStatus.NOT_FOUND else self._parse_body(response, path)

    async def gather(self, requests: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
        """The results of many requests, with a limited number at a time."""
        limit = asyncio.Semaphore(MAX_CONCURRENT_REQUESTS)

        async def wait_for(request: Coroutine[Any, Any, Result]) -> Result:
            async with limit:
                return await request

        return await asyncio.gather(*map(wait_for, requests))

    async def get_text(self, path: str, **query: str) -> str:
        """The plain text at a path: the log of a container."""
        response = await self._request("GET", path, query)
        self._raise_for_status(response, path)
        return response.text

    async def create(self, path: str, manifest: Mapping[str, Any], **query: str) -> Any:
        """Create an object; ``path`` is that of the list."""
        return self._parse_body(await self._request("POST", path, query, content=manifest), path)

    async def apply(self, path: str, manifest: Mapping[str, Any], *, field_manager: str) -> Any:
        """Create or change an object by server-side apply, without force.

        https://kubernetes.io/docs/reference/using-api/server-side-apply/
        """
        content_type = "application/apply-patch+yaml"
        # JSON is YAML, and the API server parses it faster.
        response = await self._patch(path, manifest, content_type, field_manager)
        return self._parse_body(response, path)

    async def merge_patch(self, path: str, patch: Mapping[str, Any], *, field_manager: str) -> bool:
        """Set some fields of an object, regardless of their managers. False if the object does not exist.

        https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply
        """
        response = await self._patch(path, patch, "application/merge-patch+json", field_manager)
        if response.status_code == http.HTTPStatus.NOT_FOUND:
            return False
        self._raise_for_status(response, path)
        return True

    async def strategic_patch(self, path: str, patch: Mapping[str, Any], *, field_manager: str) -> Any:
        """Change an object. Its lists of named members are merged by name."""
        content_type = "application/strategic-merge-patch+json"
        return self._parse_body(await self._patch(path, patch, content_type, field_manager), path)

    async def delete(self, path: str, **query: str) -> None:
        """Delete an object, if it exists."""
        response = await self._request("DELETE", path, query)
        if response.status_code != http.HTTPStatus.NOT_FOUND:
            self._raise_for_status(response, path)

    @contextlib.asynccontextmanager
    async def stream_lines(
        self, path: str, *, read_timeout: float | None = None, **query: str
    ) -> AsyncGenerator[AsyncIterator[str]]:
        """The lines of an answer, see ``stream_bytes``."""
        async with self.stream_bytes(path, read_timeout=read_timeout, **query) as chunks:
            yield _split_lines(chunks)

    @contextlib.asynccontextmanager
    async def stream_bytes(
        self, path: str, *, read_timeout: float | None = None, **query: str
    ) -> AsyncGenerator[AsyncIterator[bytes]]:
        """The chunks of an answer without an end: a watch, or a log that is followed. A broken connection raises, too.

        Args:
            read_timeout: maximum seconds without data; None for no limit.
        """
        timeout = httpx2.Timeout(self._timeout, read=read_timeout)
        async with contextlib.AsyncExitStack() as stack:
            with self._translate_errors():
                stream = self._http.stream("GET", path, params=query, timeout=timeout)
                response = await stack.enter_async_context(stream)
            self._raise_for_status(response, path)
            yield self._read_chunks(response)

    @contextlib.asynccontextmanager
    async def open_websocket(
        self, path: str, query: Sequence[tuple[str, str]], protocols: Sequence[str]
    ) -> AsyncGenerator[websocket.WebSocket]:
        """A websocket with the first of the ``protocols`` that the server knows. It is closed when the block ends."""
        headers = websocket.build_headers(protocols)
        async with contextlib.AsyncExitStack() as stack:
            with self._translate_errors():
                stream = self._http.stream("GET", path, params=list(query), headers=headers)
                response = await stack.enter_async_context(stream)
            self._raise_for_status(response, path)
            if response.status_code != http.HTTPStatus.SWITCHING_PROTOCOLS:
                raise self._build_unavailable(f"{path} is not a websocket")
            connection = websocket.WebSocket(response)
            async with connection.keep_open():
                yield connection

    async def _read_chunks(self, response: httpx2.Response) -> AsyncGenerator[bytes]:
        with self._translate_errors():
            async for chunk in response.aiter_bytes():
                yield chunk

    async def _patch(
        self, path: str, body: Mapping[str, Any], content_type: str, field_manager: str
    ) -> httpx2.Response:
        headers = {"Content-Type": content_type}
        return await self._request("PATCH", path, {"fieldManager": field_manager}, content=body, headers=headers)

    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        *,
        content: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        body = None if content is None else json_text.format_json(content).encode()
        with self._translate_errors():
            if isinstance(self._connection.auth, credentials.CredentialProgram):
                await self._connection.auth.prepare()  # with a limit of its own: it may ask the user
            async with asyncio.timeout(self._timeout):
                return await self._http.request(method, path, params=query, content=body, headers=headers)

    @contextlib.contextmanager
    def _translate_errors(self) -> Generator[None]:
        """The libraries' errors become one line for the user."""
        try:
            yield
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise self._build_unavailable(f"no answer within {self._timeout:g} s") from error
        except (httpx2.TransportError, OSError) as error:
            raise self._build_unavailable(_format_cause(error)) from error

    def _parse_body(self, response: httpx2.Response, path: str) -> Any:
        self._raise_for_status(response, path)
        try:
            return response.json()
        except ValueError as error:
            raise self._build_unavailable(f"its answer to {path} is not JSON: is it a Kubernetes API?") from error

    def _raise_for_status(self, response: httpx2.Response, path: str) -> None:
        if response.status_code == http.HTTPStatus.UNAUTHORIZED:
            raise errors.Unavailable(self._format_refusal("401 Unauthorized"))
        message = _get_message(response) if response.is_error else ""
        if permission := _MISSING_PERMISSION.search(message):
            raise self._build_forbidden(f"403 Forbidden: the verb {permission[1]} on {permission[2]} is missing")
        if message and response.request.method in {"POST", "PATCH"}:
            raise errors.Unavailable(f'the cluster of context "{self.context}" rejected the request: {message}')
        if response.status_code == http.HTTPStatus.FORBIDDEN:
            action = {"GET": "reading", "DELETE": "deleting"}.get(response.request.method, "writing")
            raise self._build_forbidden(f"403 Forbidden: {action} {path} is not allowed")
        if response.is_error:
            raise self._build_unavailable(f"it answered {response.status_code} {response.reason_phrase} to {path}")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def _build_unavailable(self, reason: str) -> errors.Unavailable:
        hint = "start it with make cluster-up, or" if self.context == DEVELOPMENT_CONTEXT else "is it running? Or"
        return errors.Unavailable(
            f'cannot reach the cluster of context "{self.context}" ({self.server}: {reason});'
            f" {hint} {kubeconfig.CONTEXT_HINT}"
        )

    def _build_forbidden(self, reason: str) -> errors.Forbidden:
        return errors.Forbidden(self._format_refusal(reason))

    def _format_refusal(self, reason: str) -> str:
        return (
            f'the cluster of context "{self.context}" ({self.server}) refused the credentials of the kubeconfig:'
            f" {reason}; log in again, request the permission, or {kubeconfig.CONTEXT_HINT}"
        )


async def _split_lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[str]:
    """Split at line feeds only: the library also splits at U+0085, which is not escaped in Kubernetes' JSON."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")


def _build_request_hook(options: kubeconfig.Connection) -> Callable[[httpx2.Request], Awaitable[None]]:
    async def complete(request: httpx2.Request) -> None:
        request.headers = httpx2.Headers([*request.headers.multi_items(), *options.headers])
        if options.tls_server_name:
            request.extensions = {**request.extensions, "sni_hostname": options.tls_server_name}

    return complete


async def _read_error(response: httpx2.Response) -> None:
    if response.is_error:
        await response.aread()


def _get_message(response: httpx2.Response) -> str:
    """The message in the Status object that the API answers with an error."""
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return ""


def _format_cause(error: BaseException) -> str:
    """The original reason, below the exceptions that the libraries wrap around it."""
    for cause in _iterate_causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
        if isinstance(cause, socket.gaierror):
            return "the name of the server cannot be resolved"
        if isinstance(cause, OSError) and cause.strerror and cause.errno:
            return os.strerror(cause.errno).lower()
    return _get_last_line(error)


def _iterate_causes(error: BaseException) -> Iterator[BaseException]:
    """The innermost causes first."""
    if isinstance(error, BaseExceptionGroup):
        for member in cast(BaseExceptionGroup[BaseException], error).exceptions:
            yield from _iterate_causes(member)
    cause = error.__cause__ or error.__context__
    if cause is not None:
        yield from _iterate_causes(cause)
    yield error


def _get_last_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__

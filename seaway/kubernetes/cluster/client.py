"""A thin client of one cluster: credentials and TLS from the kubeconfig, one deadline, errors of one line."""

import asyncio
import contextlib
import http
import json
import os
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping
from typing import Any, cast

import httpx2
from lightkube.config import client_adapter
from lightkube.core import exceptions

from seaway import errors
from seaway.kubernetes.cluster import kubeconfig

DEVELOPMENT_CONTEXT = "seaway-dev"


class Cluster:
    """The cluster of a context.

    Args:
        context: name of the kubeconfig's context.
        seconds: the longest that one question may take, credentials and connection included.
    """

    def __init__(self, *, context: str, seconds: float) -> None:
        self.context = context
        self._seconds = seconds
        self._config = kubeconfig.select(context, os.environ)
        parameters = client_adapter.ConnectionParams(timeout=httpx2.Timeout(seconds))
        try:
            self._http = client_adapter.AsyncClient(self._config, parameters)
        except (exceptions.ConfigError, OSError, ValueError) as error:
            raise errors.Unavailable(
                f'the credentials of context "{context}" cannot be used: {error}; {kubeconfig.CHOOSE}'
            ) from error

    @property
    def server(self) -> str:
        """Address of the API server."""
        return self._config.cluster.server

    async def identity(self) -> str:
        """What tells this cluster from every other: the UID of its kube-system namespace.

        Raises:
            errors.Unavailable: the cluster cannot be reached, or refuses.
        """
        answer = await self.get("/api/v1/namespaces/kube-system")
        return answer["metadata"]["uid"]

    async def get(self, path: str, **query: str) -> Any:
        """The object, or the list, at a path of the API.

        Raises:
            errors.Unavailable: the cluster cannot be reached, or refuses, or has no such object.
        """
        return self._body(await self._ask("GET", path, query), path)

    async def find(self, path: str) -> Any | None:
        """The object at a path, or None where there is none.

        Raises:
            errors.Unavailable: the cluster cannot be reached, or refuses.
        """
        response = await self._ask("GET", path, {})
        return None if response.status_code == http.HTTPStatus.NOT_FOUND else self._body(response, path)

    async def text(self, path: str, **query: str) -> str:
        """What a path answers as plain text: the log of a container.

        Raises:
            errors.Unavailable: the cluster cannot be reached, or refuses.
        """
        response = await self._ask("GET", path, query)
        self._judge(response, path)
        return response.text

    async def apply(self, path: str, manifest: Mapping[str, Any], *, manager: str) -> Any:
        """Make or change the object at a path by server-side apply, as its field manager ``manager``; never by force.

        https://kubernetes.io/docs/reference/using-api/server-side-apply/

        Raises:
            errors.Unavailable: the cluster cannot be reached, or refuses.
        """
        kind = {"Content-Type": "application/apply-patch+yaml"}
        # JSON is YAML, and the API server reads it faster.
        response = await self._ask("PATCH", path, {"fieldManager": manager}, content=manifest, headers=kind)
        return self._body(response, path)

    async def merge(self, path: str, part: Mapping[str, Any], *, manager: str) -> bool:
        """Set some fields of the object at a path, whoever has set them before; whether there is one.

        https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply

        Raises:
            errors.Unavailable: the cluster cannot be reached, or refuses.
        """
        kind = {"Content-Type": "application/merge-patch+json"}
        response = await self._ask("PATCH", path, {"fieldManager": manager}, content=part, headers=kind)
        if response.status_code == http.HTTPStatus.NOT_FOUND:
            return False
        self._judge(response, path)
        return True

    async def delete(self, path: str, **query: str) -> None:
        """Delete the object at a path; one that is gone already is fine.

        Raises:
            errors.Unavailable: the cluster cannot be reached, or refuses.
        """
        response = await self._ask("DELETE", path, query)
        if response.status_code != http.HTTPStatus.NOT_FOUND:
            self._judge(response, path)

    @contextlib.asynccontextmanager
    async def lines(
        self, path: str, *, silence: float | None = None, **query: str
    ) -> AsyncGenerator[AsyncIterator[str]]:
        """The lines of an answer without an end: a watch, or a log that is followed.

        Args:
            silence: the longest that it may say nothing, in seconds; none: for ever.

        Raises:
            errors.Unavailable: the cluster cannot be reached, or refuses; also when the connection breaks later.
        """
        silent = httpx2.Timeout(self._seconds, read=silence)
        async with contextlib.AsyncExitStack() as open_answers:
            with self._told():
                stream = self._http.stream("GET", path, params=query, timeout=silent)
                response = await open_answers.enter_async_context(stream)
                if response.is_error:
                    await response.aread()
            self._judge(response, path)
            yield self._lines(response)

    async def _lines(self, response: httpx2.Response) -> AsyncGenerator[str]:
        """Cut at line feeds only: the library's own also cuts at U+0085, which stands unescaped in Kubernetes' JSON."""
        rest = b""
        with self._told():
            async for chunk in response.aiter_bytes():
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    yield line.decode(errors="replace")
        if rest:
            yield rest.decode(errors="replace")

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        *,
        content: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        body = None if content is None else json.dumps(content)
        with self._told():
            async with asyncio.timeout(self._seconds):
                return await self._http.request(method, path, params=query, content=body, headers=headers)

    @contextlib.contextmanager
    def _told(self) -> Generator[None]:
        """What the libraries raise, as one line for the user."""
        try:
            yield
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise self._unreachable(f"no answer within {self._seconds:g} s") from error
        except (exceptions.ConfigError, FileNotFoundError, PermissionError, ValueError, KeyError) as error:
            raise self._refused(f"the kubeconfig's credential program failed: {_line(error)}") from error
        except (httpx2.TransportError, OSError) as error:
            raise self._unreachable(_cause(error)) from error

    def _body(self, response: httpx2.Response, path: str) -> Any:
        self._judge(response, path)
        try:
            return response.json()
        except ValueError as error:
            raise self._unreachable(f"it did not answer {path} as Kubernetes does") from error

    def _judge(self, response: httpx2.Response, path: str) -> None:
        """Raise if the answer is no good one."""
        if response.status_code == http.HTTPStatus.UNAUTHORIZED:
            raise self._refused("401 Unauthorized")
        if response.status_code == http.HTTPStatus.FORBIDDEN:
            verb = {"GET": "reading", "DELETE": "deleting"}.get(response.request.method, "writing")
            raise self._refused(f"403 Forbidden: {verb} {path} is not allowed")
        if response.is_error:
            raise self._unreachable(f"it answered {response.status_code} {response.reason_phrase} to {path}")

    async def close(self) -> None:
        """End the connections."""
        await self._http.aclose()

    def _unreachable(self, reason: str) -> errors.Unavailable:
        start = "start it with make cluster-up, or" if self.context == DEVELOPMENT_CONTEXT else "is it running? Or"
        return errors.Unavailable(
            f'cannot reach the cluster of context "{self.context}" ({self.server}: {reason});'
            f" {start} {kubeconfig.CHOOSE}"
        )

    def _refused(self, reason: str) -> errors.Forbidden:
        return errors.Forbidden(
            f'the cluster of context "{self.context}" ({self.server}) refused the credentials of the kubeconfig:'
            f" {reason}; log in again, ask for the right, or {kubeconfig.CHOOSE}"
        )


def _cause(error: BaseException) -> str:
    """The reason below what the libraries wrapped around it."""
    for inner in _chain(error):
        if isinstance(inner, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {inner.verify_message}"
        if isinstance(inner, OSError) and inner.strerror and inner.errno:
            return os.strerror(inner.errno).lower()
    return _line(error)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The innermost causes first."""
    if isinstance(error, BaseExceptionGroup):
        for each in cast(BaseExceptionGroup[BaseException], error).exceptions:
            yield from _chain(each)
    cause = error.__cause__ or error.__context__
    if cause is not None:
        yield from _chain(cause)
    yield error


def _line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__

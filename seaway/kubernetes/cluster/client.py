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


class KubeClient:
    """The cluster of a context.

    Args:
        context: name of the kubeconfig's context.
        seconds: the longest that one question may take, credentials and connection included.
    """

    def __init__(self, *, context: str, timeout: float) -> None:
        self.context = context
        self._timeout = timeout
        self._config = kubeconfig.select_context(context, os.environ)
        parameters = client_adapter.ConnectionParams(timeout=httpx2.Timeout(timeout))
        try:
            self._http = client_adapter.AsyncClient(self._config, parameters)
        except (exceptions.ConfigError, OSError, ValueError) as error:
            raise errors.Unavailable(
                f'the credentials of context "{context}" cannot be used: {error}; {kubeconfig.CONTEXT_HINT}'
            ) from error

    @property
    def server(self) -> str:
        """Address of the API server."""
        return self._config.cluster.server

    async def get_cluster_uid(self) -> str:
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
        return self._parse_body(await self._request("GET", path, query), path)

    async def find(self, path: str) -> Any | None:
        """The object at a path, or None where there is none.

        Raises:
            errors.Unavailable: the cluster cannot be reached, or refuses.
        """
        response = await self._request("GET", path, {})
        return None if response.status_code == http.HTTPStatus.NOT_FOUND else self._parse_body(response, path)

    async def get_text(self, path: str, **query: str) -> str:
        """What a path answers as plain text: the log of a container.

        Raises:
            errors.Unavailable: the cluster cannot be reached, or refuses.
        """
        response = await self._request("GET", path, query)
        self._raise_for_status(response, path)
        return response.text

    async def apply(self, path: str, manifest: Mapping[str, Any], *, field_manager: str) -> Any:
        """Make or change the object at a path by server-side apply, as its field manager ``manager``; never by force.

        https://kubernetes.io/docs/reference/using-api/server-side-apply/

        Raises:
            errors.Unavailable: the cluster cannot be reached, or refuses.
        """
        kind = {"Content-Type": "application/apply-patch+yaml"}
        # JSON is YAML, and the API server reads it faster.
        response = await self._request("PATCH", path, {"fieldManager": field_manager}, content=manifest, headers=kind)
        return self._parse_body(response, path)

    async def merge_patch(self, path: str, patch: Mapping[str, Any], *, field_manager: str) -> bool:
        """Set some fields of the object at a path, whoever has set them before; whether there is one.

        https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply

        Raises:
            errors.Unavailable: the cluster cannot be reached, or refuses.
        """
        kind = {"Content-Type": "application/merge-patch+json"}
        response = await self._request("PATCH", path, {"fieldManager": field_manager}, content=patch, headers=kind)
        if response.status_code == http.HTTPStatus.NOT_FOUND:
            return False
        self._raise_for_status(response, path)
        return True

    async def delete(self, path: str, **query: str) -> None:
        """Delete the object at a path; one that is gone already is fine.

        Raises:
            errors.Unavailable: the cluster cannot be reached, or refuses.
        """
        response = await self._request("DELETE", path, query)
        if response.status_code != http.HTTPStatus.NOT_FOUND:
            self._raise_for_status(response, path)

    @contextlib.asynccontextmanager
    async def stream_lines(
        self, path: str, *, read_timeout: float | None = None, **query: str
    ) -> AsyncGenerator[AsyncIterator[str]]:
        """The lines of an answer without an end: a watch, or a log that is followed.

        Args:
            silence: the longest that it may say nothing, in seconds; none: for ever.

        Raises:
            errors.Unavailable: the cluster cannot be reached, or refuses; also when the connection breaks later.
        """
        silent = httpx2.Timeout(self._timeout, read=read_timeout)
        async with contextlib.AsyncExitStack() as open_answers:
            with self._translate_errors():
                stream = self._http.stream("GET", path, params=query, timeout=silent)
                response = await open_answers.enter_async_context(stream)
                if response.is_error:
                    await response.aread()
            self._raise_for_status(response, path)
            yield self._split_lines(response)

    async def _split_lines(self, response: httpx2.Response) -> AsyncGenerator[str]:
        """Cut at line feeds only: the library's own also cuts at U+0085, which stands unescaped in Kubernetes' JSON."""
        rest = b""
        with self._translate_errors():
            async for chunk in response.aiter_bytes():
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    yield line.decode(errors="replace")
        if rest:
            yield rest.decode(errors="replace")

    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        *,
        content: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        body = None if content is None else json.dumps(content)
        with self._translate_errors():
            async with asyncio.timeout(self._timeout):
                return await self._http.request(method, path, params=query, content=body, headers=headers)

    @contextlib.contextmanager
    def _translate_errors(self) -> Generator[None]:
        """What the libraries raise, as one line for the user."""
        try:
            yield
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise self._build_unavailable(f"no answer within {self._timeout:g} s") from error
        except (exceptions.ConfigError, FileNotFoundError, PermissionError, ValueError, KeyError) as error:
            raise self._build_forbidden(
                f"the kubeconfig's credential program failed: {_get_last_line(error)}"
            ) from error
        except (httpx2.TransportError, OSError) as error:
            raise self._build_unavailable(_format_cause(error)) from error

    def _parse_body(self, response: httpx2.Response, path: str) -> Any:
        self._raise_for_status(response, path)
        try:
            return response.json()
        except ValueError as error:
            raise self._build_unavailable(f"it did not answer {path} as Kubernetes does") from error

    def _raise_for_status(self, response: httpx2.Response, path: str) -> None:
        """Raise if the answer is no good one."""
        if response.status_code == http.HTTPStatus.UNAUTHORIZED:
            raise self._build_forbidden("401 Unauthorized")
        if response.status_code == http.HTTPStatus.FORBIDDEN:
            verb = {"GET": "reading", "DELETE": "deleting"}.get(response.request.method, "writing")
            raise self._build_forbidden(f"403 Forbidden: {verb} {path} is not allowed")
        if response.is_error:
            raise self._build_unavailable(f"it answered {response.status_code} {response.reason_phrase} to {path}")

    async def close(self) -> None:
        """End the connections."""
        await self._http.aclose()

    def _build_unavailable(self, reason: str) -> errors.Unavailable:
        start = "start it with make cluster-up, or" if self.context == DEVELOPMENT_CONTEXT else "is it running? Or"
        return errors.Unavailable(
            f'cannot reach the cluster of context "{self.context}" ({self.server}: {reason});'
            f" {start} {kubeconfig.CONTEXT_HINT}"
        )

    def _build_forbidden(self, reason: str) -> errors.Forbidden:
        return errors.Forbidden(
            f'the cluster of context "{self.context}" ({self.server}) refused the credentials of the kubeconfig:'
            f" {reason}; log in again, ask for the right, or {kubeconfig.CONTEXT_HINT}"
        )


def _format_cause(error: BaseException) -> str:
    """The reason below what the libraries wrapped around it."""
    for inner in _iterate_causes(error):
        if isinstance(inner, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {inner.verify_message}"
        if isinstance(inner, OSError) and inner.strerror and inner.errno:
            return os.strerror(inner.errno).lower()
    return _get_last_line(error)


def _iterate_causes(error: BaseException) -> Iterator[BaseException]:
    """The innermost causes first."""
    if isinstance(error, BaseExceptionGroup):
        for each in cast(BaseExceptionGroup[BaseException], error).exceptions:
            yield from _iterate_causes(each)
    cause = error.__cause__ or error.__context__
    if cause is not None:
        yield from _iterate_causes(cause)
    yield error


def _get_last_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__

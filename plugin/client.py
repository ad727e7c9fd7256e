"""A thin client of one cluster: credentials and TLS from the kubeconfig, one deadline, errors of one line."""

import asyncio
import http
import os
import ssl
from collections.abc import Iterator
from typing import Any, cast

import httpx2
from lightkube.config import client_adapter
from lightkube.core import exceptions

from plugin import kubeconfig, resource

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
            raise resource.Refused(
                f'the credentials of context "{context}" cannot be used: {error}; {kubeconfig.CHOOSE}'
            ) from error

    @property
    def server(self) -> str:
        """Address of the API server."""
        return self._config.cluster.server

    async def identity(self) -> str:
        """What tells this cluster from every other: the UID of its kube-system namespace.

        Raises:
            resource.Refused: the cluster cannot be reached, or refuses.
        """
        answer = await self.get("/api/v1/namespaces/kube-system")
        return answer["metadata"]["uid"]

    async def get(self, path: str) -> Any:
        """The object at a path of the API.

        Raises:
            resource.Refused: the cluster cannot be reached, or refuses.
        """
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._http.get(path)
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise self._unreachable(f"no answer within {self._seconds:g} s") from error
        except (exceptions.ConfigError, FileNotFoundError, PermissionError, ValueError, KeyError) as error:
            raise self._refused(f"the kubeconfig's credential program failed: {_line(error)}") from error
        except (httpx2.TransportError, OSError) as error:
            raise self._unreachable(_cause(error)) from error
        if response.status_code == http.HTTPStatus.UNAUTHORIZED:
            raise self._refused("401 Unauthorized")
        if response.status_code == http.HTTPStatus.FORBIDDEN:
            raise self._refused(f"403 Forbidden: reading {path} is not allowed")
        if response.is_error:
            raise self._unreachable(f"it answered {response.status_code} {response.reason_phrase} to {path}")
        try:
            return response.json()
        except ValueError as error:
            raise self._unreachable(f"it did not answer {path} as Kubernetes does") from error

    async def close(self) -> None:
        """End the connections."""
        await self._http.aclose()

    def _unreachable(self, reason: str) -> resource.Refused:
        start = "start it with make cluster-up, or" if self.context == DEVELOPMENT_CONTEXT else "is it running? Or"
        return resource.Refused(
            f'cannot reach the cluster of context "{self.context}" ({self.server}: {reason});'
            f" {start} {kubeconfig.CHOOSE}"
        )

    def _refused(self, reason: str) -> resource.Refused:
        return resource.Refused(
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

"""A stand-in for an API server, and the client for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from seaway.kubernetes.cluster import client
from tests.support import apiserver


@pytest.fixture
def api() -> Iterator[apiserver.ApiServer]:
    with apiserver.serve() as server:
        yield server


@pytest.fixture
def cluster(api: apiserver.ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> client.KubeClient:
    path = tmp_path / "kubeconfig"
    path.write_text(apiserver.kubeconfig(api.url))
    monkeypatch.setenv("KUBECONFIG", str(path))
    return client.KubeClient(context="work", timeout=10)

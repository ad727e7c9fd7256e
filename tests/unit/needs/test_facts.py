"""Reading: side by side, each path once, and of a Secret no value."""

import asyncio
from pathlib import Path

import pytest

from seaway import errors
from seaway.checks.preflight import cluster_facts
from seaway.kubernetes.cluster import client
from tests.unit.cluster import apiserver, conftest

api = conftest.api
cluster = conftest.cluster
SECRET = "/api/v1/namespaces/shop/secrets/vault"


def read(cluster: client.KubeClient, *paths: str) -> cluster_facts.Answers:
    async def reading() -> cluster_facts.Answers:
        try:
            return await cluster_facts.read_answers(cluster, paths)
        finally:
            await cluster.close()

    return asyncio.run(reading())


def test_values_of_secrets_are_left_out(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    api.put("v1", "Secret", "shop", "vault", type="Opaque", data={"web": "aHVudGVyMg=="})
    found = read(cluster, SECRET, "/api/v1/nodes", SECRET, "/api/v1/namespaces/shop/secrets/none")
    assert found[SECRET] == {"type": "Opaque", "data": {"web": ""}}
    assert cluster_facts.list_objects(found["/api/v1/nodes"]) == []
    assert found["/api/v1/namespaces/shop/secrets/none"] is None
    assert len(api.requests) == 3
    assert "aHVudGVyMg" not in repr(found)


def test_what_may_not_be_read(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    api.forbidden.add("/api/v1/nodes")
    assert read(cluster, "/api/v1/nodes") == {"/api/v1/nodes": cluster_facts.Unreadable("/api/v1/nodes")}
    assert cluster_facts.list_objects(cluster_facts.Unreadable("/api/v1/nodes")) == []


def test_a_cluster_that_is_away(api: apiserver.ApiServer, cluster: client.KubeClient, tmp_path: Path) -> None:
    api.stop()
    with pytest.raises(errors.Unavailable, match='cannot reach the cluster of context "work"'):
        read(cluster, "/api/v1/nodes")

"""Reads each path once, and no value of a Secret."""

import asyncio

import pytest

from seaway import errors
from seaway.checks.preflight import cluster_facts
from seaway.kubernetes.cluster import client
from tests.support import apiserver
from tests.unit.kubernetes import conftest

api = conftest.api
cluster = conftest.cluster
NODES = "/api/v1/nodes"
SECRET = "/api/v1/namespaces/shop/secrets/vault"
ABSENT = "/api/v1/namespaces/shop/secrets/none"


def read(cluster: client.KubeClient, *paths: str) -> cluster_facts.Answers:
    async def read_and_close() -> cluster_facts.Answers:
        try:
            return await cluster_facts.read_answers(cluster, paths)
        finally:
            await cluster.close()

    return asyncio.run(read_and_close())


def test_values_of_secrets_are_left_out(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    api.put("v1", "Secret", "shop", "vault", type="Opaque", data={"web": "aHVudGVyMg=="})
    answers = read(cluster, SECRET, NODES, SECRET, ABSENT)
    assert answers[SECRET] == {"type": "Opaque", "data": {"web": ""}}
    assert list(cluster_facts.list_objects(answers[NODES])) == []
    assert answers[ABSENT] is None
    assert len(api.requests) == 3


def test_a_path_without_permission_is_unreadable(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    api.forbidden.add(NODES)
    answers = read(cluster, NODES)
    assert answers == {NODES: cluster_facts.Unreadable(NODES)}
    assert list(cluster_facts.list_objects(answers[NODES])) == []


def test_an_unreachable_cluster(api: apiserver.ApiServer, cluster: client.KubeClient) -> None:
    api.stop()
    with pytest.raises(errors.Unavailable, match='cannot reach the cluster of context "work"'):
        read(cluster, NODES)

"""How pods are reached: one Service for each thing that has a port."""

from typing import Any

from seaway.manifests import names
from seaway.model import application, settings

PORT_NAME = "main"
"""Name of the one port; Kubernetes allows 15 characters. Not `http`: the model knows ports, not protocols."""

_TYPES: dict[settings.Exposure, str] = {
    "clusterIP": "ClusterIP",
    "nodePort": "NodePort",
    "loadBalancer": "LoadBalancer",
}


def service(scope: names.Scope, each: application.Service, *, port: int, exposure: settings.Exposure) -> dict[str, Any]:
    """The Service of a service. Node ports are left to the cluster: a fixed one can be taken by another stack."""
    return _service(scope, each.name, port, {"type": _TYPES[exposure if each.expose else "clusterIP"]})


def headless(scope: names.Scope, store: application.Store) -> dict[str, Any]:
    """The Service of a store: its name is the address of its one pod, without a proxy between.

    https://kubernetes.io/docs/concepts/services-networking/service/#headless-services
    """
    return _service(scope, store.name, store.port, {"type": "ClusterIP", "clusterIP": "None"})


def _service(scope: names.Scope, name: str, port: int, kind: dict[str, Any]) -> dict[str, Any]:
    # Pulumi's wait for a Service sleeps 10 s and says nothing that the rollout's wait does not.
    annotations = {"pulumi.com/skipAwait": "true"}
    ports = [{"name": PORT_NAME, "port": port, "targetPort": PORT_NAME, "protocol": "TCP"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": names.metadata(scope, name, annotations=annotations),
        "spec": kind | {"selector": names.selector(scope, name), "ports": ports},
    }

"""What a careful person would write by hand: the same objects, one resource each, no components, no checks."""

import json
import re
from pathlib import Path

import pulumi
from pulumi_kubernetes import Provider
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import Namespace, Service, ServiceAccount
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget

KINDS = {
    "Namespace": Namespace,
    "ServiceAccount": ServiceAccount,
    "Service": Service,
    "Deployment": Deployment,
    "PodDisruptionBudget": PodDisruptionBudget,
}


def snake(key: str) -> str:
    """The SDK's name of a field."""
    return re.sub("([A-Z])", r"_\1", key).lower()


cluster = Provider("cluster", context=pulumi.Config().require("context"), cluster_identifier="plain")
namespace: list[pulumi.Resource] = []
for manifest in json.loads(Path("objects.json").read_text()):
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    fields = {snake(key): value for key, value in manifest.items() if key not in {"kind", "apiVersion"}}
    options = pulumi.ResourceOptions(provider=cluster, depends_on=namespace)
    resource = KINDS[kind](f"{kind}/{name}".lower(), **fields, opts=options)
    if kind == "Namespace":
        namespace.append(resource)

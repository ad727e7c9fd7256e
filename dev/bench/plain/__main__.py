"""What a careful person would write by hand: the same objects, one resource each, no components, no checks."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pulumi
from pulumi_kubernetes import Provider


def resource_class(api_version: str, kind: str) -> Any:
    """The SDK's class: networking.k8s.io/v1 NetworkPolicy is pulumi_kubernetes.networking.v1.NetworkPolicy."""
    group, _, version = api_version.rpartition("/")
    module = importlib.import_module(f"pulumi_kubernetes.{group.partition('.')[0] or 'core'}.{version}")
    return getattr(module, kind)


def snake(key: str) -> str:
    """The SDK's name of a field."""
    return re.sub("([A-Z])", r"_\1", key).lower()


cluster = Provider("cluster", context=pulumi.Config().require("context"), cluster_identifier="plain")
namespace: list[pulumi.Resource] = []
for manifest in json.loads(Path("objects.json").read_text()):
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    fields = {snake(key): value for key, value in manifest.items() if key not in {"kind", "apiVersion"}}
    options = pulumi.ResourceOptions(provider=cluster, depends_on=namespace)
    resource = resource_class(manifest["apiVersion"], kind)(f"{kind}/{name}".lower(), **fields, opts=options)
    if kind == "Namespace":
        namespace.append(resource)

"""A plain Pulumi program with the same objects: one resource each, without components and checks."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pulumi
from pulumi_kubernetes import Provider


def find_resource_class(api_version: str, kind: str) -> Any:
    """Return the class of the SDK, such as pulumi_kubernetes.networking.v1.NetworkPolicy."""
    group, _, version = api_version.rpartition("/")
    module = importlib.import_module(f"pulumi_kubernetes.{group.partition('.')[0] or 'core'}.{version}")
    return getattr(module, kind)


def to_snake_case(key: str) -> str:
    """Return the name of a field in the SDK."""
    return re.sub("([A-Z])", r"_\1", key).lower()


cluster = Provider("cluster", context=pulumi.Config().require("context"), cluster_identifier="plain")
namespace: list[pulumi.Resource] = []
for manifest in json.loads(Path("objects.json").read_text()):
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    fields = {to_snake_case(key): field for key, field in manifest.items() if key not in {"kind", "apiVersion"}}
    options = pulumi.ResourceOptions(provider=cluster, depends_on=namespace)
    resource = find_resource_class(manifest["apiVersion"], kind)(f"{kind}/{name}".lower(), **fields, opts=options)
    if kind == "Namespace":
        namespace.append(resource)

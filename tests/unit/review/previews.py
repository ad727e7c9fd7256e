"""The JSON of `pulumi preview`: made from manifests before and after a change, and captured from real runs."""

import copy
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seaway.files import roots
from seaway.manifests import objects
from seaway.model import application, settings
from seaway.project import environments, load
from seaway.review import pulumi_preview, summary
from tests import golden

Manifests = dict[str, dict[str, Any]]
STACK = settings.Settings(stack="test", context="test", registry="registry.example.com")
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def read_captured(name: str) -> str:
    """A preview of examples/shop on a real cluster, reduced to the fields that are parsed."""
    return (Path(__file__).parent / "captured" / f"{name}.json").read_text()


def render_shop(
    change_app: Callable[[application.Application], application.Application] = lambda app: app,
    *,
    stack: settings.Settings = STACK,
) -> Manifests:
    """The objects of examples/shop, by kind and name."""
    file = golden.ROOT / "examples" / "shop" / "app.yaml"
    app = change_app(load.load_application(file, root=roots.Root(golden.ROOT)))
    release_objects = objects.objects(environments.Environment.create(app, stack), *golden.make_inputs(app))
    return {release_object.key: copy.deepcopy(release_object.manifest) for release_object in release_objects}


def build_step(
    op: str, key: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, **more: Any
) -> dict[str, Any]:
    """One step about a Kubernetes object. As in Pulumi's output, the data of a Secret is one word."""
    manifest = new or old or {}
    version = manifest.get("apiVersion", "v1")
    group = version if "/" in version else f"core/{version}"
    kind, _, name = key.partition("/")
    hidden = {"data": "[secret]"} if kind == "Secret" else {}
    urn = f"urn:pulumi:test::seaway::seaway:index:Application$kubernetes:{group}:{kind}::{name}"
    step: dict[str, Any] = {"op": op, "urn": urn, "detailedDiff": None}
    if old is not None:
        retained = bool(manifest.get("immutable"))
        step["oldState"] = {"custom": True, "inputs": {**old, **hidden}, "retainOnDelete": retained}
    if new is not None:
        step["newState"] = {"custom": True, "inputs": {**new, **hidden}}
    return step | more


def format_preview(old: Manifests, new: Manifests, *, replaced: Mapping[str, Sequence[str]] | None = None) -> str:
    """The preview of a change. ``replaced``: the replaced objects, with the paths that force it."""
    forced = replaced or {}
    steps: list[dict[str, Any]] = []
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        op = "create" if before is None else "delete" if after is None else "replace" if key in forced else "update"
        reasons = {"replaceReasons": list(forced[key])} if key in forced else {}
        steps.append(build_step(op, key, before, after, **reasons))
    return json.dumps({"steps": steps})


def list_changes(preview: str) -> list[str]:
    """Operation, object without the hash of its name, impact and reason of each change, in one line."""
    parsed = pulumi_preview.parse(preview)
    return [
        f"{change.diff.op} {re.sub('-[0-9a-f]{10}$', '', change.diff.title)}: {change.impact.label}: {change.reason}"
        for change in summary.create_changes(parsed.object_diffs, parsed.images)
    ]


def compare(old: Manifests, new: Manifests, **how: Any) -> list[str]:
    """``list_changes`` of a change."""
    return list_changes(format_preview(old, new, **how))

"""What `pulumi preview --json` prints: made from manifests as they were and shall be, and some that it did print."""

import copy
import json
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


def captured(name: str) -> str:
    """A preview of examples/shop on a real cluster, with what is read of it."""
    return (Path(__file__).parent / "captured" / f"{name}.json").read_text()


def shop(
    app: Callable[[application.Application], application.Application] = lambda app: app,
    *,
    stack: settings.Settings = STACK,
) -> Manifests:
    """The objects of examples/shop, by kind and name."""
    loaded = app(load.load_application(golden.ROOT / "examples" / "shop" / "app.yaml", root=roots.Root(golden.ROOT)))
    found = objects.objects(environments.Environment.create(loaded, stack), *golden.make_inputs(loaded))
    return {one.key: copy.deepcopy(one.manifest) for one in found}


def step(
    op: str, key: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, **more: Any
) -> dict[str, Any]:
    """One step about a Kubernetes object."""
    there = new or old or {}
    version = there.get("apiVersion", "v1")
    group = version if "/" in version else f"core/{version}"
    kind, _, name = key.partition("/")
    made: dict[str, Any] = {
        "op": op,
        "urn": f"urn:pulumi:test::seaway::seaway:index:Application$kubernetes:{group}:{kind}::{name}",
        "detailedDiff": None,
    }
    if old is not None:
        made["oldState"] = {"custom": True, "inputs": _hidden(old), "retainOnDelete": bool(there.get("immutable"))}
    if new is not None:
        made["newState"] = {"custom": True, "inputs": _hidden(new)}
    return made | more


def text(old: Manifests, new: Manifests, *, replaced: Mapping[str, Sequence[str]] | None = None, **more: Any) -> str:
    """The preview of a change. ``replaced``: what is deleted and made anew, with the paths that force it."""
    forced = replaced or {}
    steps: list[dict[str, Any]] = []
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        op = "create" if before is None else "delete" if after is None else "replace" if key in forced else "update"
        reasons = {"replaceReasons": list(forced[key])} if key in forced else {}
        steps.append(step(op, key, before, after, **reasons))
    return json.dumps({"steps": steps, **more})


def told(preview: str) -> list[tuple[str, str, str, str]]:
    """What happens to which object, the impact and the reason."""
    found = pulumi_preview.parse(preview)
    return [
        (one.op, one.title, one.impact.label, one.reason)
        for one in summary.create_changes(found.object_diffs, found.images)
    ]


def _hidden(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """As Pulumi prints it: the data of a Secret is one word."""
    return {**manifest, **({"data": "[secret]"} if manifest.get("kind") == "Secret" else {})}

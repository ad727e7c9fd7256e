"""The keys of version 0.1.0 (commit 24bb12e) that have another name now, and the keys that replaced them.

The decoder suggests the new key where it meets an old one. ``seaway.project.migration`` rewrites files and reads stored
releases with the same tables.
"""

from collections.abc import Collection, Mapping

from seaway.model import nodes

WORKLOAD: Mapping[str, str] = {
    "expose": "publish",
    "after": "dependsOn",
    "eachNode": "daemonSet",
    "nodes": "nodeSelector",
    "tolerates": "tolerations",
    "priority": "priorityClass",
    "grace": "stopGracePeriod",
    "drain": "preStopDelay",
    "tries": "backoffLimit",
    "overlap": "concurrencyPolicy",
    "startWithin": "startingDeadline",
    "history": "historyLimit",
    "keep": "retain",
    "envFiles": "envFile",
    "shares": "sharedVolumes",
}
"""Of services, stores and jobs. Init containers and sidecars have `envFiles`, and ports have `expose`."""

HEALTH: Mapping[str, str] = {"ready": "readiness", "live": "liveness", "every": "interval", "startup": "startPeriod"}

SETTINGS: Mapping[str, str] = {
    "exposure": "publish",
    "promotesFrom": "promotion",
    "pull": "imagePullCredentials",
    "pullSecrets": "imagePullSecrets",
    "substitutes": "imageOverrides",
    "checks": "checkSeverity",
}
"""Of ``Pulumi.<stack>.yaml``, without the prefix `seaway:`."""

INGRESS: Mapping[str, str] = {"controller": "className"}

WAIVER: Mapping[str, str] = {"of": "workloads"}

_ALL: Mapping[str, str] = {**WORKLOAD, **HEALTH, **SETTINGS, **INGRESS, **WAIVER}


def suggest(key: str, node: nodes.Node, known: Collection[str]) -> str | None:
    """What replaces an old key in a mapping that has the keys ``known``: `publish`, or `backoffLimit: 1` where the
    value changes too. None: the key is not an old one.
    """
    new = _ALL.get(key)
    if new is None or new not in known:
        return None
    match convert_value(key, node):
        case nodes.Scalar(text=text) as scalar if scalar != node:
            return f"{new}: {text}"
        case nodes.Table(entries=entries) if isinstance(node, nodes.Scalar):
            return f"{new}: {{{', '.join(f'{name}: {node.text}' for name in entries)}}}"
        case _:
            return new


def convert_value(key: str, node: nodes.Node) -> nodes.Node:
    """The value of a renamed key in the other form: ``key`` is the old name on the way to the new form, or the new
    name on the way back.
    """
    match key, node:
        case "tries", nodes.Scalar(kind="int"):
            return nodes.Scalar(node.place, str(nodes.whole(node) - 1), "int")
        case "backoffLimit", nodes.Scalar(kind="int"):
            return nodes.Scalar(node.place, str(nodes.whole(node) + 1), "int")
        case "exposure", nodes.Scalar(text="clusterIP"):
            return nodes.Scalar(node.place, "none")
        case "publish", nodes.Scalar(text="none"):
            return nodes.Scalar(node.place, "clusterIP")
        case "promotesFrom", nodes.Scalar():
            return nodes.Table(node.place, {"from": nodes.Entry(node.place, node)})
        case _:
            return node

"""The keys of version 0.1.0 (commit 24bb12e) that have another name now, and the keys that replaced them.

The decoder suggests the new key where it meets an old one. ``seaway.project.migration`` rewrites files and reads stored
releases with the same tables.
"""

from collections.abc import Collection, Mapping

from seaway.syntax import nodes

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


def find_replacement(key: str, keys: Collection[str]) -> str | None:
    """The key that replaced ``key`` in a mapping that has ``keys``. None: it is not an old key of this mapping."""
    new = _ALL.get(key)
    return new if new in keys else None


def format_replacement(key: str, node: nodes.Node) -> str:
    """What to write instead of an old key and its value: `publish`, or `backoffLimit: 1` if the value changes too."""
    match convert_value(key, node):
        case nodes.ScalarNode(text=text) as scalar if scalar != node:
            return f"{_ALL[key]}: {text}"
        case nodes.MappingNode(pairs=pairs) if isinstance(node, nodes.ScalarNode):
            return f"{_ALL[key]}: {{{', '.join(f'{name}: {node.text}' for name in pairs)}}}"
        case _:
            return _ALL[key]


def convert_value(key: str, node: nodes.Node) -> nodes.Node:
    """The value of a renamed key in the other form: ``key`` is the old name on the way to the new form, or the new
    name on the way back.
    """
    match key, node:
        case "tries", nodes.ScalarNode(kind="int"):
            return nodes.ScalarNode(node.location, str(nodes.to_int(node) - 1), "int")
        case "backoffLimit", nodes.ScalarNode(kind="int"):
            return nodes.ScalarNode(node.location, str(nodes.to_int(node) + 1), "int")
        case "exposure", nodes.ScalarNode(text="clusterIP"):
            return nodes.ScalarNode(node.location, "none")
        case "publish", nodes.ScalarNode(text="none"):
            return nodes.ScalarNode(node.location, "clusterIP")
        case "promotesFrom", nodes.ScalarNode():
            return nodes.MappingNode(node.location, {"from": nodes.Pair(node.location, node)})
        case _:
            return node

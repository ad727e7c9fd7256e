"""Labels, taints and tolerations of nodes."""

import re

TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
"""https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"""

LABEL_VALUE = re.compile(r"([a-zA-Z0-9]([-._a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)?")
SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_TOLERATION = re.compile(r"(?P<key>[^=:]+)(=(?P<value>[^=:]*))?:(?P<effect>[^=:]+)")

TPU_NODE_LABELS = {
    "accelerator": "cloud.google.com/gke-tpu-accelerator",
    "topology": "cloud.google.com/gke-tpu-topology",
}
"""Labels of the nodes with tensor processors. https://cloud.google.com/kubernetes-engine/docs/how-to/tpus"""


def parse_toleration(text: str) -> dict[str, str] | None:
    """The toleration of a taint, as in a pod; None: the text is not a valid taint.

    >>> parse_toleration("dedicated=batch:NoSchedule")
    {'key': 'dedicated', 'operator': 'Equal', 'value': 'batch', 'effect': 'NoSchedule'}
    >>> parse_toleration("spot:NoExecute")
    {'key': 'spot', 'operator': 'Exists', 'effect': 'NoExecute'}
    """
    match = _TOLERATION.fullmatch(text)
    if not match or not is_qualified_name(match["key"]) or match["effect"] not in TAINT_EFFECTS:
        return None
    if match["value"] is None:
        return {"key": match["key"], "operator": "Exists", "effect": match["effect"]}
    if not LABEL_VALUE.fullmatch(match["value"]):
        return None
    return {"key": match["key"], "operator": "Equal", "value": match["value"], "effect": match["effect"]}


def is_qualified_name(name: str) -> bool:
    """Whether it is a label name, with or without the prefix of a DNS subdomain and a slash.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
    """
    prefix, slash, label = name.rpartition("/")
    return bool(label and LABEL_VALUE.fullmatch(label)) and (not slash or bool(SUBDOMAIN.fullmatch(prefix)))

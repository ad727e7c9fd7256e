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
    """A taint as pods tolerate it; None for what is none.

    >>> toleration("dedicated=batch:NoSchedule")
    {'key': 'dedicated', 'operator': 'Equal', 'value': 'batch', 'effect': 'NoSchedule'}
    >>> toleration("spot:NoExecute")
    {'key': 'spot', 'operator': 'Exists', 'effect': 'NoExecute'}
    """
    found = _TOLERATION.fullmatch(text)
    if not found or not is_qualified_name(found["key"]) or found["effect"] not in TAINT_EFFECTS:
        return None
    if found["value"] is None:
        return {"key": found["key"], "operator": "Exists", "effect": found["effect"]}
    if not LABEL_VALUE.fullmatch(found["value"]):
        return None
    return {"key": found["key"], "operator": "Equal", "value": found["value"], "effect": found["effect"]}


def is_qualified_name(name: str) -> bool:
    """A name, which may have a DNS name and a / before it.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
    """
    above, slash, own = name.rpartition("/")
    return bool(own) and bool(LABEL_VALUE.fullmatch(own)) and (not slash or bool(SUBDOMAIN.fullmatch(above)))

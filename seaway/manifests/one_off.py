"""The objects of `seaway run`: a Job with the pod of a workload, and the network policies of that pod.

The pod must not have the workload's labels: the selectors of its Service, PodDisruptionBudget and Deployment would
match it, and the budget would block every eviction, because a Job cannot be scaled. Policies use the same selectors.
So the pod gets policies of its own: the rules of the existing ones, for the label of this pod. Policies are additive.
The Job owns them, and Kubernetes deletes them with it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seaway.kubernetes.api import kinds, references, unstructured
from seaway.manifests import names, policies

START_SECONDS = 600
"""Limit of a Job until `seaway run` is connected to it: it may have been killed before."""

MAX_SECONDS = 24 * 60 * 60
"""Limit of a run, if its job declares none."""

KEEP_SECONDS = 60
"""How long Kubernetes keeps an ended Job that `seaway run` did not delete."""

_KEPT_LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/managed-by")
_REMOVED_POD_FIELDS = ("topologySpreadConstraints", "restartPolicy")
_REMOVED_CONTAINER_FIELDS = ("readinessProbe", "livenessProbe", "startupProbe", "lifecycle", "ports")

Manifest = Mapping[str, Any]


def build_job(
    workload: Manifest,
    owner: str,
    *,
    name: str,
    command: Sequence[str],
    is_held: bool,
    tty: bool = False,
) -> tuple[dict[str, Any], list[str]]:
    """The Job, and the names of the volumes that it leaves out: disks belong to stores.

    Args:
        workload: the object of a service or job, as it is in the cluster.
        owner: the name of the service or job, and of its main container.
        command: of the main container; empty: the command that it declares.
        is_held: ``command`` only keeps the container running, for another one that is started in it.
    """
    template = kinds.find_pod_template(workload) or {}
    spec = {key: field for key, field in template["spec"].items() if key not in _REMOVED_POD_FIELDS}
    disks = [volume["name"] for volume in spec.get("volumes", ()) if "persistentVolumeClaim" in volume]
    spec["volumes"] = [volume for volume in spec.get("volumes", ()) if volume["name"] not in disks]
    for key in ("initContainers", "containers"):
        spec[key] = [_remove_mounts(container, disks) for container in spec.get(key, ())]
    spec["containers"] = [_convert_main_container(container, owner, command, tty) for container in spec["containers"]]
    # A program that is process 1 ignores SIGINT unless it handles it.
    spec |= {"restartPolicy": "Never", "shareProcessNamespace": not is_held}
    if is_held:
        spec["terminationGracePeriodSeconds"] = 1  # the waiting shell is process 1, and ignores SIGTERM
    labels = _build_labels(workload, name)
    job = _build_object(workload, "Job", name, labels) | {
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": START_SECONDS,
            "ttlSecondsAfterFinished": KEEP_SECONDS,
            "template": {
                "metadata": {"labels": labels, "annotations": template.get("metadata", {}).get("annotations") or {}},
                "spec": spec,
            },
        }
    }
    return job, disks


def build_policies(job: Manifest, workload: Manifest, existing: Sequence[Manifest]) -> Iterator[dict[str, Any]]:
    """The policies that allow a Job what the ``existing`` policies of its namespace allow the workload."""
    labels = unstructured.get_mapping(kinds.find_pod_template(workload) or {}, "metadata", "labels")
    name, own_labels = unstructured.get_name(job), job["metadata"]["labels"]
    own_selector = {"matchLabels": {names.ONE_OFF_LABEL: name}}
    egress: list[Manifest] = []
    specs: list[Manifest] = []
    for policy in existing:
        spec = policy["spec"]
        if unstructured.matches_selector(spec.get("podSelector") or {}, labels):
            egress += spec.get("egress") or ()
        ingress = [
            {**rule, "from": [{"podSelector": own_selector}]}
            for rule in spec.get("ingress") or ()
            if any(_selects_pod(peer, labels) for peer in rule.get("from") or ())
        ]
        if ingress:
            specs.append({"podSelector": spec["podSelector"], "policyTypes": ["Ingress"], "ingress": ingress})
    specs.append({"podSelector": own_selector, "policyTypes": list(policies.POLICY_TYPES), "egress": egress})
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job["metadata"]["uid"]}
    for number, spec in enumerate(specs):
        manifest = _build_object(job, "NetworkPolicy", f"{name}-{number}", own_labels)
        yield manifest | {"metadata": manifest["metadata"] | {"ownerReferences": [owner]}, "spec": spec}


def get_time_limit(workload: Manifest) -> int:
    """Seconds that the declared command of a workload may run."""
    keys = ("spec", "jobTemplate", "spec") if workload["kind"] == "CronJob" else ("spec",)
    return unstructured.get_mapping(workload, *keys).get("activeDeadlineSeconds", MAX_SECONDS)


def _convert_main_container(container: Manifest, owner: str, command: Sequence[str], tty: bool) -> dict[str, Any]:
    converted = {key: field for key, field in container.items() if key not in _REMOVED_CONTAINER_FIELDS}
    if container["name"] != owner:
        return converted
    if command:
        converted |= {"command": list(map(references.quote, command)), "args": []}
    return converted | {"stdin": True, "stdinOnce": True, "tty": tty}


def _remove_mounts(container: Manifest, volumes: Sequence[str]) -> dict[str, Any]:
    mounts = [mount for mount in container.get("volumeMounts", ()) if mount["name"] not in volumes]
    return {**container, "volumeMounts": mounts}


def _build_labels(workload: Manifest, name: str) -> dict[str, str]:
    """Without ``part-of``, which all selectors of the application have."""
    labels = workload["metadata"]["labels"]
    kept = {key: labels[key] for key in (*_KEPT_LABELS, names.STACK_LABEL) if key in labels}
    return {**kept, names.ONE_OFF_LABEL: name}


def _build_object(beside: Manifest, kind: str, name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": beside["metadata"]["namespace"], "labels": dict(labels)}
    return {"apiVersion": kinds.KINDS[kind].api_version, "kind": kind, "metadata": metadata}


def _selects_pod(peer: Manifest, labels: Mapping[str, str]) -> bool:
    is_local = "podSelector" in peer and "namespaceSelector" not in peer
    return is_local and unstructured.matches_selector(peer["podSelector"], labels)

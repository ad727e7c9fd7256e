"""What an application needs of the cluster beside its nodes: APIs, classes, agents, and objects that others keep."""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from seaway.checks import check_context
from seaway.checks.preflight import cluster_facts, nodes, requirement
from seaway.checks.rules import resources
from seaway.manifests import namespace as namespaces
from seaway.manifests import objects as made
from seaway.manifests import policies

MIN_VERSION = (1, 30)
"""Release of Kubernetes that knows all that is written here: the wait before SIGTERM came last."""

VERSION_PATH = "/version"
METRICS_PATH = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io"
DNS_PATH = "/api/v1/namespaces/kube-system/services/kube-dns"
DAEMON_SETS_PATH = "/apis/apps/v1/daemonsets"
ISSUERS_PATH = "/apis/cert-manager.io/v1/clusterissuers"

POLICY_AGENTS: Mapping[str, str] = {
    "anetd": "GKE Dataplane V2",
    "antrea-agent": "Antrea",
    "azure-npm": "Azure NPM",
    "calico-node": "Calico",
    "canal": "Canal",
    "cilium": "Cilium",
    "kube-network-policies": "kube-network-policies",
    "kube-ovn-cni": "Kube-OVN",
    "kube-router": "kube-router",
    "ovnkube-node": "OVN-Kubernetes",
    "weave-net": "Weave Net",
}
"""DaemonSets of agents that enforce network policies, and what they are called. Of others nobody can tell by looking.
https://kubernetes.io/docs/tasks/administer-cluster/network-policy-provider/"""

ISSUER_ANNOTATION = "cert-manager.io/cluster-issuer"


def list_requirements(seen: check_context.CheckContext) -> list[requirement.Requirement]:
    """All that an application needs."""
    return [
        *_require_basics(seen),
        *nodes.list_requirements(seen),
        *_require_classes(seen),
        *_require_ingress(seen),
        *_require_secrets(seen),
    ]


def _require_basics(seen: check_context.CheckContext) -> Iterator[requirement.Requirement]:
    yield requirement.Requirement(title="Kubernetes", paths=(VERSION_PATH,), evaluator=_evaluate_version)
    if seen.list_objects("NetworkPolicy"):
        yield requirement.Requirement(
            title="network policies enforced", paths=(DAEMON_SETS_PATH, VERSION_PATH), evaluator=_evaluate_policy_agents
        )
        yield requirement.Requirement(title="name service", paths=(DNS_PATH,), evaluator=_evaluate_dns)
    if scaled := _list_owners(seen.list_objects("HorizontalPodAutoscaler")):
        yield requirement.Requirement(
            title="metrics API", workloads=scaled, paths=(METRICS_PATH,), evaluator=_evaluate_metrics
        )
    own = seen.stack_settings.format_namespace(seen.app.name)
    path = f"/api/v1/namespaces/{own}/resourcequotas"
    yield requirement.Requirement(title="quota of the namespace", paths=(path,), evaluator=_build_quota_evaluator(seen))


def _evaluate_version(found: Mapping[str, Any] | None) -> requirement.Outcome:
    numbers = re.findall(r"\d+", f"{(found or {}).get('major', '')}.{(found or {}).get('minor', '')}")
    if len(numbers) < 2:
        return requirement.unknown("it does not say its version")
    version = tuple(map(int, numbers[:2]))
    told = ".".join(numbers[:2])
    if version < MIN_VERSION:
        return requirement.missing(f"{told} is older than {'.'.join(map(str, MIN_VERSION))}", "upgrade the cluster")
    enforced = namespaces.POD_SECURITY_VERSION.removeprefix("v")
    if version < tuple(map(int, enforced.split("."))):
        return requirement.present(f"{told}, with the rules of Pod Security of {told} and not of {enforced}")
    return requirement.present(told)


def _evaluate_policy_agents(found: cluster_facts.Answer, version: Mapping[str, Any] | None) -> requirement.Outcome:
    """The API server takes policies whether or not anything acts on them."""
    there = [one["metadata"]["name"] for one in cluster_facts.list_objects(found)]
    known = [told for name, told in POLICY_AGENTS.items() if any(name in one for one in there)]
    if known:
        return requirement.present(f"by {known[0]}")
    if "+k3s" in str((version or {}).get("gitVersion")):
        return requirement.present("by k3s")
    wrong = "no agent is known to enforce them here, and the cluster cannot be asked"
    return requirement.unknown(wrong, "ask whoever runs it, or try a connection that is closed")


def _evaluate_dns(found: Mapping[str, Any] | None) -> requirement.Outcome:
    """What the network policies open for it must be what answers; otherwise no pod knows any name."""
    opened: Mapping[str, Mapping[str, str]] = policies.DNS_PEERS[0]["podSelector"]
    wanted = opened["matchLabels"]
    told = ", ".join(f"{key}={value}" for key, value in wanted.items())
    remedy = "open the way to it with `egress: [internet, <its address>/32:53]`"
    if found is None:
        return requirement.warning(f"no Service kube-dns leads to pods with {told}, which the policies open", remedy)
    if not wanted.items() <= (found["spec"].get("selector") or {}).items():
        return requirement.missing(
            f"Service kube-dns does not lead to pods with {told}, which the policies open", remedy
        )
    return requirement.present(told)


def _evaluate_metrics(found: Mapping[str, Any] | None) -> requirement.Outcome:
    remedy = "install metrics-server: https://github.com/kubernetes-sigs/metrics-server"
    if found is None:
        return requirement.missing("there is none, so no autoscaler ever acts", remedy)
    for one in found.get("status", {}).get("conditions", []):
        if one["type"] == "Available" and one["status"] != "True":
            told = " ".join(str(one.get("message") or one.get("reason") or "no reason given").split())
            return requirement.missing(f"it does not answer: {told}", "kubectl get apiservice v1beta1.metrics.k8s.io")
    return requirement.present("it answers")


def _build_quota_evaluator(seen: check_context.CheckContext) -> requirement.Evaluator:
    """Those that somebody else has put there; our own is checked without a cluster."""
    own = {each.name for each in seen.list_objects("ResourceQuota")}
    ours = tuple(each for each in seen.objects if each.kind != "ResourceQuota")

    def judge(found: cluster_facts.Answer) -> requirement.Outcome:
        foreign = [one for one in cluster_facts.list_objects(found) if one["metadata"]["name"] not in own]
        # A list leaves out the kind of its items.
        placed = ({"kind": "ResourceQuota", **one} for one in foreign)
        known = tuple(made.ReleaseObject(manifest=one, owner=None, phase=made.Phase.foundation) for one in placed)
        for finding in resources.quota_room.find(dataclasses.replace(seen, objects=(*ours, *known))):
            return requirement.missing(f"{finding.object} {finding.path}: {finding.message}", finding.hint)
        return requirement.present(
            f"{', '.join(requirement.list_names(foreign))}: all fits" if foreign else "none of somebody else"
        )

    return judge


def _require_classes(seen: check_context.CheckContext) -> Iterator[requirement.Requirement]:
    """Storage, ingress and priority classes: a named one, or the cluster's default."""
    claimed: dict[str | None, list[str]] = {}
    for pod in seen.pods:
        for claim in pod.release_object.manifest["spec"].get("volumeClaimTemplates", []):
            claimed.setdefault(claim["spec"].get("storageClassName"), []).append(pod.workload.name)
    for name, owners in claimed.items():
        yield _require_class(_STORAGE, name, owners)
    controlled: dict[str | None, list[str]] = {}
    for each in seen.list_objects("Ingress"):
        controlled.setdefault(each.manifest["spec"].get("ingressClassName"), []).append(each.owner or "")
    for name, owners in controlled.items():
        yield _require_class(_INGRESS, name, owners)
    ranked: dict[str, list[str]] = {}
    for pod in seen.pods:
        if name := pod.spec.get("priorityClassName"):
            ranked.setdefault(name, []).append(pod.workload.name)
    for name, owners in ranked.items():
        yield _require_class(_PRIORITY, name, owners)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Class:
    """A kind of class that the cluster offers."""

    what: str
    path: str
    field: str
    """Where one is named."""
    default: str = ""
    """The annotation of the one that counts where none is named."""


_STORAGE = _Class(
    what="storage class",
    path="/apis/storage.k8s.io/v1/storageclasses",
    field="seaway:storageClass",
    default="storageclass.kubernetes.io/is-default-class",
)
_INGRESS = _Class(
    what="ingress class",
    path="/apis/networking.k8s.io/v1/ingressclasses",
    field="seaway:ingress.className",
    default="ingressclass.kubernetes.io/is-default-class",
)
_PRIORITY = _Class(what="priority class", path="/apis/scheduling.k8s.io/v1/priorityclasses", field="`priority`")


def _require_class(kind: _Class, name: str | None, owners: Iterable[str]) -> requirement.Requirement:
    def judge(found: cluster_facts.Answer) -> requirement.Outcome:
        there = cluster_facts.list_objects(found)
        known = requirement.list_names(there)
        if name is not None and name in known:
            return requirement.present(name)
        if name is not None:
            wrong = f"there is no {kind.what} {name} ({requirement.format_names(known)})"
            return requirement.missing(wrong, f"name one that is there in {kind.field}, or make it")
        defaults = [one for one in there if one["metadata"].get("annotations", {}).get(kind.default) == "true"]
        if defaults:
            return requirement.present(f"{requirement.list_names(defaults)[0]}, the default")
        return requirement.missing(
            f"no {kind.what} is the default ({requirement.format_names(known)})", f"name one in {kind.field}"
        )

    return requirement.Requirement(
        title=kind.what, workloads=tuple(dict.fromkeys(owners)), paths=(kind.path,), evaluator=judge
    )


def _require_ingress(seen: check_context.CheckContext) -> Iterator[requirement.Requirement]:
    """What brings requests in."""
    issuers: dict[str, list[str]] = {}
    for each in seen.list_objects("Ingress"):
        if name := each.manifest["metadata"].get("annotations", {}).get(ISSUER_ANNOTATION):
            issuers.setdefault(name, []).append(each.owner or "")
    for name, owners in issuers.items():
        yield requirement.Requirement(
            title="certificates",
            workloads=tuple(owners),
            paths=(ISSUERS_PATH,),
            evaluator=_build_issuer_evaluator(name),
        )
    if balanced := _list_owners(
        each for each in seen.list_objects("Service") if each.manifest["spec"].get("type") == "LoadBalancer"
    ):
        wrong = "whether anything gives addresses to Services cannot be asked"
        remedy = "ask whoever runs it: a cloud does, elsewhere it is installed"
        yield requirement.Requirement(
            title="load balancer", workloads=balanced, paths=(), evaluator=lambda: requirement.unknown(wrong, remedy)
        )


def _build_issuer_evaluator(name: str) -> requirement.Evaluator:
    def judge(found: cluster_facts.Answer) -> requirement.Outcome:
        if found is None:
            return requirement.missing(
                "cert-manager is not installed", "install it: https://cert-manager.io/docs/installation/"
            )
        one = next((one for one in cluster_facts.list_objects(found) if one["metadata"]["name"] == name), None)
        if one is None:
            wrong = f"there is no ClusterIssuer {name} ({requirement.format_names(requirement.list_names(cluster_facts.list_objects(found)))})"
            return requirement.missing(wrong, "set seaway:ingress.issuer to one that is there")
        for condition in one.get("status", {}).get("conditions", []):
            if condition["type"] == "Ready" and condition["status"] != "True":
                told = " ".join(str(condition.get("message", "no reason given")).split())
                return requirement.missing(
                    f"ClusterIssuer {name} is not ready: {told}", f"kubectl describe clusterissuer {name}"
                )
        return requirement.present(f"ClusterIssuer {name}")

    return judge


def _require_secrets(seen: check_context.CheckContext) -> Iterator[requirement.Requirement]:
    """Secrets that somebody else keeps in the namespace."""
    wanted: dict[str, set[str]] = {}
    owners: dict[str, list[str]] = {}
    for path, one in seen.app.get_containers().items():
        for secret in one.secrets:
            if secret.existing is not None:
                wanted.setdefault(secret.existing, set()).add(secret.key or secret.name)
                owners.setdefault(secret.existing, []).append(path.split(".")[1])
    if seen.stack_settings.ingress.tls_secret and (served := _list_owners(seen.list_objects("Ingress"))):
        wanted.setdefault(seen.stack_settings.ingress.tls_secret, set()).update(("tls.crt", "tls.key"))
        owners.setdefault(seen.stack_settings.ingress.tls_secret, []).extend(served)
    for name in seen.stack_settings.image_pull_secrets:
        wanted.setdefault(name, set()).add(".dockerconfigjson")
    own = seen.stack_settings.format_namespace(seen.app.name)
    for name, keys in wanted.items():
        path = f"/api/v1/namespaces/{own}/secrets/{name}"
        of = tuple(dict.fromkeys(owners.get(name, ())))
        yield requirement.Requirement(
            title=f"Secret {name}", workloads=of, paths=(path,), evaluator=_build_secret_evaluator(name, keys, own)
        )


_SECRET_COMMANDS = {".dockerconfigjson": "docker-registry", "tls.crt": "tls"}
"""By a key that a Secret must have, the word of `kubectl create secret` that makes it."""


def _build_secret_evaluator(name: str, keys: set[str], namespace: str) -> requirement.Evaluator:
    def judge(found: Mapping[str, Any] | None) -> requirement.Outcome:
        if found is None:
            made_by = next((command for key, command in _SECRET_COMMANDS.items() if key in keys), "generic")
            return requirement.missing(
                f"it is not in {namespace}", f"kubectl create secret {made_by} {name} -n {namespace} ..."
            )
        if missing := sorted(keys - found["data"].keys()):
            wrong = f"it has no key {', '.join(missing)} ({requirement.format_names(sorted(found['data']))})"
            return requirement.missing(wrong, "name another key, or add it")
        return requirement.present(f"with {', '.join(sorted(keys))}")

    return judge


def _list_owners(objects: Iterable[made.ReleaseObject]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.owner for each in objects if each.owner))

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
from seaway.model.validate import structure

OLDEST = (1, 30)
"""Release of Kubernetes that knows all that is written here: the wait before SIGTERM came last."""

VERSION = "/version"
METRICS = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io"
DNS = "/api/v1/namespaces/kube-system/services/kube-dns"
AGENTS = "/apis/apps/v1/daemonsets"
ISSUERS = "/apis/cert-manager.io/v1/clusterissuers"

ENFORCING: Mapping[str, str] = {
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

ISSUER = "cert-manager.io/cluster-issuer"


def needs(seen: check_context.Subject) -> list[requirement.Need]:
    """All that an application needs."""
    return [*_always(seen), *nodes.needs(seen), *_classes(seen), *_outside(seen), *_kept(seen)]


def _always(seen: check_context.Subject) -> Iterator[requirement.Need]:
    yield requirement.Need(what="Kubernetes", paths=(VERSION,), judge=_version)
    if seen.of("NetworkPolicy"):
        yield requirement.Need(what="network policies enforced", paths=(AGENTS, VERSION), judge=_enforced)
        yield requirement.Need(what="name service", paths=(DNS,), judge=_names)
    if scaled := _owners(seen.of("HorizontalPodAutoscaler")):
        yield requirement.Need(what="metrics API", of=scaled, paths=(METRICS,), judge=_metrics)
    own = seen.stack.namespace(seen.app.name)
    path = f"/api/v1/namespaces/{own}/resourcequotas"
    yield requirement.Need(what="quota of the namespace", paths=(path,), judge=_quota(seen))


def _version(found: Mapping[str, Any] | None) -> requirement.Verdict:
    numbers = re.findall(r"\d+", f"{(found or {}).get('major', '')}.{(found or {}).get('minor', '')}")
    if len(numbers) < 2:
        return requirement.unknown("it does not say its version")
    version = tuple(map(int, numbers[:2]))
    told = ".".join(numbers[:2])
    if version < OLDEST:
        return requirement.lacking(f"{told} is older than {'.'.join(map(str, OLDEST))}", "upgrade the cluster")
    enforced = namespaces.POD_SECURITY.removeprefix("v")
    if version < tuple(map(int, enforced.split("."))):
        return requirement.there(f"{told}, with the rules of Pod Security of {told} and not of {enforced}")
    return requirement.there(told)


def _enforced(found: cluster_facts.Answer, version: Mapping[str, Any] | None) -> requirement.Verdict:
    """The API server takes policies whether or not anything acts on them."""
    there = [one["metadata"]["name"] for one in cluster_facts.items(found)]
    known = [told for name, told in ENFORCING.items() if any(name in one for one in there)]
    if known:
        return requirement.there(f"by {known[0]}")
    if "+k3s" in str((version or {}).get("gitVersion")):
        return requirement.there("by k3s")
    wrong = "no agent is known to enforce them here, and the cluster cannot be asked"
    return requirement.unknown(wrong, "ask whoever runs it, or try a connection that is closed")


def _names(found: Mapping[str, Any] | None) -> requirement.Verdict:
    """What the network policies open for it must be what answers; otherwise no pod knows any name."""
    opened: Mapping[str, Mapping[str, str]] = policies.DNS[0]["podSelector"]
    wanted = opened["matchLabels"]
    told = ", ".join(f"{key}={value}" for key, value in wanted.items())
    remedy = "open the way to it with `egress: [internet, <its address>/32:53]`"
    if found is None:
        return requirement.warning(f"no Service kube-dns leads to pods with {told}, which the policies open", remedy)
    if not wanted.items() <= (found["spec"].get("selector") or {}).items():
        return requirement.lacking(
            f"Service kube-dns does not lead to pods with {told}, which the policies open", remedy
        )
    return requirement.there(told)


def _metrics(found: Mapping[str, Any] | None) -> requirement.Verdict:
    remedy = "install metrics-server: https://github.com/kubernetes-sigs/metrics-server"
    if found is None:
        return requirement.lacking("there is none, so no autoscaler ever acts", remedy)
    for one in found.get("status", {}).get("conditions", []):
        if one["type"] == "Available" and one["status"] != "True":
            told = " ".join(str(one.get("message") or one.get("reason") or "no reason given").split())
            return requirement.lacking(f"it does not answer: {told}", "kubectl get apiservice v1beta1.metrics.k8s.io")
    return requirement.there("it answers")


def _quota(seen: check_context.Subject) -> requirement.Judge:
    """Those that somebody else has put there; our own is checked without a cluster."""
    own = {each.name for each in seen.of("ResourceQuota")}
    ours = tuple(each for each in seen.objects if each.kind != "ResourceQuota")

    def judge(found: cluster_facts.Answer) -> requirement.Verdict:
        foreign = [one for one in cluster_facts.items(found) if one["metadata"]["name"] not in own]
        # A list leaves out the kind of its items.
        placed = ({"kind": "ResourceQuota", **one} for one in foreign)
        known = tuple(made.Object(manifest=one, owner=None, wave=made.Wave.foundation) for one in placed)
        for finding in resources.quota.find(dataclasses.replace(seen, objects=(*ours, *known))):
            return requirement.lacking(f"{finding.object} {finding.path}: {finding.wrong}", finding.remedy)
        return requirement.there(
            f"{', '.join(requirement.names(foreign))}: all fits" if foreign else "none of somebody else"
        )

    return judge


def _classes(seen: check_context.Subject) -> Iterator[requirement.Need]:
    """Storage, ingress and priority classes: a named one, or the cluster's default."""
    claimed: dict[str | None, list[str]] = {}
    for pod in seen.pods:
        for claim in pod.object.manifest["spec"].get("volumeClaimTemplates", []):
            claimed.setdefault(claim["spec"].get("storageClassName"), []).append(pod.workload.name)
    for name, owners in claimed.items():
        yield _class(_STORAGE, name, owners)
    controlled: dict[str | None, list[str]] = {}
    for each in seen.of("Ingress"):
        controlled.setdefault(each.manifest["spec"].get("ingressClassName"), []).append(each.owner or "")
    for name, owners in controlled.items():
        yield _class(_INGRESS, name, owners)
    ranked: dict[str, list[str]] = {}
    for pod in seen.pods:
        if name := pod.spec.get("priorityClassName"):
            ranked.setdefault(name, []).append(pod.workload.name)
    for name, owners in ranked.items():
        yield _class(_PRIORITY, name, owners)


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
    field="seaway:ingress.controller",
    default="ingressclass.kubernetes.io/is-default-class",
)
_PRIORITY = _Class(what="priority class", path="/apis/scheduling.k8s.io/v1/priorityclasses", field="`priority`")


def _class(kind: _Class, name: str | None, owners: Iterable[str]) -> requirement.Need:
    def judge(found: cluster_facts.Answer) -> requirement.Verdict:
        there = cluster_facts.items(found)
        known = requirement.names(there)
        if name is not None and name in known:
            return requirement.there(name)
        if name is not None:
            wrong = f"there is no {kind.what} {name} ({requirement.listed(known)})"
            return requirement.lacking(wrong, f"name one that is there in {kind.field}, or make it")
        defaults = [one for one in there if one["metadata"].get("annotations", {}).get(kind.default) == "true"]
        if defaults:
            return requirement.there(f"{requirement.names(defaults)[0]}, the default")
        return requirement.lacking(
            f"no {kind.what} is the default ({requirement.listed(known)})", f"name one in {kind.field}"
        )

    return requirement.Need(what=kind.what, of=tuple(dict.fromkeys(owners)), paths=(kind.path,), judge=judge)


def _outside(seen: check_context.Subject) -> Iterator[requirement.Need]:
    """What brings requests in."""
    issuers: dict[str, list[str]] = {}
    for each in seen.of("Ingress"):
        if name := each.manifest["metadata"].get("annotations", {}).get(ISSUER):
            issuers.setdefault(name, []).append(each.owner or "")
    for name, owners in issuers.items():
        yield requirement.Need(what="certificates", of=tuple(owners), paths=(ISSUERS,), judge=_issuer(name))
    if balanced := _owners(each for each in seen.of("Service") if each.manifest["spec"].get("type") == "LoadBalancer"):
        wrong = "whether anything gives addresses to Services cannot be asked"
        remedy = "ask whoever runs it: a cloud does, elsewhere it is installed"
        yield requirement.Need(
            what="load balancer", of=balanced, paths=(), judge=lambda: requirement.unknown(wrong, remedy)
        )


def _issuer(name: str) -> requirement.Judge:
    def judge(found: cluster_facts.Answer) -> requirement.Verdict:
        if found is None:
            return requirement.lacking(
                "cert-manager is not installed", "install it: https://cert-manager.io/docs/installation/"
            )
        one = next((one for one in cluster_facts.items(found) if one["metadata"]["name"] == name), None)
        if one is None:
            wrong = f"there is no ClusterIssuer {name} ({requirement.listed(requirement.names(cluster_facts.items(found)))})"
            return requirement.lacking(wrong, "set seaway:ingress.issuer to one that is there")
        for condition in one.get("status", {}).get("conditions", []):
            if condition["type"] == "Ready" and condition["status"] != "True":
                told = " ".join(str(condition.get("message", "no reason given")).split())
                return requirement.lacking(
                    f"ClusterIssuer {name} is not ready: {told}", f"kubectl describe clusterissuer {name}"
                )
        return requirement.there(f"ClusterIssuer {name}")

    return judge


def _kept(seen: check_context.Subject) -> Iterator[requirement.Need]:
    """Secrets that somebody else keeps in the namespace."""
    wanted: dict[str, set[str]] = {}
    owners: dict[str, list[str]] = {}
    for path, one in structure.processes(seen.app).items():
        for secret in one.secrets:
            if secret.existing is not None:
                wanted.setdefault(secret.existing, set()).add(secret.key or secret.name)
                owners.setdefault(secret.existing, []).append(path.split(".")[1])
    if seen.stack.ingress.tls_secret and (served := _owners(seen.of("Ingress"))):
        wanted.setdefault(seen.stack.ingress.tls_secret, set()).update(("tls.crt", "tls.key"))
        owners.setdefault(seen.stack.ingress.tls_secret, []).extend(served)
    for name in seen.stack.pull_secrets:
        wanted.setdefault(name, set()).add(".dockerconfigjson")
    own = seen.stack.namespace(seen.app.name)
    for name, keys in wanted.items():
        path = f"/api/v1/namespaces/{own}/secrets/{name}"
        of = tuple(dict.fromkeys(owners.get(name, ())))
        yield requirement.Need(what=f"Secret {name}", of=of, paths=(path,), judge=_secret(name, keys, own))


_MADE = {".dockerconfigjson": "docker-registry", "tls.crt": "tls"}
"""By a key that a Secret must have, the word of `kubectl create secret` that makes it."""


def _secret(name: str, keys: set[str], namespace: str) -> requirement.Judge:
    def judge(found: Mapping[str, Any] | None) -> requirement.Verdict:
        if found is None:
            made_by = next((command for key, command in _MADE.items() if key in keys), "generic")
            return requirement.lacking(
                f"it is not in {namespace}", f"kubectl create secret {made_by} {name} -n {namespace} ..."
            )
        if missing := sorted(keys - found["data"].keys()):
            wrong = f"it has no key {', '.join(missing)} ({requirement.listed(sorted(found['data']))})"
            return requirement.lacking(wrong, "name another key, or add it")
        return requirement.there(f"with {', '.join(sorted(keys))}")

    return judge


def _owners(objects: Iterable[made.Object]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.owner for each in objects if each.owner))

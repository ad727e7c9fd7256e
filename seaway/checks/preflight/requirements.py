"""What an application requires of the cluster besides its nodes: APIs, classes, agents, and Secrets of other owners."""

import dataclasses
import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from seaway.checks import check_context
from seaway.checks.preflight import cluster_facts, disk_sizes, gateway, nodes, requirement, stores
from seaway.checks.rules import network, resources
from seaway.kubernetes.api import kinds, unstructured
from seaway.manifests import namespace as namespaces
from seaway.manifests import objects, policies
from seaway.model import secrets

MIN_VERSION = (1, 30)
"""First Kubernetes release with all fields that Seaway uses; preStop.sleep was the last of them."""

VERSION_PATH = "/version"
METRICS_PATH = kinds.build_path("APIService", name="v1beta1.metrics.k8s.io")
DNS_PATH = kinds.build_path("Service", "kube-system", "kube-dns")
DAEMON_SETS_PATH = kinds.build_path("DaemonSet")
ISSUERS_PATH = kinds.build_path("ClusterIssuer")

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
"""DaemonSets of agents that enforce network policies, with their product names. Other agents cannot be recognised.
https://kubernetes.io/docs/tasks/administer-cluster/network-policy-provider/"""

ISSUER_ANNOTATION = "cert-manager.io/cluster-issuer"
_Name = TypeVar("_Name", bound=str | None)


def list_requirements(context: check_context.CheckContext) -> list[requirement.Requirement]:
    return [
        *_require_basics(context),
        *nodes.list_requirements(context),
        *_require_classes(context),
        *disk_sizes.list_requirements(context),
        *_require_ingress(context),
        *gateway.list_requirements(context),
        *_require_secrets(context),
        *stores.list_requirements(context),
    ]


def _require_basics(context: check_context.CheckContext) -> Iterator[requirement.Requirement]:
    yield requirement.Requirement(code="kubernetes-version", paths=(VERSION_PATH,), evaluator=_evaluate_version)
    if context.list_objects("NetworkPolicy"):
        yield requirement.Requirement(
            code="network-policies", paths=(DAEMON_SETS_PATH, VERSION_PATH), evaluator=_evaluate_policy_agents
        )
        yield requirement.Requirement(code="cluster-dns", paths=(DNS_PATH,), evaluator=_evaluate_dns)
    if scaled := _list_owners(context.list_objects("HorizontalPodAutoscaler")):
        yield requirement.Requirement(
            code="metrics-api", workloads=scaled, paths=(METRICS_PATH,), evaluator=_evaluate_metrics
        )
    path = kinds.build_path("ResourceQuota", context.environment.namespace)
    yield requirement.Requirement(
        code="namespace-quota", paths=(path,), evaluator=functools.partial(_evaluate_quotas, context)
    )


def _evaluate_version(answer: unstructured.Object | None) -> requirement.Outcome:
    answer = answer or {}
    numbers = re.findall(r"\d+", f"{answer.get('major', '')}.{answer.get('minor', '')}")
    if len(numbers) < 2:
        return requirement.unknown("the cluster does not report its version")
    version, text = tuple(map(int, numbers[:2])), ".".join(numbers[:2])
    if version < MIN_VERSION:
        return requirement.missing(f"{text} is older than {'.'.join(map(str, MIN_VERSION))}", "upgrade the cluster")
    enforced = namespaces.POD_SECURITY_VERSION.removeprefix("v")
    if version < tuple(map(int, enforced.split("."))):
        return requirement.present(f"{text}, with the Pod Security rules of {text} instead of {enforced}")
    return requirement.present(text)


def _evaluate_policy_agents(
    daemon_sets: cluster_facts.Answer, version: unstructured.Object | None
) -> requirement.Outcome:
    """The API server accepts network policies even if no agent enforces them."""
    names = requirement.list_names(cluster_facts.list_objects(daemon_sets))
    agents = [product for agent, product in POLICY_AGENTS.items() if any(agent in name for name in names)]
    if agents:
        return requirement.present(f"by {agents[0]}")
    if "+k3s" in str((version or {}).get("gitVersion")):
        return requirement.present("by k3s")
    message = "no known agent enforces them, and the API does not show whether another one does"
    return requirement.unknown(message, "ask the cluster's administrator, or try a connection that must be blocked")


def _evaluate_dns(service: unstructured.Object | None) -> requirement.Outcome:
    """The network policies allow DNS requests to certain pods. If other pods answer them, no name resolves."""
    allowed: Mapping[str, str] = policies.DNS_PEERS[0]["podSelector"]["matchLabels"]
    labels = ", ".join(f"{key}={value}" for key, value in allowed.items())
    hint = "allow it with `egress: [internet, <its address>/32:53]`"
    if service is None:
        message = f"no Service kube-dns selects the pods with {labels}, which the network policies allow"
        return requirement.warning(message, hint)
    if not allowed.items() <= unstructured.get_mapping(service, "spec", "selector").items():
        message = f"Service kube-dns does not select the pods with {labels}, which the network policies allow"
        return requirement.missing(message, hint)
    return requirement.present(labels)


def _evaluate_metrics(service: unstructured.Object | None) -> requirement.Outcome:
    if service is None:
        hint = "install metrics-server: https://github.com/kubernetes-sigs/metrics-server"
        return requirement.missing("it is not installed, so autoscalers do nothing", hint)
    if reason := _find_false_condition(service, "Available"):
        hint = "kubectl get apiservice v1beta1.metrics.k8s.io"
        return requirement.missing(f"it does not answer: {reason}", hint)
    return requirement.present("it answers")


def _find_false_condition(manifest: unstructured.Object, condition_type: str) -> str:
    """The reason why a condition is not true; empty if it is true, or not reported."""
    condition = unstructured.find_condition(manifest, condition_type)
    if condition.get("status", "True") == "True":
        return ""
    return " ".join(str(condition.get("message") or condition.get("reason") or "no reason was given").split())


def _evaluate_quotas(context: check_context.CheckContext, answer: cluster_facts.Answer) -> requirement.Outcome:
    """For quotas of other owners. The stack's own quota is checked without a cluster."""
    own_names = {quota.name for quota in context.list_objects("ResourceQuota")}
    quotas = [quota for quota in cluster_facts.list_objects(answer) if unstructured.get_name(quota) not in own_names]
    # The objects of a list do not have their kind.
    foreign = [objects.ReleaseObject(manifest={"kind": "ResourceQuota", **quota}) for quota in quotas]
    own_objects = [declared for declared in context.objects if declared.kind != "ResourceQuota"]
    for finding in resources.quota_room.find(dataclasses.replace(context, objects=(*own_objects, *foreign))):
        return requirement.missing(f"{finding.object} {finding.path}: {finding.message}", finding.hint)
    names = ", ".join(requirement.list_names(quotas))
    return requirement.present(f"{names}: sufficient" if names else "no quota of another owner")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _ClassKind:
    """A kind of class that the cluster offers."""

    code: str
    kind: str
    setting: str
    """Where the user names a class."""


_STORAGE = _ClassKind(code="storage-class", kind="StorageClass", setting="seaway:storageClass")
_INGRESS = _ClassKind(code="ingress-class", kind="IngressClass", setting="seaway:ingress.className")
_PRIORITY = _ClassKind(code="priority-class", kind="PriorityClass", setting="`priorityClass`")


def _require_classes(context: check_context.CheckContext) -> Iterator[requirement.Requirement]:
    """Storage, ingress and priority classes: a named class, or the cluster's default."""
    storage = [
        (claim["spec"].get("storageClassName"), pod.workload.name)
        for pod in context.pods
        for claim in unstructured.get_list(pod.release_object.manifest, "spec", "volumeClaimTemplates")
    ]
    ingress = [
        (declared.manifest["spec"].get("ingressClassName"), declared.owner or "")
        for declared in context.list_objects("Ingress")
    ]
    priority = [(name, pod.workload.name) for pod in context.pods if (name := pod.spec.get("priorityClassName"))]
    for kind, uses in ((_STORAGE, storage), (_INGRESS, ingress), (_PRIORITY, priority)):
        for name, owners in _group_by_name(uses).items():
            yield requirement.Requirement(
                code=kind.code,
                workloads=owners,
                paths=(kinds.build_path(kind.kind),),
                evaluator=functools.partial(_evaluate_class, kind, name),
            )


def _group_by_name(uses: Iterable[tuple[_Name, str]]) -> dict[_Name, tuple[str, ...]]:
    """The users of each name, without duplicates."""
    owners: dict[_Name, list[str]] = {}
    for name, owner in uses:
        owners.setdefault(name, []).append(owner)
    return {name: tuple(dict.fromkeys(users)) for name, users in owners.items()}


def _evaluate_class(kind: _ClassKind, name: str | None, answer: cluster_facts.Answer) -> requirement.Outcome:
    classes = cluster_facts.list_objects(answer)
    names = requirement.list_names(classes)
    if name is not None and name in names:
        return _evaluate_controller(next(found for found in classes if unstructured.get_name(found) == name))
    if name is not None:
        message = f"there is no {kind.kind} {name} ({requirement.format_names(names)})"
        return requirement.missing(message, f"name an existing one in {kind.setting}, or create it")
    for default in classes:
        if unstructured.get_annotation(default, f"{kind.kind.lower()}.kubernetes.io/is-default-class") == "true":
            return _evaluate_controller(default, ", the default")
    message = f"there is no default {kind.kind} ({requirement.format_names(names)})"
    return requirement.missing(message, f"name one in {kind.setting}")


def _evaluate_controller(class_: unstructured.Object, suffix: str = "") -> requirement.Outcome:
    """The name of a class; a warning if its controller gets no security fixes any more."""
    text = f"{unstructured.get_name(class_)}{suffix}"
    if unstructured.get_mapping(class_, "spec").get("controller") == network.RETIRED_CONTROLLER:
        return requirement.warning(f"{text}: {network.RETIRED}", network.REPLACEMENT)
    return requirement.present(text)


def _require_ingress(context: check_context.CheckContext) -> Iterator[requirement.Requirement]:
    issuers = [
        (name, declared.owner or "")
        for declared in context.list_objects("Ingress", "Gateway")
        if (name := unstructured.get_annotation(declared.manifest, ISSUER_ANNOTATION))
    ]
    for name, owners in _group_by_name(issuers).items():
        evaluator = functools.partial(_evaluate_issuer, name)
        yield requirement.Requirement(
            code="cluster-issuer", workloads=owners, paths=(ISSUERS_PATH,), evaluator=evaluator
        )
    services = context.list_objects("Service")
    if balanced := _list_owners(
        service for service in services if service.manifest["spec"].get("type") == "LoadBalancer"
    ):
        message = "the API does not show whether Services get external addresses"
        hint = "ask the cluster's administrator: clouds provide load balancers, elsewhere one must be installed"
        yield requirement.Requirement(
            code="load-balancer", workloads=balanced, paths=(), evaluator=lambda: requirement.unknown(message, hint)
        )


def _evaluate_issuer(name: str, answer: cluster_facts.Answer) -> requirement.Outcome:
    if answer is None:
        hint = "install it: https://cert-manager.io/docs/installation/"
        return requirement.missing("cert-manager is not installed", hint)
    issuers = {unstructured.get_name(issuer): issuer for issuer in cluster_facts.list_objects(answer)}
    if name not in issuers:
        message = f"there is no ClusterIssuer {name} ({requirement.format_names(sorted(issuers))})"
        return requirement.missing(message, "set seaway:ingress.issuer to an existing one")
    if reason := _find_false_condition(issuers[name], "Ready"):
        message = f"ClusterIssuer {name} is not ready: {reason}"
        return requirement.missing(message, f"kubectl describe clusterissuer {name}")
    return requirement.present(f"ClusterIssuer {name}")


def _require_secrets(context: check_context.CheckContext) -> Iterator[requirement.Requirement]:
    """Secrets in the namespace that Seaway does not manage."""
    keys: dict[str, set[str]] = {}
    owners: dict[str, list[str]] = {}
    for path, secret in secrets.list_secrets(context.environment.app):
        if secret.existing is not None:
            keys.setdefault(secret.existing, set()).add(secret.key or secret.name)
            owners.setdefault(secret.existing, []).append(path.split(".")[1])
    # That of a Gateway may be in another namespace, which needs a grant.
    tls_secret = context.environment.settings.ingress.tls_secret or ""
    if (
        tls_secret
        and "/" not in tls_secret
        and (served := _list_owners(context.list_objects("Ingress", *kinds.ROUTE_KINDS)))
    ):
        keys.setdefault(tls_secret, set()).update(("tls.crt", "tls.key"))
        owners.setdefault(tls_secret, []).extend(served)
    for name in context.environment.settings.image_pull_secrets:
        keys.setdefault(name, set()).add(".dockerconfigjson")
    namespace = context.environment.namespace
    for name, needed in keys.items():
        yield requirement.Requirement(
            code="existing-secret",
            name=name,
            workloads=tuple(dict.fromkeys(owners.get(name, ()))),
            paths=(kinds.build_path("Secret", namespace, name),),
            evaluator=functools.partial(_evaluate_secret, name, needed, namespace),
        )


_SECRET_COMMANDS = {".dockerconfigjson": "docker-registry", "tls.crt": "tls"}
"""The subcommand of `kubectl create secret` for a Secret with a key."""


def _evaluate_secret(
    name: str, keys: set[str], namespace: str, secret: unstructured.Object | None
) -> requirement.Outcome:
    if secret is None:
        command = next((command for key, command in _SECRET_COMMANDS.items() if key in keys), "generic")
        hint = f"kubectl create secret {command} {name} -n {namespace} ..."
        return requirement.missing(f"it does not exist in {namespace}", hint)
    if missing := sorted(keys - secret["data"].keys()):
        existing = requirement.format_names(sorted(secret["data"]))
        return requirement.missing(f"it has no key {', '.join(missing)} ({existing})", "name another key, or add it")
    return requirement.present(f"with {', '.join(sorted(keys))}")


def _list_owners(release_objects: Iterable[objects.ReleaseObject]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(declared.owner for declared in release_objects if declared.owner))

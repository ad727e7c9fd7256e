"""All causes of a failed rollout, each with a hint. The id of a cause is stable, and its anchor in docs/runbook.md."""

import dataclasses
import types
from collections.abc import Mapping

from seaway.rollout import hints, message_parsers, probe_failures, target, workload_health


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where a problem is: what hints may name."""

    target: target.Target
    namespace: str = ""
    stack: str = ""
    pod: str = ""
    container: str = ""
    is_single: bool = False
    """Whether the workload has one pod: a smaller scale is then no fix."""
    extra_container: str = ""
    """Path of an extra container below its service, store or job: ``sidecars.proxy``; empty for the main container."""


CAUSES: Mapping[str, str] = {
    "image-name-invalid": "correct <image>, or seaway:registry in the stack's file: host/name:tag, in lowercase",
    "image-not-found": "push the image, or correct <image>",
    "image-not-authorised": "give the nodes access to the registry (seaway:imagePullCredentials or"
    " seaway:imagePullSecrets in the stack's file, or your cloud's own mechanism), and check the name in <image>",
    "wrong-architecture": "build for the architecture of the nodes: pulumi config set seaway:platform linux/amd64 (or"
    " linux/arm64); the program and the base image of <build> must be for it too",
    "config-missing": "it was deleted or changed by hand: restore it with pulumi up --refresh",
    "runs-as-root": "set <user> to a number other than 0, or set USER in the Dockerfile",
    "quota": "raise the quota, or lower <resources> or <scale>: a new pod starts before an old one ends",
    "pod-security": "set <security> to a level that the namespace allows, or, if the namespace was changed by hand,"
    " restore its level with pulumi up --refresh",
    "refused": "the text is from a policy of the cluster: change <> to comply, or ask the cluster's administrator",
    "out-of-memory": "raise <resources.memory>, or reduce the program's memory usage",
    "command-not-found": "correct <command>, or ENTRYPOINT and CMD of the image: the file must exist and be executable",
    "not-writable": "add {folder} to <writable> (it is empty at each start; lasting data belongs in a store), or let"
    " the program write to /tmp; an image that is made for its own user needs <user>",
    "needs-rights": "set <user> to the id of the image's own user, which is enough for most images; otherwise set"
    " <security> to baseline, or use another image",
    "low-port": "set the port in <port> to the one on which the program listens: without root, ports below 1024 are"
    " open only if they are declared; or let the program listen on the declared port",
    "connection-refused": probe_failures.REFUSED_HINT,
    "probe-status": probe_failures.OTHER_STATUS_HINT,
    "startup-failed": "read its log: {previous_logs}; raise <health.startPeriod> if the program needs longer, or"
    " correct <health.liveness>",
    "liveness-failed": "read its log: {previous_logs}; or correct <health.liveness>",
    "job-failed": "read its log: {logs}; correct <> or its source, and run pulumi up again, which creates the job"
    " again",
    "job-too-slow": "make it faster, or raise <timeout>",
    "crash-loop": "read its log: {previous_logs}",
    "stuck-store": "kubectl delete pod {pod} -n {namespace} (its volume is kept), then pulumi up",
    "registry-unreachable": "the node retries by itself; check that the registry runs and that the nodes can reach it"
    " by the name in <image>; if the machine of the one-node cluster does not reach it, add the image: make image",
    "image-pull": "the node retries by itself; the text is the container runtime's",
    "volume-unbound": "make a storage class of the cluster the default (its annotation"
    " storageclass.kubernetes.io/is-default-class: true)",
    "volume-not-mounted": "the node retries by itself; a disk that is attached to another node is released by itself",
    "unschedulable": "lower <resources> or <scale>, or add a node",
    "service-account": "it was deleted by hand: restore it with pulumi up --refresh",
    "container-not-created": "the node retries by itself; the text is the container runtime's",
    "sandbox-failed": "the node retries by itself; if this continues, its network plugin is broken: ask the cluster's"
    " administrator",
    "evicted": "another pod replaces it; if this continues, add capacity to the nodes",
    "gateway-missing": "name an existing Gateway in seaway:gateway: kubectl get gateways --all-namespaces",
    "gateway-class": "set seaway:gateway.className to a class of the cluster (kubectl get gatewayclasses), or install"
    " the controller of this class",
    "gateway-reference": "in the namespace of the Secret or Service, create a ReferenceGrant for namespace {namespace}:"
    " seaway help gateway-reference has one",
    "gateway-certificate": "create the Secret (kubectl create secret tls), or correct seaway:ingress.tlsSecret; with an"
    " issuer: kubectl describe certificates -n {namespace}",
    "gateway-not-programmed": "the text is from the controller of the Gateway; a cloud takes minutes to create a load"
    " balancer: raise seaway:rolloutTimeout",
    "gateway-no-controller": "check that the controller of the Gateway's class runs: seaway check --cluster",
    "route-no-listener": "set seaway:gateway.listener to a listener of the Gateway",
    "route-not-allowed": "set allowedRoutes.namespaces of the listener, so that it admits namespace {namespace} (its"
    " owner does that), or name another listener in seaway:gateway.listener",
    "route-host": "correct seaway:ingress.hosts, or name a listener for this host in seaway:gateway.listener",
    "route-backend": "it was deleted or changed by hand, or is named in `raw`: restore it with pulumi up --refresh",
    "route-refused": "the text is from the controller of the Gateway: remove from `raw` what it does not support",
    "object-missing": "it was deleted by hand: restore it with pulumi up --refresh",
    "not-created": "the cluster's controllers are slow or down: ask the cluster's administrator",
    "not-ready": "read its log: {logs}; correct <health.readiness> if it asks for something else than the program"
    " answers, or raise <health.startPeriod> for a slow start",
}
"""The template of the hint of each cause, in one line (see hints.py). Those that explain most come first."""

SUSPICIONS = frozenset({"connection-refused", "probe-status", "not-ready"})
"""Causes of a failing probe of a program that runs. It may crash a moment later, and say why."""

UNDECLARED_HINTS: Mapping[str, str] = {
    "image-name-invalid": "correct <image>: host/name:tag, in lowercase",
    "image-not-authorised": "give the nodes access to the registry (imagePullSecrets, or your cloud's own mechanism),"
    " and check the name in <image>",
    "wrong-architecture": "build for the architecture of the nodes; the program and its base image must be for it too",
}
"""The templates for workloads that no application of Seaway declares, where that of the cause names settings."""

RANK: Mapping[str, int] = {cause: rank for rank, cause in enumerate(CAUSES)}


def create_finding(
    cause: str,
    message: str,
    location: Location,
    *,
    fatal: bool = False,
    hint: str | None = None,
    values: Mapping[str, str] = types.MappingProxyType({}),
) -> workload_health.Finding:
    """A finding. ``hint``: a template that fits better than that of the cause; ``values``: in the template."""
    if hint is None:
        hint = CAUSES[cause] if location.target.is_declared else UNDECLARED_HINTS.get(cause, CAUSES[cause])
    if location.is_single or (location.target.is_declared and location.target.workload_type != "service"):
        hint = hint.replace(" or <scale>", "")  # a key of services only
    template = hints.fill_in(
        hint,
        location.target,
        stack=location.stack,
        extra_container=location.extra_container,
    )
    return workload_health.Finding(
        cause=cause,
        message=message,
        hint=template.format(
            namespace=location.namespace,
            pod=location.pod,
            logs=_format_log_command(location),
            previous_logs=_format_log_command(location, " --previous"),
            **values,
        ),
        pod=location.pod or None,
        container=location.container or None,
        fatal=fatal,
    )


def _format_log_command(location: Location, option: str = "") -> str:
    if location.target.is_declared:
        stack = f" --stack {location.stack}" if location.stack else ""
        return f"seaway logs {location.target.owner}{option}{stack}"
    place = location.pod or f"{location.target.kind.lower()}/{location.target.name}"
    return f"kubectl logs -n {location.namespace} {place}{option}"


def convert_message(
    parsed: message_parsers.ParsedMessage, location: Location, *, fatal: bool
) -> workload_health.Finding:
    """The finding of a parsed message. It is not fatal if the problem is transient."""
    fatal = fatal and not parsed.is_transient
    return create_finding(parsed.cause, parsed.message, location, fatal=fatal, hint=parsed.hint, values=parsed.values)

"""All causes of a failed rollout, each with a hint. The id of a cause is stable, and its anchor in docs/runbook.md."""

import dataclasses
from collections.abc import Mapping
from typing import Self

from seaway.rollout import message_parsers, target, workload_health


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where a problem is: what hints may name."""

    target: target.Target
    namespace: str = ""
    pod: str = ""
    container: str = ""
    extra_container: str = ""
    """Path of an extra container below its service, store or job: ``sidecars.proxy``; empty for the main container."""

    def narrow(self, *, pod: str = "", container: str = "", extra_container: str = "") -> Self:
        """The location of a pod or container in this location."""
        return dataclasses.replace(
            self,
            pod=pod or self.pod,
            container=container or self.container,
            extra_container=extra_container or self.extra_container,
        )


CAUSES: Mapping[str, str] = {
    "image-name-invalid": "correct {path}.image in app.yaml, or seaway:registry in the stack's file: host/name:tag, in"
    " lowercase",
    "image-not-found": "push the image, or correct {path}.image in app.yaml",
    "image-not-authorised": "give the nodes access to the registry (seaway:imagePullCredentials or"
    " seaway:imagePullSecrets in the stack's file, or your cloud's own mechanism), and check the image's name",
    "wrong-architecture": "list the architectures of the nodes with kubectl get nodes -L kubernetes.io/arch, then build"
    " for one of them: pulumi config set seaway:platform linux/amd64 (or linux/arm64)",
    "config-missing": "it was deleted or changed by hand: restore it with pulumi up --refresh",
    "runs-as-root": "set {path}.user in app.yaml to a number other than 0, or set USER in the Dockerfile",
    "quota": "see its usage with kubectl describe quota -n {namespace}; raise it, or lower {path}.resources or the"
    " scale",
    "pod-security": "set {path}.security to a level that the namespace allows, or restore the namespace's level with"
    " pulumi up --refresh (kubectl get namespace {namespace} --show-labels)",
    "refused": "the text is from a policy of the cluster: change {path} in app.yaml to comply, or ask the cluster's"
    " administrator",
    "out-of-memory": "raise {path}.resources.memory in app.yaml, or reduce the program's memory usage",
    "command-not-found": "correct {path}.command in app.yaml, or ENTRYPOINT and CMD of the image: the file must exist"
    " and be executable",
    "not-writable": "add writable: [{folder}] to {path} in app.yaml (the folder is empty at each start), or write to"
    " /tmp; an image that is made for its own user needs {path}.user",
    "needs-rights": "set {path}.user in app.yaml to the id of the image's own user, which is enough for most images;"
    " otherwise use security: baseline, or another image",
    "low-port": "declare the port in {path}.port in app.yaml: without root, ports below 1024 are open only if they are"
    " declared; or let the program listen on the declared port",
    "startup-failed": "raise {path}.health.startPeriod in app.yaml if the program needs longer, or correct"
    " {path}.health.liveness",
    "liveness-failed": "read its log: kubectl logs {pod} -c {container} -n {namespace} --previous; or correct"
    " {path}.health.liveness in app.yaml",
    "job-failed": "read its log, correct {path} in app.yaml or its source, and run pulumi up again, which creates the"
    " job again",
    "job-too-slow": "make it faster, or raise {path}.timeout in app.yaml",
    "crash-loop": "read its log: kubectl logs {pod} -c {container} -n {namespace} --previous",
    "stuck-store": "kubectl delete pod {pod} -n {namespace} (its volume is kept), then pulumi up",
    "registry-unreachable": "the node retries by itself; check that the registry runs and that the nodes can reach it"
    " by that name",
    "image-pull": "the node retries by itself; read the text, and kubectl describe pod {pod} -n {namespace}",
    "volume-unbound": "kubectl get storageclass must show a default class; kubectl describe pvc -n {namespace} has the"
    " details",
    "volume-not-mounted": "kubectl describe pod {pod} -n {namespace}; a disk that is attached to another node is"
    " released by itself",
    "unschedulable": "lower {path}.resources or the scale in app.yaml, or add a node (kubectl describe nodes shows the"
    " free resources)",
    "service-account": "it was deleted by hand: restore it with pulumi up --refresh",
    "container-not-created": "the node retries by itself; read the text, and kubectl describe pod {pod} -n {namespace}",
    "sandbox-failed": "the node retries by itself; if this continues, its network plugin is broken: ask the cluster's"
    " administrator",
    "evicted": "write less to disk than the limit in the text, or add capacity to the nodes",
    "object-missing": "it was deleted by hand: restore it with pulumi up --refresh",
    "not-created": "kubectl describe {kind} {name} -n {namespace}; if that shows no reason, the cluster's controllers"
    " are slow or down",
    "not-ready": "read the log, and check what the probe requests ({path}.health in app.yaml); for a slow start raise"
    " {path}.health.startPeriod",
}
"""The hint of each cause, in one line. Those that explain most come first.

``{path}`` is the workload's or container's path in app.yaml (``services.web``), ``{folder}`` a path in the container.
"""

RANK: Mapping[str, int] = {cause: rank for rank, cause in enumerate(CAUSES)}


def create_finding(
    cause: str, message: str, location: Location, *, fatal: bool = False, folder: str = ""
) -> workload_health.Finding:
    """A finding with the cause's hint. ``folder``: the path that the hint may name."""
    hint = CAUSES[cause].format(
        path=".".join(filter(None, (location.target.model_path, location.extra_container))),
        kind=location.target.kind.lower(),
        name=location.target.name,
        namespace=location.namespace,
        pod=location.pod,
        container=location.container,
        folder=folder,
    )
    return workload_health.Finding(
        cause=cause,
        message=message,
        hint=hint,
        pod=location.pod or None,
        container=location.container or None,
        fatal=fatal,
    )


def convert_message(
    parsed: message_parsers.ParsedMessage, location: Location, *, fatal: bool
) -> workload_health.Finding:
    """The finding of a parsed message. It is not fatal if the problem is transient."""
    fatal = fatal and not parsed.is_transient
    return create_finding(parsed.cause, parsed.message, location, fatal=fatal, folder=parsed.folder)


def format_runbook_link(cause: str) -> str:
    """The section of the runbook about a cause."""
    return f"docs/runbook.md#{cause}"

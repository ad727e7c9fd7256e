"""Every cause that a rollout can be told to fail for: what it means, and what to do.

The id is also the anchor in docs/runbook.md, which a test holds.
"""

import dataclasses
from collections.abc import Mapping

from seaway.rollout import target, workload_health

SECTIONS: Mapping[target.Kind, str] = {
    "Deployment": "services",
    "DaemonSet": "services",
    "StatefulSet": "stores",
    "Job": "jobs",
    "CronJob": "jobs",
}
"""Where a workload of a kind stands in app.yaml."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something was seen: what the texts of causes may name."""

    target: target.Target
    namespace: str
    pod: str = ""
    container: str = ""
    companion: str = ""
    """Where the container stands below its service, store or job: ``sidecars.proxy``; empty for the main one."""

    def at(self, *, pod: str = "", container: str = "", companion: str = "") -> "Place":
        """The same, closer by."""
        return dataclasses.replace(
            self,
            pod=pod or self.pod,
            container=container or self.container,
            companion=companion or self.companion,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One cause."""

    meaning: str
    """In a few words, as the title of its section."""
    remedy: str
    """One line; ``{path}`` is the place in app.yaml (``services.web``), ``{folder}`` one in the container; the other
    fields are those of Place."""


CAUSES: Mapping[str, Cause] = {
    "image-name-invalid": Cause(
        meaning="the image's name cannot be one",
        remedy="correct {path}.image in app.yaml, or seaway:registry in the stack's file: host/name:tag, small letters",
    ),
    "image-not-found": Cause(
        meaning="the registry has no such image",
        remedy="push the image, or correct {path}.image in app.yaml",
    ),
    "image-not-authorised": Cause(
        meaning="the registry does not let the nodes pull the image",
        remedy="let the nodes into the registry (seaway:pull or seaway:pullSecrets in the stack's file, or the cloud's"
        " own way), and check the image's name",
    ),
    "wrong-architecture": Cause(
        meaning="the image is for another kind of processor than the node's",
        remedy="see what the nodes are with kubectl get nodes -L kubernetes.io/arch, then build for it:"
        " pulumi config set seaway:platform linux/amd64 (or linux/arm64)",
    ),
    "config-missing": Cause(
        meaning="a Secret or ConfigMap that the pod needs is not there, or lacks a key",
        remedy="somebody has deleted or changed it by hand: pulumi up --refresh makes it again",
    ),
    "runs-as-root": Cause(
        meaning="the image would run as root, which its security level forbids",
        remedy="set {path}.user in app.yaml to a number that is not 0, or USER in the Dockerfile",
    ),
    "quota": Cause(
        meaning="the namespace's quota has no room for the pod",
        remedy="see it with kubectl describe quota -n {namespace}; raise it, or lower {path}.resources or the scale",
    ),
    "pod-security": Cause(
        meaning="the namespace's Pod Security level forbids the pod",
        remedy="set {path}.security to what the namespace allows, or put its level back with pulumi up --refresh"
        " (kubectl get namespace {namespace} --show-labels)",
    ),
    "refused": Cause(
        meaning="a rule of the cluster refuses the pod",
        remedy="the text is the rule's own: change {path} in app.yaml so that it fits, or ask who runs the cluster",
    ),
    "out-of-memory": Cause(
        meaning="the program took more memory than its limit",
        remedy="raise {path}.resources.memory in app.yaml, or let the program take less",
    ),
    "command-not-found": Cause(
        meaning="the container's program cannot be started",
        remedy="correct {path}.command in app.yaml, or ENTRYPOINT and CMD of the image: the file must be there and"
        " executable",
    ),
    "not-writable": Cause(
        meaning="the program may not write where it wants to",
        remedy="add writable: [{folder}] to {path} in app.yaml (it is empty at each start), or let it write to /tmp;"
        " an image that is made for a user of its own wants {path}.user",
    ),
    "needs-rights": Cause(
        meaning="the program wants to be root, or one of root's rights",
        remedy="set {path}.user in app.yaml to the id of the image's own user: most then ask no more; what still does"
        " needs security: baseline, or another image",
    ),
    "low-port": Cause(
        meaning="the program may not listen on its port",
        remedy="say it in {path}.port in app.yaml: below 1024 only ports that are said are open to everybody; or let"
        " the program listen on the one that is said",
    ),
    "startup-failed": Cause(
        meaning="the program did not answer its startup probe in time",
        remedy="raise {path}.health.startup in app.yaml if it needs longer, or correct {path}.health.live",
    ),
    "liveness-failed": Cause(
        meaning="the program stopped answering its liveness probe",
        remedy="read its log: kubectl logs {pod} -c {container} -n {namespace} --previous; or correct"
        " {path}.health.live in app.yaml",
    ),
    "job-failed": Cause(
        meaning="the job ended with an error",
        remedy="read its log, correct {path} in app.yaml or its source, and run pulumi up again: the job is made anew",
    ),
    "job-too-slow": Cause(
        meaning="the job did not end in time",
        remedy="make it shorter, or give it longer: {path}.timeout in app.yaml, in seconds",
    ),
    "crash-loop": Cause(
        meaning="the program ends again and again",
        remedy="read its log: kubectl logs {pod} -c {container} -n {namespace} --previous",
    ),
    "stuck-store": Cause(
        meaning="a broken pod of the version before is in the way of the new one",
        remedy="kubectl delete pod {pod} -n {namespace} (its volume stays), then pulumi up",
    ),
    "registry-unreachable": Cause(
        meaning="the node does not reach the image's registry",
        remedy="the node tries again by itself; check that the registry runs and that the nodes reach it by that name",
    ),
    "image-pull": Cause(
        meaning="the image could not be pulled",
        remedy="the node tries again by itself; see the text, and kubectl describe pod {pod} -n {namespace}",
    ),
    "volume-unbound": Cause(
        meaning="nothing provides the volume",
        remedy="kubectl get storageclass must show a default one; kubectl describe pvc -n {namespace} says the rest",
    ),
    "volume-not-mounted": Cause(
        meaning="the node cannot mount a volume",
        remedy="kubectl describe pod {pod} -n {namespace}; a disk that another node still holds comes free by itself",
    ),
    "unschedulable": Cause(
        meaning="no node has room for the pod, or none may take it",
        remedy="lower {path}.resources or the scale in app.yaml, or add a node (kubectl describe nodes shows the room)",
    ),
    "service-account": Cause(
        meaning="the pod's service account is not there",
        remedy="somebody has deleted it by hand: pulumi up --refresh makes it again",
    ),
    "container-not-created": Cause(
        meaning="the node cannot make the container",
        remedy="the node tries again by itself; see the text, and kubectl describe pod {pod} -n {namespace}",
    ),
    "sandbox-failed": Cause(
        meaning="the node cannot give the pod its network",
        remedy="the node tries again by itself; if it goes on, its network plugin is broken: ask who runs the cluster",
    ),
    "evicted": Cause(
        meaning="the node threw the pod out to save itself",
        remedy="write less to disk than the limit in the text, or add room to the nodes",
    ),
    "object-missing": Cause(
        meaning="the workload itself is not in the cluster",
        remedy="somebody has deleted it by hand: pulumi up --refresh makes it again",
    ),
    "not-created": Cause(
        meaning="Kubernetes has made no pod",
        remedy="kubectl describe {kind} {name} -n {namespace}; if that says nothing, the cluster's controllers are"
        " behind or down",
    ),
    "not-ready": Cause(
        meaning="the pods run, but are not ready in time",
        remedy="read the log, and ask what the probe asks ({path}.health in app.yaml); a slow starter says"
        " {path}.health.startup",
    ),
}
"""Worst first: by how much they explain when there are several."""

RANK: Mapping[str, int] = {cause: rank for rank, cause in enumerate(CAUSES)}


def finding(cause: str, line: str, place: Place, *, fatal: bool, folder: str = "") -> workload_health.Finding:
    """A finding with the cause's own remedy. ``folder`` is the one that it may name."""
    remedy = CAUSES[cause].remedy.format(
        path=".".join(filter(None, (SECTIONS[place.target.kind], place.target.owner, place.companion))),
        owner=place.target.owner,
        kind=place.target.kind.lower(),
        name=place.target.name,
        namespace=place.namespace,
        pod=place.pod,
        container=place.container,
        folder=folder,
    )
    return workload_health.Finding(
        cause=cause,
        line=line,
        remedy=remedy,
        pod=place.pod or None,
        container=place.container or None,
        fatal=fatal,
    )


def link(cause: str) -> str:
    """Where the runbook tells more."""
    return f"docs/runbook.md#{cause}"

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
class Location:
    """Where something was seen: what the texts of causes may name."""

    target: target.Target
    namespace: str
    pod: str = ""
    container: str = ""
    extra_container: str = ""
    """Where the container stands below its service, store or job: ``sidecars.proxy``; empty for the main one."""

    def narrow(self, *, pod: str = "", container: str = "", extra_container: str = "") -> "Location":
        """The same, closer by."""
        return dataclasses.replace(
            self,
            pod=pod or self.pod,
            container=container or self.container,
            extra_container=extra_container or self.extra_container,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One cause."""

    title: str
    """In a few words, as the title of its section."""
    hint: str
    """One line; ``{path}`` is the place in app.yaml (``services.web``), ``{folder}`` one in the container; the other
    fields are those of Place."""


CAUSES: Mapping[str, Cause] = {
    "image-name-invalid": Cause(
        title="the image's name cannot be one",
        hint="correct {path}.image in app.yaml, or seaway:registry in the stack's file: host/name:tag, small letters",
    ),
    "image-not-found": Cause(
        title="the registry has no such image",
        hint="push the image, or correct {path}.image in app.yaml",
    ),
    "image-not-authorised": Cause(
        title="the registry does not let the nodes pull the image",
        hint="let the nodes into the registry (seaway:imagePullCredentials or seaway:imagePullSecrets in the stack's file, or the cloud's"
        " own way), and check the image's name",
    ),
    "wrong-architecture": Cause(
        title="the image is for another kind of processor than the node's",
        hint="see what the nodes are with kubectl get nodes -L kubernetes.io/arch, then build for it:"
        " pulumi config set seaway:platform linux/amd64 (or linux/arm64)",
    ),
    "config-missing": Cause(
        title="a Secret or ConfigMap that the pod needs is not there, or lacks a key",
        hint="somebody has deleted or changed it by hand: pulumi up --refresh makes it again",
    ),
    "runs-as-root": Cause(
        title="the image would run as root, which its security level forbids",
        hint="set {path}.user in app.yaml to a number that is not 0, or USER in the Dockerfile",
    ),
    "quota": Cause(
        title="the namespace's quota has no room for the pod",
        hint="see it with kubectl describe quota -n {namespace}; raise it, or lower {path}.resources or the scale",
    ),
    "pod-security": Cause(
        title="the namespace's Pod Security level forbids the pod",
        hint="set {path}.security to what the namespace allows, or put its level back with pulumi up --refresh"
        " (kubectl get namespace {namespace} --show-labels)",
    ),
    "refused": Cause(
        title="a rule of the cluster refuses the pod",
        hint="the text is the rule's own: change {path} in app.yaml so that it fits, or ask who runs the cluster",
    ),
    "out-of-memory": Cause(
        title="the program took more memory than its limit",
        hint="raise {path}.resources.memory in app.yaml, or let the program take less",
    ),
    "command-not-found": Cause(
        title="the container's program cannot be started",
        hint="correct {path}.command in app.yaml, or ENTRYPOINT and CMD of the image: the file must be there and"
        " executable",
    ),
    "not-writable": Cause(
        title="the program may not write where it wants to",
        hint="add writable: [{folder}] to {path} in app.yaml (it is empty at each start), or let it write to /tmp;"
        " an image that is made for a user of its own wants {path}.user",
    ),
    "needs-rights": Cause(
        title="the program wants to be root, or one of root's rights",
        hint="set {path}.user in app.yaml to the id of the image's own user: most then ask no more; what still does"
        " needs security: baseline, or another image",
    ),
    "low-port": Cause(
        title="the program may not listen on its port",
        hint="say it in {path}.port in app.yaml: below 1024 only ports that are said are open to everybody; or let"
        " the program listen on the one that is said",
    ),
    "startup-failed": Cause(
        title="the program did not answer its startup probe in time",
        hint="raise {path}.health.startPeriod in app.yaml if it needs longer, or correct {path}.health.liveness",
    ),
    "liveness-failed": Cause(
        title="the program stopped answering its liveness probe",
        hint="read its log: kubectl logs {pod} -c {container} -n {namespace} --previous; or correct"
        " {path}.health.liveness in app.yaml",
    ),
    "job-failed": Cause(
        title="the job ended with an error",
        hint="read its log, correct {path} in app.yaml or its source, and run pulumi up again: the job is made anew",
    ),
    "job-too-slow": Cause(
        title="the job did not end in time",
        hint="make it shorter, or give it longer: {path}.timeout in app.yaml, in seconds",
    ),
    "crash-loop": Cause(
        title="the program ends again and again",
        hint="read its log: kubectl logs {pod} -c {container} -n {namespace} --previous",
    ),
    "stuck-store": Cause(
        title="a broken pod of the version before is in the way of the new one",
        hint="kubectl delete pod {pod} -n {namespace} (its volume stays), then pulumi up",
    ),
    "registry-unreachable": Cause(
        title="the node does not reach the image's registry",
        hint="the node tries again by itself; check that the registry runs and that the nodes reach it by that name",
    ),
    "image-pull": Cause(
        title="the image could not be pulled",
        hint="the node tries again by itself; see the text, and kubectl describe pod {pod} -n {namespace}",
    ),
    "volume-unbound": Cause(
        title="nothing provides the volume",
        hint="kubectl get storageclass must show a default one; kubectl describe pvc -n {namespace} says the rest",
    ),
    "volume-not-mounted": Cause(
        title="the node cannot mount a volume",
        hint="kubectl describe pod {pod} -n {namespace}; a disk that another node still holds comes free by itself",
    ),
    "unschedulable": Cause(
        title="no node has room for the pod, or none may take it",
        hint="lower {path}.resources or the scale in app.yaml, or add a node (kubectl describe nodes shows the room)",
    ),
    "service-account": Cause(
        title="the pod's service account is not there",
        hint="somebody has deleted it by hand: pulumi up --refresh makes it again",
    ),
    "container-not-created": Cause(
        title="the node cannot make the container",
        hint="the node tries again by itself; see the text, and kubectl describe pod {pod} -n {namespace}",
    ),
    "sandbox-failed": Cause(
        title="the node cannot give the pod its network",
        hint="the node tries again by itself; if it goes on, its network plugin is broken: ask who runs the cluster",
    ),
    "evicted": Cause(
        title="the node threw the pod out to save itself",
        hint="write less to disk than the limit in the text, or add room to the nodes",
    ),
    "object-missing": Cause(
        title="the workload itself is not in the cluster",
        hint="somebody has deleted it by hand: pulumi up --refresh makes it again",
    ),
    "not-created": Cause(
        title="Kubernetes has made no pod",
        hint="kubectl describe {kind} {name} -n {namespace}; if that says nothing, the cluster's controllers are"
        " behind or down",
    ),
    "not-ready": Cause(
        title="the pods run, but are not ready in time",
        hint="read the log, and ask what the probe asks ({path}.health in app.yaml); a slow starter says"
        " {path}.health.startPeriod",
    ),
}
"""Worst first: by how much they explain when there are several."""

RANK: Mapping[str, int] = {cause: rank for rank, cause in enumerate(CAUSES)}


def create_finding(
    cause: str, line: str, location: Location, *, fatal: bool, folder: str = ""
) -> workload_health.Finding:
    """A finding with the cause's own remedy. ``folder`` is the one that it may name."""
    remedy = CAUSES[cause].hint.format(
        path=".".join(filter(None, (SECTIONS[location.target.kind], location.target.owner, location.extra_container))),
        owner=location.target.owner,
        kind=location.target.kind.lower(),
        name=location.target.name,
        namespace=location.namespace,
        pod=location.pod,
        container=location.container,
        folder=folder,
    )
    return workload_health.Finding(
        cause=cause,
        line=line,
        hint=remedy,
        pod=location.pod or None,
        container=location.container or None,
        fatal=fatal,
    )


def format_runbook_link(cause: str) -> str:
    """Where the runbook tells more."""
    return f"docs/runbook.md#{cause}"

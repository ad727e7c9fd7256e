"""The findings of public checkers that are meant: each with its reason. One that waives nothing is an error."""

from dev.checkers import outcome

_NO_CPU_LIMIT = (
    "a CPU limit slows a program down while the node idles; requests share a busy node fairly (RES-02). Where"
    " neighbours must be kept apart: `resources.cpuLimit`"
)
_TAGGED = (
    "examples name public images by their tags, for whoever reads them; `seaway release outdated --write` pins an"
    " application's own in images.lock (IMG-02)"
)
_NO_ALWAYS = (
    "what is built is named by its digest, so a pull brings the same; each restart of a pod would depend on the"
    " registry (IMG-03)"
)

WAIVERS: tuple[outcome.Waiver, ...] = (
    outcome.Waiver(tool="checkov", check="CKV_K8S_11", because=_NO_CPU_LIMIT),
    outcome.Waiver(tool="checkov", check="CKV_K8S_15", because=_NO_ALWAYS),
    outcome.Waiver(tool="checkov", check="CKV_K8S_43", because=_TAGGED),
    outcome.Waiver(
        tool="checkov",
        check="CKV_K8S_40",
        objects=("*: StatefulSet/*", "everything: *"),
        because="a public image has its own user, below 10000, and its files are that user's; root is refused (SEC-02)",
    ),
    outcome.Waiver(
        tool="checkov",
        check="CKV_K8S_8",
        objects=("*: Deployment/worker",),
        because="a worker takes no requests: there is only its process to ask for, and Kubernetes knows that (PRB-02)",
    ),
    outcome.Waiver(
        tool="checkov",
        check="CKV_K8S_9",
        objects=("*: Deployment/worker",),
        because="a worker takes no requests, so nothing waits for it to be ready (PRB-01)",
    ),
    outcome.Waiver(
        tool="checkov",
        check="CKV_K8S_35",
        objects=("everything: *",),
        because="the example shows `env: true` too, for programs that read variables only; files are the default (CFG-03)",
    ),
    outcome.Waiver(
        tool="checkov",
        check="CKV_K8S_38",
        objects=("everything: DaemonSet/agent",),
        because="it asks Kubernetes' API, as its `kubernetesApi` says; a Role allows that and no more (SA-02)",
    ),
)

"""The findings of public checkers that are meant: each with its reason. One that waives nothing is an error."""

from dev.checkers import outcome

_NO_CPU_LIMIT = (
    "a CPU limit slows a program down while the node idles; requests share a busy node fairly (RES-02). Where"
    " neighbours must be kept apart: `resources.cpuLimit`"
)
_TAGS = (
    "examples name public images by their tags, for whoever reads them; `seaway images lock` pins an"
    " application's own in images.lock (IMG-02)"
)
_NO_ALWAYS = (
    "with a digest a pull brings the same every time, and each restart of a pod would depend on the registry; a tag is"
    " pinned to a digest in images.lock (IMG-02, IMG-03)"
)
_LOW_USER = "a public image has its own user, below 10000, and its files are that user's; root is refused (SEC-02)"

WAIVERS: tuple[outcome.Waiver, ...] = (
    outcome.Waiver(
        tool="kube-score", check="container-resources", message="CPU limit is not set", reason=_NO_CPU_LIMIT
    ),
    outcome.Waiver(
        tool="kube-score",
        check="container-resource-requests-equal-limits",
        message="CPU requests does not match limits",
        reason=_NO_CPU_LIMIT,
    ),
    outcome.Waiver(tool="kube-score", check="container-cpu-requests-equal-limits", reason=_NO_CPU_LIMIT),
    outcome.Waiver(
        tool="kube-score",
        check="container-ephemeral-storage-request-equals-limit",
        reason="what is set aside is what logs and temporary files usually take, and the limit ends a leak; to set all"
        " of it aside would fill a node's disk with nothing (RES-05)",
    ),
    outcome.Waiver(tool="kube-score", check="container-image-pull-policy", reason=_NO_ALWAYS),
    outcome.Waiver(
        tool="kube-score",
        check="container-security-context-user-group-id",
        objects=("*: StatefulSet/*",),
        reason=_LOW_USER,
    ),
    outcome.Waiver(
        tool="kube-score",
        check="deployment-has-host-podantiaffinity",
        reason="pods are spread over nodes and zones by topology spread constraints, which know more than two of each"
        " and still run on a small cluster (AVL-03, AVL-04)",
    ),
    outcome.Waiver(
        tool="kube-score",
        check="deployment-targeted-by-hpa-does-not-have-replicas-configured",
        reason="without a number the first deployment begins with one pod; what the autoscaler has chosen since is"
        " what is sent (AVL-10)",
    ),
    outcome.Waiver(
        tool="kube-score",
        check="deployment-replicas",
        objects=("everything: Deployment/counter",),
        reason="it counts in memory, so there is one; what that means is told by AVL-01",
    ),
    outcome.Waiver(
        tool="kube-score",
        check="pod-probes-identical",
        objects=("smallest: Deployment/web", "shop: Deployment/web", "everything: *"),
        reason="these examples ask nobody else before they answer, so ready and live are one question; where something"
        " stands behind the program there are two (PRB-02)",
    ),
    outcome.Waiver(
        tool="kube-score",
        check="networkpolicy-targets-pod",
        objects=("*: NetworkPolicy/acme-challenges",),
        reason="it is for pods of cert-manager, which are there while a certificate is made (NET-02)",
    ),
    outcome.Waiver(tool="checkov", check="CKV_K8S_11", reason=_NO_CPU_LIMIT),
    outcome.Waiver(tool="checkov", check="CKV_K8S_15", reason=_NO_ALWAYS),
    outcome.Waiver(tool="checkov", check="CKV_K8S_43", reason=_TAGS),
    outcome.Waiver(
        tool="checkov",
        check="CKV_K8S_40",
        objects=("*: StatefulSet/*", "everything: *"),
        reason=_LOW_USER,
    ),
    outcome.Waiver(
        tool="checkov",
        check="CKV_K8S_8",
        objects=("*: Deployment/worker",),
        reason="a worker takes no requests: there is only its process to ask for, and Kubernetes knows that (PRB-02)",
    ),
    outcome.Waiver(
        tool="checkov",
        check="CKV_K8S_9",
        objects=("*: Deployment/worker",),
        reason="a worker takes no requests, so nothing waits for it to be ready (PRB-01)",
    ),
    outcome.Waiver(
        tool="checkov",
        check="CKV_K8S_35",
        objects=("everything: *",),
        reason="the example shows `env: true` too, for programs that read variables; files are the default (CFG-03)",
    ),
    outcome.Waiver(
        tool="checkov",
        check="CKV_K8S_38",
        objects=("everything: DaemonSet/agent",),
        reason="it asks Kubernetes' API, as its `kubernetesApi` says; a Role allows that and no more (SA-02)",
    ),
)

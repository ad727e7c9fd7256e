"""Accepted failures of public checkers, each with a reason. An unused waiver is an error."""

from dev.checkers import outcome

_NO_CPU_LIMIT = (
    "a CPU limit throttles a program on an idle node; requests share a busy node fairly (RES-02). To isolate"
    " neighbours, set `resources.cpuLimit`"
)
_TAGS = (
    "examples use tags of public images for readability; `seaway images lock` pins the images of an application in"
    " images.lock (IMG-02)"
)
_NO_ALWAYS = (
    "a digest always pulls the same image, and each restart of a pod would depend on the registry; images.lock pins a"
    " tag to a digest (IMG-02, IMG-03)"
)
_LOW_USER = "a public image has its own user below 10000, and its files belong to that user; root is rejected (SEC-02)"

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
        reason="the request covers the usual size of logs and temporary files, and the limit stops a leak; a request as"
        " large as the limit would waste a node's disk (RES-05)",
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
        reason="topology spread constraints spread pods over any number of nodes and zones, and still run on a small"
        " cluster (AVL-03, AVL-04)",
    ),
    outcome.Waiver(
        tool="kube-score",
        check="deployment-targeted-by-hpa-does-not-have-replicas-configured",
        reason="without a number, the first deployment starts with one pod; later deployments send the number that the"
        " autoscaler has chosen (AVL-10)",
    ),
    outcome.Waiver(
        tool="kube-score",
        check="deployment-replicas",
        objects=("everything: Deployment/counter",),
        reason="it counts in memory, so it has one replica; AVL-01 reports the consequence",
    ),
    outcome.Waiver(
        tool="kube-score",
        check="pod-probes-identical",
        objects=("smallest: Deployment/web", "shop: Deployment/web", "everything: *"),
        reason="these examples have no dependencies, so readiness and liveness are the same; a program with"
        " dependencies needs two probes (PRB-02)",
    ),
    outcome.Waiver(
        tool="kube-score",
        check="networkpolicy-targets-pod",
        objects=("*: NetworkPolicy/acme-challenges",),
        reason="it selects pods of cert-manager, which exist only while a certificate is issued (NET-02)",
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
        reason="a worker receives no requests: only its process can be probed, and Kubernetes watches it (PRB-02)",
    ),
    outcome.Waiver(
        tool="checkov",
        check="CKV_K8S_9",
        objects=("*: Deployment/worker",),
        reason="a worker receives no requests, so no client waits for its readiness (PRB-01)",
    ),
    outcome.Waiver(
        tool="checkov",
        check="CKV_K8S_35",
        objects=("everything: *",),
        reason="the example also shows `env: true` for programs that read variables; files are the default (CFG-03)",
    ),
    outcome.Waiver(
        tool="checkov",
        check="CKV_K8S_38",
        objects=("everything: DaemonSet/agent",),
        reason="it uses the Kubernetes API, as declared by `kubernetesApi`; its Role allows only this (SA-02)",
    ),
)

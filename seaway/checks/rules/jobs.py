"""What runs to the end: that it does end, and is not started twice. And what brings pods up again."""

from seaway.checks import check, check_context

_FINITE_KINDS = ("Job", "CronJob")


@check.for_pods(
    "JOB-01",
    "A schedule says what becomes of a run that is late, or that meets the one before it",
    check.STRICT_FOR_RELEASES,
)
def schedule_policy(pod: check_context.Pod) -> check_context.Findings:
    """Otherwise a cluster that was away for a night starts last night's reports in the morning's rush, all at once."""
    spec = pod.release_object.manifest["spec"]
    if not pod.is_scheduled or spec.get("suspend"):
        return
    for key, field in (("startingDeadlineSeconds", "startingDeadline"), ("concurrencyPolicy", "concurrencyPolicy")):
        if key not in spec:
            yield check_context.make_finding(
                pod.release_object, f"spec.{key}", "is not set", f"say it in {pod.model_path}.{field}"
            )


@check.for_pods("JOB-02", "A job that cannot succeed ends", check.STRICT_FOR_RELEASES)
def job_limits(pod: check_context.Pod) -> check_context.Findings:
    """Without a limit it is tried six times, and one that hangs on a lock hangs for ever."""
    if pod.release_object.kind not in _FINITE_KINDS:
        return
    path = pod.template_path.removesuffix(".template")
    spec = pod.release_object.manifest["spec"]
    said = spec["jobTemplate"]["spec"] if pod.is_scheduled else spec
    for key, field in (("backoffLimit", "backoffLimit"), ("activeDeadlineSeconds", "timeout")):
        if key not in said:
            yield check_context.make_finding(
                pod.release_object, f"{path}.{key}", "is not set", f"say it in {pod.model_path}.{field}"
            )


@check.for_pods("AVL-09", "What ends comes back if it should, and only then", check.CANNOT_WORK)
def restart_policy(pod: check_context.Pod) -> check_context.Findings:
    """The API server refuses a job that starts for ever, and a service that stays down."""
    policy = pod.spec.get("restartPolicy", "Always")
    if (policy == "Always") == (pod.release_object.kind in _FINITE_KINDS):
        remedy = "set it to Never" if pod.release_object.kind in _FINITE_KINDS else "remove it"
        yield pod.make_finding("restartPolicy", f"{policy} is not for a {pod.release_object.kind}", remedy)


@check.for_application("STS-01", "A store has the Service that gives its pods their names", check.CANNOT_WORK)
def headless_service(context: check_context.CheckContext) -> check_context.Findings:
    """Without it `db-0.db` is nowhere found. https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#stable-network-id"""
    there = {each.name: each.manifest["spec"] for each in context.list_objects("Service")}
    for pod in (pod for pod in context.pods if pod.release_object.kind == "StatefulSet"):
        name = pod.release_object.manifest["spec"].get("serviceName", "")
        if name not in there:
            wrong = f"there is no Service {name}" if name else "is not set"
            yield check_context.make_finding(
                pod.release_object, "spec.serviceName", wrong, "name one with clusterIP None"
            )
        elif there[name].get("clusterIP") != "None":
            wrong = f"Service {name} has an address of its own"
            yield check_context.make_finding(
                pod.release_object, "spec.serviceName", wrong, "name one with clusterIP None"
            )

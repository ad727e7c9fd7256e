"""What runs to the end: that it does end, and is not started twice. And what brings pods up again."""

from seaway.checks import check, check_context

_ENDS = ("Job", "CronJob")


@check.pods(
    "JOB-01", "A schedule says what becomes of a run that is late, or that meets the one before it", check.RELEASED
)
def late(each: check_context.Pod) -> check_context.Found:
    """Otherwise a cluster that was away for a night starts last night's reports in the morning's rush, all at once."""
    spec = each.object.manifest["spec"]
    if not each.scheduled or spec.get("suspend"):
        return
    for key, field in (("startingDeadlineSeconds", "startWithin"), ("concurrencyPolicy", "overlap")):
        if key not in spec:
            yield check_context.about(each.object, f"spec.{key}", "is not set", f"say it in {each.field}.{field}")


@check.pods("JOB-02", "A job that cannot succeed ends", check.RELEASED)
def ends(each: check_context.Pod) -> check_context.Found:
    """Without a limit it is tried six times, and one that hangs on a lock hangs for ever."""
    if each.object.kind not in _ENDS:
        return
    path = each.path.removesuffix(".template")
    spec = each.object.manifest["spec"]
    said = spec["jobTemplate"]["spec"] if each.scheduled else spec
    for key, field in (("backoffLimit", "tries"), ("activeDeadlineSeconds", "timeout")):
        if key not in said:
            yield check_context.about(each.object, f"{path}.{key}", "is not set", f"say it in {each.field}.{field}")


@check.pods("AVL-09", "What ends comes back if it should, and only then", check.BROKEN)
def restarts(each: check_context.Pod) -> check_context.Found:
    """The API server refuses a job that starts for ever, and a service that stays down."""
    policy = each.spec.get("restartPolicy", "Always")
    if (policy == "Always") == (each.object.kind in _ENDS):
        remedy = "set it to Never" if each.object.kind in _ENDS else "remove it"
        yield each.says("restartPolicy", f"{policy} is not for a {each.object.kind}", remedy)


@check.whole("STS-01", "A store has the Service that gives its pods their names", check.BROKEN)
def headless(seen: check_context.Subject) -> check_context.Found:
    """Without it `db-0.db` is nowhere found. https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#stable-network-id"""
    there = {each.name: each.manifest["spec"] for each in seen.of("Service")}
    for pod in (pod for pod in seen.pods if pod.object.kind == "StatefulSet"):
        name = pod.object.manifest["spec"].get("serviceName", "")
        if name not in there:
            wrong = f"there is no Service {name}" if name else "is not set"
            yield check_context.about(pod.object, "spec.serviceName", wrong, "name one with clusterIP None")
        elif there[name].get("clusterIP") != "None":
            wrong = f"Service {name} has an address of its own"
            yield check_context.about(pod.object, "spec.serviceName", wrong, "name one with clusterIP None")

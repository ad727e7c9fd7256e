"""Jobs: that they end and do not overlap. The Service of a store."""

from seaway.checks import check, check_context


@check.for_pods("JOB-01", "A schedule defines how late and overlapping runs are handled", check.STRICT_FOR_RELEASES)
def schedule_policy(pod: check_context.Pod) -> check_context.Findings:
    """Otherwise a cluster that was down at night starts all missed runs in the morning at once."""
    spec = pod.release_object.manifest["spec"]
    if not pod.is_scheduled or spec.get("suspend"):
        return
    for key, field in (("startingDeadlineSeconds", "startingDeadline"), ("concurrencyPolicy", "concurrencyPolicy")):
        if key not in spec:
            yield pod.make_object_finding(f"spec.{key}", "is not set", f"set {pod.model_path}.{field}")


@check.for_pods("JOB-02", "A job that cannot succeed ends", check.STRICT_FOR_RELEASES)
def job_limits(pod: check_context.Pod) -> check_context.Findings:
    """Without limits Kubernetes retries a job six times, and a job that waits for a lock hangs forever."""
    if not pod.runs_to_completion:
        return
    path = pod.template_path.removesuffix(".template")
    spec = pod.release_object.manifest["spec"]
    job_spec = spec["jobTemplate"]["spec"] if pod.is_scheduled else spec
    for key, field in (("backoffLimit", "backoffLimit"), ("activeDeadlineSeconds", "timeout")):
        if key not in job_spec:
            yield pod.make_object_finding(f"{path}.{key}", "is not set", f"set {pod.model_path}.{field}")


@check.for_application("STS-01", "A store has the Service that gives its pods their names", check.CANNOT_WORK)
def headless_service(context: check_context.CheckContext) -> check_context.Findings:
    """Without it `db-0.db` has no DNS record. https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#stable-network-id"""
    services = {service.name: service.manifest["spec"] for service in context.list_objects("Service")}
    for pod in (pod for pod in context.pods if pod.release_object.kind == "StatefulSet"):
        spec = pod.release_object.manifest["spec"]
        name = spec.get("serviceName", "")
        if name not in services:
            message = f"Service {name} does not exist" if name else "is not set"
        elif services[name].get("clusterIP") == "None":
            continue
        # The only pod of a store has the name of the Service, whatever its address.
        elif pod.replicas > 1 or services[name].get("selector") != spec["selector"]["matchLabels"]:
            message = f"Service {name} has a cluster IP"
        else:
            continue
        yield pod.make_object_finding("spec.serviceName", message, "name a Service with clusterIP None")

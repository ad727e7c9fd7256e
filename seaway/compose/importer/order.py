"""What comes first, and what comes after an end: depends_on, restarts, the time to end."""

from collections.abc import Mapping

from seaway.compose.importer import amounts, key_reader, plan, service_builder


def convert(
    service: plan.ServicePlan, builder: service_builder.ServiceBuilder, plans: Mapping[str, plan.ServicePlan]
) -> None:
    """What it waits for."""
    one = service.keys
    for name, said in one.enter_mapping("depends_on"):
        other, condition = plans.get(name), said.get_text("condition") or "service_started"
        if other is None:
            one.record_member("depends_on", name, "dropped", "is no service that was asked for", "remove it")
            continue
        if condition == "service_started" and other.kind == "services":
            how = "no order: a program tries again until the other answers"
            said.approximate("condition", how, "condition: service_healthy", into="calls")
        elif other.kind == "stores" and service.kind != "stores":
            said.keep("condition", "stores come before services")
        elif _runs_too_late(service, other):
            how = f"no rollout completes {other.dns_name} before {service.dns_name} starts"
            said.approximate("condition", how, f"let {service.dns_name} retry until it is done")
        elif other.kind == "jobs" and service.kind == "services":
            said.keep("condition", f"{other.dns_name} runs before any service changes")
        elif other.kind == "services" and service.kind == "jobs":
            said.keep("condition", "after all services", into="run")
        else:
            builder.append_unique("dependsOn", other.dns_name, said.locate("condition"))
            said.keep("condition", f"dependsOn: {other.dns_name}", into="dependsOn")
        _convert_rare_keys(said, other)
    if service.runs_after_services:
        builder.set(("run",), "after-rollout", one.locate("depends_on"))


def _convert_rare_keys(dependency: key_reader.KeyReader, other: plan.ServicePlan) -> None:
    if dependency.get_text("required") == "true":
        dependency.keep("required")
    dependency.approximate("required", f"{other.dns_name} is there: it is in the same application")
    if dependency.get_text("restart") == "false":
        dependency.keep("restart")
    dependency.drop("restart", "a program tries again when the other is back")


def _runs_too_late(service: plan.ServicePlan, other: plan.ServicePlan) -> bool:
    """Whether the other is a job that completes after this one starts, or that a schedule starts."""
    scheduled = plan.CRON_LABEL in other.keys.get_scalars("labels")
    return other.kind == "jobs" and (scheduled or (other.runs_after_services and not service.runs_after_services))


def convert_termination(service: plan.ServicePlan, builder: service_builder.ServiceBuilder) -> None:
    """Restarts and ends."""
    one, job = service.keys, service.kind == "jobs"
    policy = one.enter("deploy").enter("restart_policy")
    condition = policy.get_text("condition") or one.get_text("restart")
    if job:
        tries = policy.get_text("max_attempts") or (one.get_text("restart") or "").partition(":")[2]
        if tries.isdecimal():
            builder.set(("backoffLimit",), int(tries), policy.locate("max_attempts"))
            policy.keep("max_attempts", f"backoffLimit: {tries}", into="backoffLimit")
            one.keep("restart", f"backoffLimit: {tries}", into="backoffLimit")
        once = condition in (None, "no", "none", "on-failure") or (condition or "").startswith("on-failure")
        how = "a job is tried twice"
        policy.approximate("condition", how, into="backoffLimit") if once else policy.drop("condition", "a job ends")
        one.approximate("restart", how, into="backoffLimit") if once else one.drop("restart", "a job ends")
    else:
        always = condition in (None, "always", "unless-stopped", "any")
        for parent, key in ((one, "restart"), (policy, "condition")):
            if always:
                parent.keep(key)
            else:
                parent.approximate(key, "a service that ends is always started again", "make it a job")
    for key in ("delay", "window", "max_attempts"):
        policy.approximate(key, "the longer it fails, the later it is started again, up to 5 minutes")
    grace = amounts.to_seconds(one.get_text("stop_grace_period"))
    if grace and not job:
        builder.set(("stopGracePeriod",), grace, one.locate("stop_grace_period"))
        one.keep("stop_grace_period", f"stopGracePeriod: {grace}", into="stopGracePeriod")
    one.drop("stop_grace_period", "a job has 30 s" if job else "is no time to end")
    if one.get_text("stop_signal") in ("SIGTERM", "15"):
        one.keep("stop_signal")
    one.drop("stop_signal", "the end is told by SIGTERM", "write STOPSIGNAL in the Dockerfile")

"""Converts the start order (depends_on), restarts, and the shutdown."""

from seaway.compose.importer import amounts, key_reader, plan, planner, security


def convert(service: plan.ServicePlan) -> None:
    keys = service.keys
    for name, dependency in keys.enter_mapping("depends_on"):
        if name in service.plans:
            _convert_dependency(service, service.plans[name], dependency)
        elif service.document.enter("services").enter(name).has("x-seaway.made"):
            keys.keep(("depends_on", name), "generated for Docker by seaway export")
        else:
            keys.drop(("depends_on", name), "is not an imported service")
    if service.runs_after_services:
        service.builder.set("run", "after-rollout", keys.locate("depends_on"))


def _convert_dependency(service: plan.ServicePlan, other: plan.ServicePlan, dependency: key_reader.KeyReader) -> None:
    condition, kind = dependency.get_text("condition") or "service_started", service.kind
    if other.kind == "jobs" and other.is_switched_off():
        dependency.keep("condition", "it is not awaited: it runs no container")
    elif condition == "service_started" and other.kind == "services":
        message = "no order: a program retries until the other responds"
        dependency.approximate("condition", message, "condition: service_healthy", into="calls")
    elif other.kind == "stores" and kind != "stores" and not service.is_awaited("stores"):
        dependency.keep("condition", "stores start before services")
    elif other.name in service.unordered_jobs:
        message = f"no order: {other.dns_name} needs a disk that exists only when its store starts"
        dependency.approximate("condition", message, _describe_earlier_run(service, other))
    elif _runs_too_late(service, other):
        message = f"no rollout completes {other.dns_name} before {service.dns_name} starts"
        dependency.approximate("condition", message, f"let {service.dns_name} retry until it is complete")
    elif other.kind == "jobs" and kind == "services" and not service.is_awaited("stores", "jobs"):
        dependency.keep("condition", f"{other.dns_name} runs before any service changes")
    elif other.kind == "services" and service.runs_after_services:
        dependency.keep("condition", "after all services", into="run")
    else:
        service.builder.append("dependsOn", other.dns_name, dependency.locate("condition"))
        dependency.keep("condition", f"dependsOn: {other.dns_name}", into="dependsOn")
    dependency.approximate("required", f"{other.dns_name} is part of the application", kept={"true": ""})
    dependency.drop("restart", "a program reconnects after a restart of the other", kept={"false": ""})


def _describe_earlier_run(service: plan.ServicePlan, job: plan.ServicePlan) -> str:
    """How a job can run before the store whose disk it mounts: containers of a pod share their writable folders."""
    places = {mount.source: mount.target for mount, owner in job.shared_disks.items() if owner is service}
    disks = [disk for disk in service.own_disks if disk.source in places]
    # A pod with a user cannot have a container with the user of an image, and an init container has no build.
    may_move = security.choose_run_as(service).image_user or not security.choose_run_as(job).image_user
    has_image = job.build is None or (job.build_context, job.stage) == (service.build_context, service.stage)
    if not (disks and may_move and has_image):
        return f"if {service.dns_name} needs it first, do its work in the entrypoint of {service.dns_name}"
    folders = ", ".join(disk.target for disk in disks)
    moved = [f"{disk.target} instead of {places[disk.source]}" for disk in disks if disk.target != places[disk.source]]
    key = f"{service.path}.init.{job.dns_name}"
    hint = f"in app.yaml, move it to {key} with its image, command, env, secrets, files and user, and"
    return f"{hint} `writable: [/, {folders}]`" + (f"; write {', '.join(moved)}" if moved else "")


def _runs_too_late(service: plan.ServicePlan, other: plan.ServicePlan) -> bool:
    """Whether the other is a job that completes after this service starts, or that runs on a schedule."""
    runs_later = other.runs_after_services and not service.runs_after_services
    return other.kind == "jobs" and (runs_later or planner.CRON_LABEL in other.labels)


def convert_termination(service: plan.ServicePlan) -> None:
    keys, is_job = service.keys, service.kind == "jobs"
    policy = keys.enter("deploy").enter("restart_policy")
    if is_job:
        _convert_retries(service, policy)
    else:
        condition = policy.get_text("condition") or keys.get_text("restart")
        for reader, key in ((keys, "restart"), (policy, "condition")):
            if condition in (None, "always", "unless-stopped", "any"):
                reader.keep(key)
            else:
                reader.approximate(key, "a service is always restarted")
        policy.approximate("max_attempts", "restarts are unlimited, with a back-off of up to 5 minutes")
    policy.approximate("delay window", "restarts have a back-off of up to 5 minutes")
    seconds = amounts.to_seconds(keys.get_text("stop_grace_period"))
    if seconds and not is_job:
        service.set("stopGracePeriod", seconds, keys, "stop_grace_period")
    else:
        keys.drop("stop_grace_period", "a job has 30 s" if is_job else "is not a valid duration")
    hint = "write STOPSIGNAL in the Dockerfile"
    keys.drop("stop_signal", "containers receive SIGTERM", hint, kept={"SIGTERM": "", "15": ""})


def _convert_retries(service: plan.ServicePlan, policy: key_reader.KeyReader) -> None:
    keys, restart = service.keys, service.keys.get_text("restart") or ""
    condition = policy.get_text("condition") or restart
    ends = condition in ("", "no", "none") or condition.startswith("on-failure")
    retries = policy.get_text("max_attempts") or restart.partition(":")[2]
    conditions = [(policy, "condition")]
    if retries.isdecimal():
        service.builder.set("backoffLimit", int(retries), policy.locate("max_attempts"))
        for reader, key in ((policy, "max_attempts"), (keys, "restart")):
            reader.keep(key, f"backoffLimit: {retries}", into="backoffLimit")
    else:
        policy.approximate("max_attempts", "backoffLimit: 1", into="backoffLimit")
        conditions.append((keys, "restart"))
    for reader, key in conditions:
        if ends:
            reader.approximate(key, "backoffLimit: 1", into="backoffLimit")
        else:
            reader.drop(key, "a job ends")

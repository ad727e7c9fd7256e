"""What comes first, and what comes after an end: depends_on, restarts, the time to end."""

from collections.abc import Mapping

from seaway.compose.importer import amounts, key_reader, plan, service_builder


def convert(each: plan.Plan, made: service_builder.Draft, found: Mapping[str, plan.Plan]) -> None:
    """What it waits for."""
    one = each.entry
    for name, said in one.each("depends_on"):
        other, condition = found.get(name), said.text("condition") or "service_started"
        if other is None:
            one.named("depends_on", name, "dropped", "is no service that was asked for", "remove it")
            continue
        if condition == "service_started" and other.kind == "services":
            how = "no order: a program tries again until the other answers"
            said.approximated("condition", how, "condition: service_healthy", into="calls")
        elif other.kind == "stores":
            said.kept("condition", "stores come before services")
        elif other.kind == "jobs":
            _after_job(each, other, said)
        elif each.kind == "services":
            made.add("after", other.label, said.place("condition"))
            said.kept("condition", f"after: {other.label}", into="after")
        elif each.kind == "jobs":
            said.kept("condition", "after all services", into="run")
        else:
            said.approximated("condition", "stores come before services", "let it try again until the other answers")
        _rarely(said, other)
    if each.late:
        made.put(("run",), "after-rollout", one.place("depends_on"))


def _rarely(said: key_reader.Part, other: plan.Plan) -> None:
    if said.text("required") == "true":
        said.kept("required")
    said.approximated("required", f"{other.label} is there: it is in the same application")
    if said.text("restart") == "false":
        said.kept("restart")
    said.dropped("restart", "a program tries again when the other is back")


def _after_job(each: plan.Plan, other: plan.Plan, said: key_reader.Part) -> None:
    if each.kind == "jobs":
        how = f"{each.label} and {other.label} are jobs of one release; nothing says which is first"
        said.approximated("condition", how, "let one job do both")
    elif each.kind == "stores":
        said.approximated("condition", "stores come before jobs", "let it wait itself")
    elif other.late:
        how = f"{other.label} needs services itself, and so runs after all of them"
        said.approximated("condition", how, "let it need stores only")
    else:
        said.kept("condition", f"{other.label} runs before any service changes")


def ending(each: plan.Plan, made: service_builder.Draft) -> None:
    """Restarts and ends."""
    one, job = each.entry, each.kind == "jobs"
    policy = one.inner("deploy").inner("restart_policy")
    condition = policy.text("condition") or one.text("restart")
    if job:
        tries = policy.text("max_attempts") or (one.text("restart") or "").partition(":")[2]
        if tries.isdecimal():
            made.put(("tries",), int(tries) + 1, policy.place("max_attempts"))
            policy.kept("max_attempts", f"tries: {int(tries) + 1}", into="tries")
            one.kept("restart", f"tries: {int(tries) + 1}", into="tries")
        once = condition in (None, "no", "none", "on-failure") or (condition or "").startswith("on-failure")
        how = "a job is tried twice"
        policy.approximated("condition", how, into="tries") if once else policy.dropped("condition", "a job ends")
        one.approximated("restart", how, into="tries") if once else one.dropped("restart", "a job ends")
    else:
        always = condition in (None, "always", "unless-stopped", "any")
        for parent, key in ((one, "restart"), (policy, "condition")):
            if always:
                parent.kept(key)
            else:
                parent.approximated(key, "a service that ends is always started again", "make it a job")
    for key in ("delay", "window", "max_attempts"):
        policy.approximated(key, "the longer it fails, the later it is started again, up to 5 minutes")
    grace = amounts.seconds(one.text("stop_grace_period"))
    if grace and not job:
        made.put(("grace",), grace, one.place("stop_grace_period"))
        one.kept("stop_grace_period", f"grace: {grace}", into="grace")
    one.dropped("stop_grace_period", "a job has 30 s" if job else "is no time to end")
    if one.text("stop_signal") in ("SIGTERM", "15"):
        one.kept("stop_signal")
    one.dropped("stop_signal", "the end is told by SIGTERM", "write STOPSIGNAL in the Dockerfile")

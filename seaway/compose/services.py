"""One service of a compose document as a service, store or job of the application."""

import re
from collections.abc import Mapping

from seaway.compose import (
    amounts,
    draft,
    files,
    health,
    kompose,
    labels,
    networks,
    part,
    plan,
    ports,
    resources,
    secrets,
    security,
    volumes,
)
from seaway.model import nodes

_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
BUILD = ("context", "dockerfile", "target", "args")
_NO_BUILD: Mapping[str, tuple[str, str]] = {
    "additional_contexts": ("an image is built from one folder", "copy what it needs into the context"),
    "cache_from": ("the builder keeps its own cache", "remove it"),
    "cache_to": ("the builder keeps its own cache", "remove it"),
    "dockerfile_inline": ("a Dockerfile is a file", "write it as a Dockerfile of the context"),
    "entitlements": ("a build gets no rights over its machine", "remove it"),
    "extra_hosts": ("a build knows the names of its network", "remove it"),
    "isolation": ("a build runs in a container of Linux", "remove it"),
    "labels": ("an image is found by its content, not by labels", "write LABEL in the Dockerfile"),
    "network": ("a build has the builder's network", "remove it"),
    "no_cache": ("what has not changed is not built again", "remove it"),
    "platforms": ("seaway:platform says for which nodes it is built", "pulumi config set seaway:platform <platform>"),
    "privileged": ("a build gets no rights over its machine", "remove it"),
    "provenance": ("the builder's business", "remove it"),
    "pull": ("images.lock says which base images are taken", "seaway release outdated"),
    "sbom": ("the builder's business", "remove it"),
    "secrets": ("a build gets no secrets", "build the image where they are, and name it with `image:`"),
    "shm_size": ("the builder's business", "remove it"),
    "ssh": ("a build gets no keys", "copy what it needs into the context"),
    "tags": ("an image is called after its content", "remove it"),
    "ulimits": ("the builder's business", "remove it"),
}
_DROPPED: Mapping[str, tuple[str, str]] = {
    "attach": ("seaway logs shows all", "remove it"),
    "cgroup_parent": ("the node's business", "remove it"),
    "credential_spec": ("an account of Windows", "remove it"),
    "develop": ("for work on one machine; a cluster runs what is built", "remove it"),
    "isolation": ("containers of Linux have one kind", "remove it"),
    "label_file": ("labels of a container; nothing here reads them", "remove it"),
    "logging": ("logs go to stdout, and the cluster collects them; seaway logs shows them", "remove it"),
    "mac_address": ("the cluster's business", "remove it"),
    "models": ("a model is a service with a gpu", "write a service that serves it"),
    "post_start": ("nothing runs in a container beside its program", "write a job with `uses:`, or a sidecar"),
    "pre_stop": ("a container is told by SIGTERM that it ends", "let the program answer SIGTERM"),
    "pull_refresh_after": ("images.lock says which image is taken", "remove it"),
    "runtime": ("the node's business", "`raw` may say runtimeClassName"),
    "volumes_from": ("a disk belongs to one store", "let one service hand the data to the other"),
}


def convert(
    each: plan.Plan, found: Mapping[str, plan.Plan], root: part.Part, where: volumes.Where, hosts: Mapping[str, str]
) -> nodes.Table:
    """The body of one service. ``hosts``: those that are called differently now."""
    one = each.entry
    place = nodes.inside(root.table, "services")[each.name].place
    made = draft.Draft(place)
    job = each.kind == "jobs"
    _source(each, made, where)
    called = labels.Names(hosts=hosts, paths=secrets.convert(one, made))
    _words(one, made, called)
    _environment(one, made, called, secrets.given(one, made))
    _listening(each, made)
    secrets.configs(one, made, dict(root.each("configs")), where)
    volumes.convert(
        one,
        made,
        each.mounts,
        store=each.kind == "stores",
        where=where,
        declared=dict(root.each("volumes")),
        owned=each.disks,
    )
    _implied(each, made)
    volumes.tmpfs(one, made)
    networks.convert(each, made, found, root)
    networks.hosts(one, made)
    health.convert(one, made, called, job=job)
    resources.convert(one, made, each.image)
    resources.deploy(one, made, each.kind)
    resources.platform(one, made)
    security.convert(one, made, image=each.image, built=each.said)
    _order(each, made, found)
    _ending(each, made)
    _pod(one, made)
    kompose.convert(each, made)
    _rest(each)
    _tidy(made)
    if "schedule" in made.values:
        made.values.pop("run", None)
    kind = {"services": "Deployment", "stores": "StatefulSet", "jobs": "Job"}[each.kind]
    if "eachNode" in made.values:
        kind = "DaemonSet"
        made.values.pop("scale", None)
        made.values.pop("spread", None)
    if "schedule" in made.values:
        kind = "CronJob"
    made.raw(kind, each.label)
    return made.table(draft.CLASSES[each.kind])


def _source(each: plan.Plan, made: draft.Draft, where: volumes.Where) -> None:
    one = each.entry
    if each.label != each.name:
        one.noted("approximated", f"is called {each.label}, since a name here is one of DNS")
    if each.why:
        remedy = "" if each.kind == "stores" else "give it a `restart:` of always if it runs for ever"
        one.noted("kept", f"a {each.kind[:-1]}: {each.why}", remedy)
    one.kept("profiles", "it was asked for")
    if each.build is None:
        image = one.text("image")
        if image is not None:
            made.put(("image",), image, one.place("image"))
            one.kept("image", into="image")
        return
    _build(each, made, where)
    if one.has("build"):
        one.approximated("image", "the image is called after its content, in seaway:registry", into="build")
    else:
        one.approximated("image", "built here, as in the service that builds it", into="build")


def _build(each: plan.Plan, made: draft.Draft, where: volumes.Where) -> None:
    said = each.build
    if said is None:
        return
    context = said.text("context") or "."
    relative = where.relative(context)
    if files.remote(context):
        said.refused("context", f"{context} is on another machine", "build from a folder of the project")
    elif relative is None:
        said.refused("context", f"{context} is outside of the project", "build from a folder of the project")
    made.put(("build", "context"), relative or context, said.place("context"))
    said.kept("context", into="build")
    for key in ("dockerfile", "target"):
        if text := said.text(key):
            if key == "target" or text != "Dockerfile":
                made.put(("build", key), text, said.place(key))
            said.kept(key, into="build")
    for name, node in said.scalars("args").items():
        made.put(("build", "args", name), node.text, node.place)
        said.named("args", name, "kept", "", "", "build")
    for name in nodes.inside(said.table, "args"):
        why = "has no value: it is the variable of a shell"
        said.named("args", name, "dropped", why, "write its value")
    for key, (why, remedy) in _NO_BUILD.items():
        if said.text(key) == "false":
            said.kept(key)
        elif key in ("secrets", "ssh", "additional_contexts", "dockerfile_inline"):
            said.refused(key, why, remedy)
        else:
            said.dropped(key, why, remedy)


def _words(one: part.Part, made: draft.Draft, names: labels.Names) -> None:
    """ENTRYPOINT and CMD. Without the image's own ENTRYPOINT, the command is the program."""
    entry, command = one.texts("entrypoint"), one.texts("command")
    bare = entry is not None and not entry
    for key, words, field in (
        ("entrypoint", entry, "command"),
        ("command", command, "command" if bare and one.has("entrypoint") else "args"),
    ):
        if words:
            said = [names.rewritten(literal(word)) for word in words]
            made.put((field,), said, one.place(key))
            if [literal(word) for word in words] != said:
                one.approximated(key, "with the names and paths that things have here", into=field)
        if one.node(key) is None or not words:
            one.kept(key, "as the image says" if not words else "")
        one.kept(key, field, into=field)


def literal(text: str) -> str:
    """Kubernetes takes ``$(NAME)`` for a variable and ``$$`` for a dollar, in values and in words; compose does not."""
    return text.replace("$$", "$$$$").replace("$(", "$$(") if "$" in text else text


def _environment(one: part.Part, made: draft.Draft, names: labels.Names, given: set[str]) -> None:
    known = one.scalars("environment")
    for name in nodes.inside(one.table, "environment"):
        if name in given:
            one.named("environment", name, "kept", "every secret's variable says where its file is", "")
        elif name not in known:
            why = "has no value: it is the variable of a shell"
            one.named("environment", name, "dropped", why, "write its value, or list it in `secrets`")
        elif not _VARIABLE.fullmatch(name):
            one.named("environment", name, "dropped", "is no name of a variable", "use letters, digits and _")
        else:
            node = known[name]
            text = literal(node.text)
            said = names.rewritten(text, name)
            made.put(("env", name), said, node.place)
            if said != text:
                how = "with the names and paths that things have here"
                one.named("environment", name, "approximated", how, "", f"env.{name}")
            else:
                one.named("environment", name, "kept", "", "", f"env.{name}")
    one.kept("env_file", "its values are in env")
    if one.text("working_dir"):
        made.put(("workingDir",), one.text("working_dir"), one.place("working_dir"))
    one.kept("working_dir", "workingDir", into="workingDir")


def _listening(each: plan.Plan, made: draft.Draft) -> None:
    one, main = each.entry, each.main
    if each.kind == "jobs":
        one.dropped("ports", "nobody calls a job")
        one.dropped("expose", "nobody calls a job")
    elif main is not None:
        made.put(("port",), main.number, main.place)
        if each.kind == "services" and main.protocol != "http":
            made.put(("protocol",), main.protocol, main.place)
        if main.source.startswith(("ports.", "expose.")):
            _outside(each, made, main)
        else:
            one.noted("approximated", f"port {main.number}: {main.source}", "say it with `expose:`", into="port")
        taken: set[str] = set()
        for other in each.listens:
            if other is not main and (other.number, other.protocol == "udp") != (main.number, main.protocol == "udp"):
                name = ports.named(other, taken)
                taken.add(name)
                body = {"port": other.number, "protocol": other.protocol}
                made.put(("ports", name), other.number if other.protocol == "tcp" else body, other.place)
                _beside(one, other, name)
    for said in one.items("ports"):
        said.kept("target")
        _range(said)
        for key in ("protocol", "app_protocol", "name"):
            said.kept(key)
        said.kept("mode") if said.text("mode") == "ingress" else said.dropped("mode", "no port of a host is taken")
        said.dropped("published", "another entry says it", "remove it")
        said.dropped("host_ip", "no address of a host is taken", "remove it")
    for number, text in enumerate(one.texts("expose") or []):
        if "-" in text:
            one.dropped(f"expose.{number}", "is a range of ports", "write each of them")
        one.kept(f"expose.{number}")
    if each.main is None and each.kind == "services" and not one.has("ports"):
        one.noted("kept", "listens on no port that anybody knows of, so nobody can call it", "say it with `expose:`")


def _range(said: part.Part) -> None:
    if ports.number_of(said.text("target")) is None:
        said.dropped("target", "is no number of a port", "write each port of a range")


def _outside(each: plan.Plan, made: draft.Draft, main: ports.Port) -> None:
    one, at = each.entry, main.source
    if main.published is None:
        one.kept(at, into="port") if at.startswith("expose.") else None
        return
    key, told = f"{at}.published", f"port {main.published} of a host"
    forward = f"kubectl port-forward service/{each.label} {main.published}:{main.number}"
    if each.kind == "stores":
        one.dropped(key, f"a store is reached from the application only, and not on {told}", forward)
    elif main.loopback:
        one.approximated(key, f"not exposed: {told} was for that host only", forward)
    elif main.protocol in ("http", "grpc"):
        made.put(("expose",), True, one.place(key))  # noqa: FBT003 - a value that is written
        how = f"expose: true, and not {told}: how it is reached is the environment's business"
        one.approximated(key, how, "pulumi config set seaway:exposure ingress, nodePort or loadBalancer", into="expose")
    else:
        how = f"not exposed, since {main.number} is no port of HTTP; links lead to it"
        one.approximated(key, how, f"{forward}, or write `expose: true`")


def _beside(one: part.Part, other: ports.Port, name: str) -> None:
    into = f"ports.{name}"
    if other.source.startswith("expose."):
        one.kept(other.source, into=into)
    elif other.published is not None:
        one.kept(f"{other.source}.target", into=into)
        how = "for links only: one port of a service is reachable from outside"
        one.approximated(f"{other.source}.published", how, "kubectl port-forward", into=into)


def _implied(each: plan.Plan, made: draft.Draft) -> None:
    if each.implied is None:
        return
    path = ("volumes", "image-data") if made.has("volume") else ("volume",)
    made.put((*path, "path"), each.implied, made.place)
    made.put((*path, "size"), volumes.SIZE, made.place)
    listed = made.values.get("writable")
    if isinstance(listed, list):
        made.values["writable"] = [item for item in listed if item.text != each.implied]  # pyright: ignore
    how = f"a disk of {volumes.SIZE} at {each.implied}, which the image declares as a volume"
    each.entry.noted("approximated", how, "name the volume", into=".".join(path))


def _order(each: plan.Plan, made: draft.Draft, found: Mapping[str, plan.Plan]) -> None:
    one = each.entry
    for name, said in one.each("depends_on"):
        other, condition = found.get(name), said.text("condition") or "service_started"
        if other is None:
            one.named("depends_on", name, "dropped", "is no service that was asked for", "remove it")
            continue
        if condition == "service_started" and other.kind != "jobs":
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


def _rarely(said: part.Part, other: plan.Plan) -> None:
    if said.text("required") == "true":
        said.kept("required")
    said.approximated("required", f"{other.label} is there: it is in the same application")
    if said.text("restart") == "false":
        said.kept("restart")
    said.dropped("restart", "a program tries again when the other is back")


def _after_job(each: plan.Plan, other: plan.Plan, said: part.Part) -> None:
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


def _ending(each: plan.Plan, made: draft.Draft) -> None:
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


def _pod(one: part.Part, made: draft.Draft) -> None:
    """What Kubernetes has, and the model has no word for."""
    for key, field in (("tty", "tty"), ("stdin_open", "stdin")):
        if one.true(key):
            made.container[field] = True
        one.kept(key, f"{field} of the container" if one.true(key) else "", into="raw")
    if hostname := one.text("hostname"):
        made.pod["hostname"] = labels.label(hostname.partition(".")[0], longest=63)
        same = made.pod["hostname"] == hostname
        one.kept("hostname", into="raw") if same else one.approximated(
            "hostname", f"{made.pod['hostname']}, which is a name of DNS", into="raw"
        )
    one.dropped("domainname", "a pod has the domain of its namespace")
    if size := amounts.size(one.text("shm_size")):
        made.pod["volumes"] = [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": size}}]
        made.container["volumeMounts"] = [{"name": "shm", "mountPath": "/dev/shm"}]  # noqa: S108
        one.kept("shm_size", f"{size} of memory at /dev/shm, which count as the container's", into="raw")
    one.dropped("shm_size", "is no amount of bytes", "write it as 64m")
    groups: list[int] = []
    for number, text in enumerate(one.texts("group_add") or []):
        if text.isdecimal():
            groups.append(int(text))
            one.kept(f"group_add.{number}", "supplementalGroups of the pod", into="raw")
        else:
            why = f"which number {text} has, only the image knows"
            one.dropped(f"group_add.{number}", why, "write the number that `id -G` prints")
    if groups:
        made.pod.setdefault("securityContext", {})["supplementalGroups"] = groups
    for name, node in one.scalars("annotations").items():
        made.annotations[name] = node.text
        one.named("annotations", name, "kept", "annotation of the pod", "", "raw")
    _sysctls(one, made)
    if one.true("init"):
        one.dropped("init", "the program is process 1 of its container", "start it with tini in the Dockerfile")
    one.kept("init")


SAFE = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_syncookies",
)


def _sysctls(one: part.Part, made: draft.Draft) -> None:
    """https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/#safe-and-unsafe-sysctls"""
    listed = [(f"sysctls.{name}", name, node.text) for name, node in one.scalars("sysctls").items()]
    for number, text in enumerate(one.texts("sysctls") or []):
        name, _, value = text.partition("=")
        listed.append((f"sysctls.{number}", name, value))
    safe: list[dict[str, str]] = []
    for key, name, value in listed:
        plain = key == f"sysctls.{name}"
        if name == "net.ipv4.ip_unprivileged_port_start" or name in SAFE:
            if name in SAFE:
                safe.append({"name": name, "value": value})
            one.named("sysctls", name, "kept", "", "", "raw") if plain else one.kept(key, into="raw")
        else:
            why = "is one of the node's, which no pod may change"
            one.named("sysctls", name, "dropped", why, "set it on the nodes") if plain else one.dropped(key, why)
    if safe:
        made.pod.setdefault("securityContext", {})["sysctls"] = safe


def _rest(each: plan.Plan) -> None:
    one = each.entry
    name = one.text("container_name")
    if name in (None, each.label):
        one.kept("container_name")
    one.approximated("container_name", f"pods are called after {each.label}; the environment of the others says so")
    policy = one.text("pull_policy")
    if policy in ("missing", "if_not_present", "build"):
        one.kept("pull_policy")
    one.approximated("pull_policy", "an image is pulled where the node has not got it")
    for key, (why, remedy) in _DROPPED.items():
        one.dropped(key, why, remedy)
    one.kept("extends", "merged in")


def _tidy(made: draft.Draft) -> None:
    """A folder is mounted once: what is a disk or a file is not also a writable folder."""
    listed = made.values.get("writable")
    if not isinstance(listed, list):
        return
    disks = [made.values.get("volume", {}), *made.values.get("volumes", {}).values()]
    taken = {disk["path"].node.text for disk in disks if disk} | set(made.values.get("files", {}))
    left = [item for item in listed if item.text not in taken]  # pyright: ignore
    if left:
        made.values["writable"] = left
    else:
        made.values.pop("writable")

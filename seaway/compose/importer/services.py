"""One service of a compose document as a service, store or job of the application."""

import re
from collections.abc import Iterator, Mapping

from seaway.compose.importer import (
    exposure,
    health,
    images,
    key_reader,
    kompose,
    naming,
    networks,
    order,
    plan,
    pod_fields,
    resources,
    secrets,
    security,
    service_builder,
    volumes,
)
from seaway.compose.loader import files
from seaway.syntax import nodes

_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_NO_BUILD: Mapping[str, tuple[str, str]] = {
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
    "shm_size": ("the builder's business", "remove it"),
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
    "pre_stop": ("a container is told by SIGTERM that it ends", "let the program answer SIGTERM"),
    "pull_refresh_after": ("images.lock says which image is taken", "remove it"),
    "runtime": ("the node's business", "`raw` may say runtimeClassName"),
}


def convert(
    each: plan.Plan,
    found: Mapping[str, plan.Plan],
    root: key_reader.Part,
    where: volumes.Where,
    hosts: Mapping[str, str],
) -> nodes.Table:
    """The body of one service. ``hosts``: those that are called differently now."""
    one = each.entry
    place = nodes.inside(root.table, "services")[each.name].place
    made = service_builder.Draft(place)
    job = each.kind == "jobs"
    _source(each, made, where)
    called = naming.Names(hosts=hosts, paths=secrets.convert(one, made))
    _words(one, made, called)
    _environment(one, made, called, secrets.given(one, made))
    exposure.convert(each, made)
    secrets.configs(one, made, dict(root.each("configs")), where)
    found_who = security.who(one, image=each.like, built=each.said)
    disks = volumes.Disks(
        own=volumes.names(each.disks),
        shared={mount: (owner.label, names) for mount, owner, names in _shared(each)},
        declared=dict(root.each("volumes")),
    )
    volumes.convert(one, made, each.mounts, disks=disks, where=where, called=called, whole=found_who.whole)
    _implied(each, made)
    volumes.tmpfs(one, made)
    networks.convert(each, made, found, root)
    networks.hosts(one, made)
    health.convert(one, made, called, job=job)
    if not job and not made.has("health", "startup") and images.slow(each.like):
        made.put(("health", "startup"), health.SLOW, made.place)
        one.noted(
            "added", f"a start may take {health.SLOW} s: Docker restarts nothing that is slow", into="health.startup"
        )
    resources.convert(one, made, each.like)
    resources.deploy(one, made, each.kind)
    resources.platform(one, made)
    security.convert(one, made, found_who)
    order.convert(each, made, found)
    order.ending(each, made)
    pod_fields.convert(one, made)
    kompose.convert(each, made)
    _rest(each, made, found)
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
    return made.table(service_builder.CLASSES[each.kind])


def _shared(each: plan.Plan) -> Iterator[tuple[volumes.Mount, plan.Plan, str | None]]:
    """The disks of others that it mounts, with their names there."""
    for mount, owner in each.shares.items():
        for own, name in volumes.names(owner.disks).items():
            if own.source == mount.source:
                yield mount, owner, name


def _source(each: plan.Plan, made: service_builder.Draft, where: volumes.Where) -> None:
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
        one.approximated(
            "build", f"{each.lacks}: the image is taken as it is named", "add what is missing", into="image"
        )
        return
    _build(each, made, where)
    if one.has("build"):
        one.approximated("image", "the image is called after its content, in seaway:registry", into="build")
    else:
        one.approximated("image", "built here, as in the service that builds it", into="build")


def _build(each: plan.Plan, made: service_builder.Draft, where: volumes.Where) -> None:
    said = each.build
    if said is None:
        return
    context = said.text("context") or "."
    relative = where.relative(context)
    if each.lacks:
        said.refused("context", each.lacks, "build from a folder of the project that has a Dockerfile")
    made.put(("build", "context"), relative or context, said.place("context"))
    said.kept("context", into="build")
    for key, field in (("dockerfile", "dockerfile"), ("target", "target"), ("dockerfile_inline", "inline")):
        if text := said.text(key):
            if field != "dockerfile" or text != "Dockerfile":
                made.put(("build", field), text, said.place(key))
            said.kept(key, into=f"build.{field}")
    for name, node in said.scalars("args").items():
        made.put(("build", "args", name), node.text, node.place)
        said.named("args", name, "kept", "", "", "build")
    for name in nodes.inside(said.table, "args"):
        why = "has no value: it is the variable of a shell"
        said.named("args", name, "dropped", why, "write its value")
    _contexts(said, made, where)
    _build_secrets(said, made)
    for key, field in (("cache_from", "cacheFrom"), ("cache_to", "cacheTo")):
        for number, text in enumerate(said.texts(key) or []):
            made.also(("build", field), text, said.place(f"{key}.{number}"))
            said.kept(f"{key}.{number}", into=f"build.{field}")
    for key, (why, remedy) in _NO_BUILD.items():
        if said.text(key) in ("false", "default"):
            said.kept(key, "so it is")
        said.dropped(key, why, remedy)


def _build_secrets(said: key_reader.Part, made: service_builder.Draft) -> None:
    for number, one in enumerate(said.items("secrets")):
        source = one.text("source") or ""
        made.put(("build", "secrets", one.text("target") or source), source, one.place("source"))
        for key in ("source", "target"):
            one.kept(key, f"seaway:secrets.{source}", into="build.secrets")
        for key in ("uid", "gid", "mode"):
            one.approximated(key, "root reads it while it builds, and nobody after that")
        said.kept(f"secrets.{number}", into="build.secrets")
    for name, entry in nodes.inside(said.table, "ssh").items():
        node = entry.node
        path = node.text if isinstance(node, nodes.Scalar) and node.kind != "null" else ""
        made.also(("build", "ssh"), f"{name}={path}" if path else name, entry.place)
        said.named("ssh", name, "kept", "", "", "build.ssh")


def _contexts(said: key_reader.Part, made: service_builder.Draft, where: volumes.Where) -> None:
    for name, node in said.scalars("additional_contexts").items():
        there = node.text if files.remote(node.text) or "://" in node.text else where.relative(node.text)
        if there is None or node.text.startswith("service:"):
            why = "is outside of the project" if there is None else "is another image, which may be built later"
            remedy = "copy what it needs into the context"
            said.named("additional_contexts", name, "dropped", f"{node.text} {why}", remedy)
            continue
        made.put(("build", "contexts", name), there, node.place)
        if "://" in there and not there.startswith("docker-image://"):
            how = "what changes there builds nothing anew: nobody here looks"
            said.named("additional_contexts", name, "approximated", how, "", "build.contexts")
        said.named("additional_contexts", name, "kept", "", "", "build.contexts")


def _words(one: key_reader.Part, made: service_builder.Draft, names: naming.Names) -> None:
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


def _environment(one: key_reader.Part, made: service_builder.Draft, names: naming.Names, given: set[str]) -> None:
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


def _implied(each: plan.Plan, made: service_builder.Draft) -> None:
    if each.implied is None:
        return
    path = ("volumes", "image-data") if made.has("volume") else ("volume",)
    made.put((*path, "path"), each.implied, made.place)
    made.put((*path, "size"), volumes.SIZE, made.place)
    if images.name(each.like or "") == "postgres" and each.build is not None and not made.has("env", "PGDATA"):
        # The model knows it of the image itself: the top of a disk has a lost+found, and initdb wants an empty folder.
        made.put(("env", "PGDATA"), f"{each.implied}/pgdata", made.place)
    listed = made.values.get("writable")
    if isinstance(listed, list):
        made.values["writable"] = [item for item in listed if item.text != each.implied]  # pyright: ignore
    how = f"a disk of {volumes.SIZE} at {each.implied}, which the image declares as a volume"
    each.entry.noted("added", how, "name the volume", into=".".join(path))


def _rest(each: plan.Plan, made: service_builder.Draft, found: Mapping[str, plan.Plan]) -> None:
    one = each.entry
    name = one.text("container_name")
    if name in (None, each.label):
        one.kept("container_name")
    one.approximated("container_name", f"pods are called after {each.label}; the environment of the others says so")
    policy = one.text("pull_policy")
    if policy in ("always", "never"):
        made.container["imagePullPolicy"] = policy.capitalize()
        one.kept("pull_policy", "imagePullPolicy of the container", into="raw")
    if policy in ("missing", "if_not_present", "build"):
        one.kept("pull_policy", "an image is pulled where the node has not got it")
    one.approximated("pull_policy", "an image is pulled where the node has not got it")
    if one.text("isolation") == "default":
        one.kept("isolation", "so it is")
    for key, (why, remedy) in _DROPPED.items():
        one.dropped(key, why, remedy)
    one.kept("extends", "merged in")
    for number, text in enumerate(one.texts("volumes_from") or []):
        if text.partition(":")[0] in found:
            one.kept(f"volumes_from.{number}", "nothing that is not there already")
        one.dropped(f"volumes_from.{number}", "is no service of this file", "name a volume that both mount")


def _tidy(made: service_builder.Draft) -> None:
    """A folder is mounted once: what is a disk or a file is not also a writable folder."""
    listed = made.values.get("writable")
    if not isinstance(listed, list):
        return
    disks = [made.values.get("volume", {}), *made.values.get("volumes", {}).values()]
    taken = {disk["path"].node.text for disk in disks if disk} | set(made.values.get("files", {}))
    taken |= set(made.values.get("shares", {}))
    left = [item for item in listed if item.text not in taken]  # pyright: ignore
    if left:
        made.values["writable"] = left
    else:
        made.values.pop("writable")

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
_DROPPED_BUILD_KEYS: Mapping[str, tuple[str, str]] = {
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
_DROPPED_KEYS: Mapping[str, tuple[str, str]] = {
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
    service: plan.ServicePlan,
    plans: Mapping[str, plan.ServicePlan],
    document: key_reader.KeyReader,
    project_dir: volumes.ProjectDir,
    renamed_hosts: Mapping[str, str],
) -> nodes.MappingNode:
    """The body of one service. ``hosts``: those that are called differently now."""
    one = service.keys
    place = nodes.get_pairs(document.mapping, "services")[service.name].location
    made = service_builder.ServiceBuilder(place)
    job = service.kind == "jobs"
    _convert_source(service, made, project_dir)
    called = naming.Renames(hosts=renamed_hosts, paths=secrets.convert(one, made))
    _convert_command(one, made, called)
    _convert_environment(one, made, called, secrets.find_file_variables(one, made))
    exposure.convert(service, made)
    secrets.convert_configs(one, made, dict(document.enter_mapping("configs")), project_dir)
    found_who = security.choose_run_as(one, image=service.base_image, stage=service.stage)
    disks = volumes.Disks(
        own_names=volumes.name_disks(service.own_disks),
        shared={mount: (owner.dns_name, names) for mount, owner, names in _list_shared_disks(service)},
        definitions=dict(document.enter_mapping("volumes")),
    )
    volumes.convert(
        one,
        made,
        service.mounts,
        disks=disks,
        project_dir=project_dir,
        renames=called,
        writable_root=found_who.writable_root,
    )
    _convert_image_volume(service, made)
    volumes.convert_tmpfs(one, made)
    networks.convert(service, made, plans, document)
    networks.convert_hosts(one, made)
    health.convert(one, made, called, job=job)
    if not job and not made.has("health", "startPeriod") and images.starts_slowly(service.base_image):
        made.set(("health", "startPeriod"), health.SLOW_START_SECONDS, made.location)
        one.note(
            "added",
            f"a start may take {health.SLOW_START_SECONDS} s: Docker restarts nothing that is slow",
            into="health.startPeriod",
        )
    resources.convert(one, made, service.base_image)
    resources.convert_deploy(one, made, service.kind)
    resources.convert_platform(one, made)
    security.convert(one, made, found_who)
    order.convert(service, made, plans)
    order.convert_termination(service, made)
    pod_fields.convert(one, made)
    kompose.convert(service, made)
    _convert_other_keys(service, made, plans)
    _drop_mounted_folders(made)
    if "schedule" in made.fields:
        made.fields.pop("run", None)
    kind = {"services": "Deployment", "stores": "StatefulSet", "jobs": "Job"}[service.kind]
    if "daemonSet" in made.fields:
        kind = "DaemonSet"
        made.fields.pop("scale", None)
        made.fields.pop("spread", None)
    if "schedule" in made.fields:
        kind = "CronJob"
    made.set_raw(kind, service.dns_name)
    return made.build(service_builder.WORKLOAD_TYPES[service.kind])


def _list_shared_disks(service: plan.ServicePlan) -> Iterator[tuple[volumes.Mount, plan.ServicePlan, str | None]]:
    """The disks of others that it mounts, with their names there."""
    for mount, owner in service.shared_disks.items():
        for own, name in volumes.name_disks(owner.own_disks).items():
            if own.source == mount.source:
                yield mount, owner, name


def _convert_source(
    service: plan.ServicePlan, builder: service_builder.ServiceBuilder, project_dir: volumes.ProjectDir
) -> None:
    one = service.keys
    if service.dns_name != service.name:
        one.note("approximated", f"is called {service.dns_name}, since a name here is one of DNS")
    if service.kind_reason:
        remedy = "" if service.kind == "stores" else "give it a `restart:` of always if it runs for ever"
        one.note("kept", f"a {service.kind[:-1]}: {service.kind_reason}", remedy)
    one.keep("profiles", "it was asked for")
    if service.build is None:
        image = one.get_text("image")
        if image is not None:
            builder.set(("image",), image, one.locate("image"))
            one.keep("image", into="image")
        one.approximate(
            "build", f"{service.build_error}: the image is taken as it is named", "add what is missing", into="image"
        )
        return
    _convert_build(service, builder, project_dir)
    if one.has("build"):
        one.approximate("image", "the image is called after its content, in seaway:registry", into="build")
    else:
        one.approximate("image", "built here, as in the service that builds it", into="build")


def _convert_build(
    service: plan.ServicePlan, builder: service_builder.ServiceBuilder, project_dir: volumes.ProjectDir
) -> None:
    said = service.build
    if said is None:
        return
    context = said.get_text("context") or "."
    relative = project_dir.to_relative(context)
    if service.build_error:
        said.refuse("context", service.build_error, "build from a folder of the project that has a Dockerfile")
    builder.set(("build", "context"), relative or context, said.locate("context"))
    said.keep("context", into="build")
    for key, field in (("dockerfile", "dockerfile"), ("target", "target"), ("dockerfile_inline", "inline")):
        if text := said.get_text(key):
            if field != "dockerfile" or text != "Dockerfile":
                builder.set(("build", field), text, said.locate(key))
            said.keep(key, into=f"build.{field}")
    for name, node in said.get_scalars("args").items():
        builder.set(("build", "args", name), node.text, node.location)
        said.record_member("args", name, "kept", "", "", "build")
    for name in nodes.get_pairs(said.mapping, "args"):
        why = "has no value: it is the variable of a shell"
        said.record_member("args", name, "dropped", why, "write its value")
    _convert_contexts(said, builder, project_dir)
    _convert_build_secrets(said, builder)
    for key, field in (("cache_from", "cacheFrom"), ("cache_to", "cacheTo")):
        for number, text in enumerate(said.get_texts(key) or []):
            builder.append(("build", field), text, said.locate(f"{key}.{number}"))
            said.keep(f"{key}.{number}", into=f"build.{field}")
    for key, (why, remedy) in _DROPPED_BUILD_KEYS.items():
        if said.get_text(key) in ("false", "default"):
            said.keep(key, "so it is")
        said.drop(key, why, remedy)


def _convert_build_secrets(build: key_reader.KeyReader, builder: service_builder.ServiceBuilder) -> None:
    for number, one in enumerate(build.enter_sequence("secrets")):
        source = one.get_text("source") or ""
        builder.set(("build", "secrets", one.get_text("target") or source), source, one.locate("source"))
        for key in ("source", "target"):
            one.keep(key, f"seaway:secrets.{source}", into="build.secrets")
        for key in ("uid", "gid", "mode"):
            one.approximate(key, "root reads it while it builds, and nobody after that")
        build.keep(f"secrets.{number}", into="build.secrets")
    for name, entry in nodes.get_pairs(build.mapping, "ssh").items():
        node = entry.node
        path = node.text if isinstance(node, nodes.ScalarNode) and node.kind != "null" else ""
        builder.append(("build", "ssh"), f"{name}={path}" if path else name, entry.location)
        build.record_member("ssh", name, "kept", "", "", "build.ssh")


def _convert_contexts(
    build: key_reader.KeyReader, builder: service_builder.ServiceBuilder, project_dir: volumes.ProjectDir
) -> None:
    for name, node in build.get_scalars("additional_contexts").items():
        there = node.text if files.is_remote(node.text) or "://" in node.text else project_dir.to_relative(node.text)
        if there is None or node.text.startswith("service:"):
            why = "is outside of the project" if there is None else "is another image, which may be built later"
            remedy = "copy what it needs into the context"
            build.record_member("additional_contexts", name, "dropped", f"{node.text} {why}", remedy)
            continue
        builder.set(("build", "contexts", name), there, node.location)
        if "://" in there and not there.startswith("docker-image://"):
            how = "what changes there builds nothing anew: nobody here looks"
            build.record_member("additional_contexts", name, "approximated", how, "", "build.contexts")
        build.record_member("additional_contexts", name, "kept", "", "", "build.contexts")


def _convert_command(
    keys: key_reader.KeyReader, builder: service_builder.ServiceBuilder, renames: naming.Renames
) -> None:
    """ENTRYPOINT and CMD. Without the image's own ENTRYPOINT, the command is the program."""
    entry, command = keys.get_texts("entrypoint"), keys.get_texts("command")
    bare = entry is not None and not entry
    for key, words, field in (
        ("entrypoint", entry, "command"),
        ("command", command, "command" if bare and keys.has("entrypoint") else "args"),
    ):
        if words:
            said = [renames.rewrite(escape_references(word)) for word in words]
            builder.set((field,), said, keys.locate(key))
            if [escape_references(word) for word in words] != said:
                keys.approximate(key, "with the names and paths that things have here", into=field)
        if keys.get_node(key) is None or not words:
            keys.keep(key, "as the image says" if not words else "")
        keys.keep(key, field, into=field)


def escape_references(text: str) -> str:
    """Kubernetes takes ``$(NAME)`` for a variable and ``$$`` for a dollar, in values and in words; compose does not."""
    return text.replace("$$", "$$$$").replace("$(", "$$(") if "$" in text else text


def _convert_environment(
    keys: key_reader.KeyReader,
    builder: service_builder.ServiceBuilder,
    renames: naming.Renames,
    file_variables: set[str],
) -> None:
    known = keys.get_scalars("environment")
    for name in nodes.get_pairs(keys.mapping, "environment"):
        if name in file_variables:
            keys.record_member("environment", name, "kept", "every secret's variable says where its file is", "")
        elif name not in known:
            why = "has no value: it is the variable of a shell"
            keys.record_member("environment", name, "dropped", why, "write its value, or list it in `secrets`")
        elif not _VARIABLE.fullmatch(name):
            keys.record_member("environment", name, "dropped", "is no name of a variable", "use letters, digits and _")
        else:
            node = known[name]
            text = escape_references(node.text)
            said = renames.rewrite(text, name)
            builder.set(("env", name), said, node.location)
            if said != text:
                how = "with the names and paths that things have here"
                keys.record_member("environment", name, "approximated", how, "", f"env.{name}")
            else:
                keys.record_member("environment", name, "kept", "", "", f"env.{name}")
    keys.keep("env_file", "its values are in env")
    if keys.get_text("working_dir"):
        builder.set(("workingDir",), keys.get_text("working_dir"), keys.locate("working_dir"))
    keys.keep("working_dir", "workingDir", into="workingDir")


def _convert_image_volume(service: plan.ServicePlan, builder: service_builder.ServiceBuilder) -> None:
    if service.image_volume is None:
        return
    path = ("volumes", "image-data") if builder.has("volume") else ("volume",)
    builder.set((*path, "path"), service.image_volume, builder.location)
    builder.set((*path, "size"), volumes.DEFAULT_SIZE, builder.location)
    if (
        images.short_name(service.base_image or "") == "postgres"
        and service.build is not None
        and not builder.has("env", "PGDATA")
    ):
        # The model knows it of the image itself: the top of a disk has a lost+found, and initdb wants an empty folder.
        builder.set(("env", "PGDATA"), f"{service.image_volume}/pgdata", builder.location)
    listed = builder.fields.get("writable")
    if isinstance(listed, list):
        builder.fields["writable"] = [item for item in listed if item.text != service.image_volume]  # pyright: ignore
    how = f"a disk of {volumes.DEFAULT_SIZE} at {service.image_volume}, which the image declares as a volume"
    service.keys.note("added", how, "name the volume", into=".".join(path))


def _convert_other_keys(
    service: plan.ServicePlan, builder: service_builder.ServiceBuilder, plans: Mapping[str, plan.ServicePlan]
) -> None:
    one = service.keys
    name = one.get_text("container_name")
    if name in (None, service.dns_name):
        one.keep("container_name")
    one.approximate(
        "container_name", f"pods are called after {service.dns_name}; the environment of the others says so"
    )
    policy = one.get_text("pull_policy")
    if policy in ("always", "never"):
        builder.container["imagePullPolicy"] = policy.capitalize()
        one.keep("pull_policy", "imagePullPolicy of the container", into="raw")
    if policy in ("missing", "if_not_present", "build"):
        one.keep("pull_policy", "an image is pulled where the node has not got it")
    one.approximate("pull_policy", "an image is pulled where the node has not got it")
    if one.get_text("isolation") == "default":
        one.keep("isolation", "so it is")
    for key, (why, remedy) in _DROPPED_KEYS.items():
        one.drop(key, why, remedy)
    one.keep("extends", "merged in")
    for number, text in enumerate(one.get_texts("volumes_from") or []):
        if text.partition(":")[0] in plans:
            one.keep(f"volumes_from.{number}", "nothing that is not there already")
        one.drop(f"volumes_from.{number}", "is no service of this file", "name a volume that both mount")


def _drop_mounted_folders(builder: service_builder.ServiceBuilder) -> None:
    """A folder is mounted once: what is a disk or a file is not also a writable folder."""
    listed = builder.fields.get("writable")
    if not isinstance(listed, list):
        return
    disks = [builder.fields.get("volume", {}), *builder.fields.get("volumes", {}).values()]
    taken = {disk["path"].node.text for disk in disks if disk} | set(builder.fields.get("files", {}))
    taken |= set(builder.fields.get("sharedVolumes", {}))
    left = [item for item in listed if item.text not in taken]  # pyright: ignore
    if left:
        builder.fields["writable"] = left
    else:
        builder.fields.pop("writable")

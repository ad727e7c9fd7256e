"""Converts one compose service to a service, store or job of the application."""

import re
from collections.abc import Callable, Mapping, Sequence

from seaway.compose.importer import (
    build,
    exposure,
    health,
    kompose,
    naming,
    networks,
    order,
    plan,
    pod_fields,
    proxies,
    resources,
    secrets,
    security,
    volumes,
)
from seaway.compose.loader import tree
from seaway.kubernetes.api import references
from seaway.model import application
from seaway.syntax import nodes

SERVICE_START_SECONDS, STORE_START_SECONDS, IMPORT_SECONDS = 300, 600, 1800
"""Docker restarts no slow container. A store recovers its data first, and a new one may import a dump."""

_DOCKER_DNS = "127.0.0.11"
_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_WORKLOADS = {
    "services": (application.Service, "Deployment"),
    "stores": (application.Store, "StatefulSet"),
    "jobs": (application.Job, "Job"),
}
_DROPPED_KEYS: Mapping[str, tuple[str, str]] = {
    "attach": ("seaway logs shows all services", "remove it"),
    "cgroup_parent": ("the node manages cgroups", "remove it"),
    "credential_spec": ("Windows accounts only", "remove it"),
    "develop": ("for development on one machine; a cluster runs the built image", "remove it"),
    "logging": ("the cluster collects stdout; seaway logs shows it", "remove it"),
    "mac_address": ("the cluster assigns addresses", "remove it"),
    "models": ("a model is a service with a GPU", "write a service that serves it"),
    "pre_stop": ("a container receives SIGTERM before it stops", "handle SIGTERM in the program"),
    "pull_refresh_after": ("images.lock pins the image", "remove it"),
    "runtime": ("the node selects the runtime", "set runtimeClassName in `raw`"),
}


def convert(service: plan.ServicePlan) -> nodes.MappingNode:
    """The fields of one service in app.yaml."""
    builder = service.builder
    for convert_part in CONVERTERS:
        convert_part(service)
    files, shared = builder.fields.get("files", {}), builder.fields.get("sharedVolumes", {})
    builder.remove_writable({*builder.list_disk_paths(), *files, *shared})
    cls, workload = _WORKLOADS[service.kind]
    if "daemonSet" in builder.fields:
        workload = "DaemonSet"
        builder.fields.pop("scale", None)
        builder.fields.pop("spread", None)
    if service.kind == "jobs" and service.is_switched_off():
        workload = "CronJob"
    if "schedule" in builder.fields:
        workload = "CronJob"
        builder.fields.pop("run", None)
    builder.set_raw(workload, service.dns_name)
    return builder.build(cls)


def _note_kind(service: plan.ServicePlan) -> None:
    if service.dns_name != service.name:
        service.keys.note("approximated", f"renamed to {service.dns_name}: names are DNS labels")
    if service.kind_reason:
        hint = "" if service.kind == "stores" else "if it runs permanently, set `restart: always`"
        kind = "approximated" if service.is_kind_guessed else "kept"
        service.keys.note(kind, f"a {service.kind[:-1]}: {service.kind_reason}", hint)


def _convert_command(service: plan.ServicePlan) -> None:
    """ENTRYPOINT and CMD. With an empty entrypoint, the command is the program."""
    keys = service.keys
    entrypoint = keys.get_texts("entrypoint")
    command_field = "command" if entrypoint == [] else "args"
    for key, field in (("entrypoint", "command"), ("command", command_field)):
        word_nodes = tree.list_scalars(keys.mapping, key)
        if not word_nodes:
            keys.keep(key, "the image's own")
            continue
        options = ["", *(node.text for node in word_nodes)]
        new_words = [
            secrets.format_text(service, node, option) for node, option in zip(word_nodes, options, strict=False)
        ]
        is_renamed = any(
            service.renames.rewrite(node.text, option) != node.text
            for node, option in zip(word_nodes, options, strict=False)
        )
        service.builder.set(field, new_words, keys.locate(key))
        _note_old_name(service, " ".join(new_words), f"its {key}")
        kind, message = ("approximated", naming.RENAMED) if is_renamed else ("kept", field)
        keys.record(key, kind, message, into=field)


def _note_old_name(service: plan.ServicePlan, text: str, source: str) -> None:
    old = naming.find_old_name(text, service.renames)
    if old is not None:
        message = f"{source} still has {old}, which no host of the cluster has"
        service.keys.note("approximated", message, f"if it is a host, write {service.renames.hosts[old]}")


def _convert_environment(service: plan.ServicePlan) -> None:
    keys = service.keys
    known = keys.get_scalars("environment")
    file_variables = secrets.find_file_variables(keys)
    for name in keys.get_names("environment"):
        key, into = ("environment", name), f"env.{name}"
        if name in file_variables and name in known:
            if service.renames.rewrite(known[name].text) == file_variables[name]:
                keys.keep(key, "every secret sets this variable")
            else:
                keys.drop(key, f"the secret sets this variable to {file_variables[name]}")
        elif name not in known:
            keys.keep(key, "has no value: Docker Compose passes none either")
        elif name == "VIRTUAL_HOST" and service.main_port is not None:
            service.builder.set(("env", name), references.escape(known[name].text), known[name].location)
            proxies.convert_virtual_host(service, known[name].text)
        elif not _VARIABLE.fullmatch(name):
            keys.drop(key, "is not a valid variable name", "use letters, digits and _")
        elif name in service.secret_names:
            _convert_secret_variable(service, name, known[name])
        else:
            text, new_text = known[name].text, secrets.format_text(service, known[name], name)
            service.builder.set(("env", name), new_text, known[name].location)
            old = naming.find_old_name(new_text, service.renames, name)
            if old is not None:
                hint = f"if it is a host, write {service.renames.hosts[old]}"
                keys.approximate(key, f"still has {old}, which no host of the cluster has", hint, into=into)
                continue
            is_renamed = service.renames.rewrite(text, name) != text
            kind, message = ("approximated", naming.RENAMED) if is_renamed else ("kept", "")
            keys.record(key, kind, message, into=into)
    if keys.get_text("working_dir"):
        service.set("workingDir", keys.get_text("working_dir"), keys, "working_dir")
    else:
        keys.keep("working_dir")


def _convert_secret_variable(service: plan.ServicePlan, name: str, node: nodes.ScalarNode) -> None:
    """The secret has the name of the variable, or the variable refers to it."""
    secret = service.secret_names[name]
    service.add_secret_variable(secret, service.renames.rewrite(node.text, name), node.location)
    if secret != name:
        service.builder.set(("env", name), f"$({secret})", node.location)
    message = "looks like a secret: its value is not in this file"
    service.keys.keep(("environment", name), message, into=f"secrets.{secret}")


def _convert_start(service: plan.ServicePlan) -> None:
    """A probe of the main port restarts a program that does not listen in time."""
    if service.kind == "jobs" or (service.main_port is None and not service.builder.has("health")):
        return
    seconds = STORE_START_SECONDS if service.kind == "stores" else SERVICE_START_SECONDS
    seconds = IMPORT_SECONDS if service.is_initialized() else seconds
    if seconds > health.find_start_seconds(service):
        service.builder.set(("health", "startPeriod"), seconds, service.keys.locate("healthcheck"))
    else:
        seconds = health.find_start_seconds(service)
    if service.main_port is not None:
        message = f"is restarted if it does not listen after {seconds} s; Docker never restarts a slow container"
        kind = "added" if service.runs_default_server() and not service.is_initialized() else "approximated"
        service.keys.note(kind, message, "set healthcheck.start_period", into="health.startPeriod")


def _convert_other_keys(service: plan.ServicePlan) -> None:
    keys, dns_name = service.keys, service.dns_name
    message = f"pods are named after {dns_name}; the environment of other services is changed"
    alias = (keys.get_text("container_name") or "").lower()
    kept = {keys.get_text("container_name"): f"aliases: {alias}"} if alias in service.aliases else {}
    keys.approximate("container_name", message, kept={None: "", dns_name: "", **kept})
    policy, pulled = keys.get_text("pull_policy"), "a node pulls an image that it does not have"
    if policy in ("always", "never"):
        service.builder.container["imagePullPolicy"] = policy.capitalize()
        keys.keep("pull_policy", "imagePullPolicy of the container", into="raw")
    else:
        keys.approximate("pull_policy", pulled, kept=dict.fromkeys(("missing", "if_not_present", "build"), pulled))
    keys.drop("isolation", "Linux containers have one isolation", kept={"default": "the default"})
    for key, (message, hint) in _DROPPED_KEYS.items():
        keys.drop(key, message, hint)
    keys.keep("profiles", "the profile is active")
    mounted = {mount.key for mount in service.mounts}
    for key, text in keys.list_entries("volumes_from"):
        if key in mounted:
            continue
        if text.partition(":")[0] in service.plans:
            keys.keep(key, "adds no mount")
        else:
            keys.drop(key, "is not a service of this file", "name a volume that both mount")


def _note_old_names_in_files(service: plan.ServicePlan) -> None:
    for name in service.list_files():
        text = service.renames.rewrite(service.project.find_text(name) or "")
        _note_old_name(service, text, name)
        if _DOCKER_DNS in text:
            message = f"{name} asks {_DOCKER_DNS}, the DNS server of Docker"
            hint = "remove it: then names are looked up at the start; or name the cluster's, and write full names"
            service.keys.note("approximated", message, hint)


CONVERTERS: Sequence[Callable[[plan.ServicePlan], None]] = (
    _note_kind,
    build.convert,
    secrets.convert,
    _convert_command,
    _convert_environment,
    exposure.convert,
    secrets.convert_configs,
    volumes.convert,
    volumes.convert_image_volume,
    volumes.convert_tmpfs,
    networks.convert,
    networks.convert_hosts,
    health.convert,
    _convert_start,
    resources.convert,
    resources.convert_disk,
    resources.convert_deploy,
    resources.convert_platform,
    security.convert,
    order.convert,
    order.convert_termination,
    pod_fields.convert,
    kompose.convert,
    _convert_other_keys,
    _note_old_names_in_files,
)
"""In this order. Each key belongs to one converter."""

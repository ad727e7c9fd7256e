"""Converts user, file system and capabilities to a level of the Pod Security Standards.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

import dataclasses
import re

from seaway.compose import report
from seaway.compose.importer import images, key_reader, mount_reader, plan
from seaway.model.defaults import image_profiles
from seaway.syntax import nodes

BASELINE_CAPABILITIES = frozenset(
    (
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"),
        *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    )
)
"""Capabilities that `baseline` allows. A container runtime grants them all."""

ROOT_USERS = ("root", "0")
REFUSED_KEYS = {
    "privileged": ("root on the node, with every device and file", "add the needed capability to `cap_add`"),
    "devices": ("a device belongs to one machine, and gives root there", "use `gpus` for GPUs"),
    "device_cgroup_rules": ("a device belongs to one machine", "use `gpus` for GPUs"),
    "use_api_socket": ("the socket of the engine gives root on the machine", "use `kubernetesApi`"),
}
_TEMPLATES = "/etc/nginx/templates"
_SCRIPTS = "/docker-entrypoint.d/"
_ID_HINT = "write the id that `id -u` prints"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunAs:
    """The user of a container, and what it may write to."""

    user: int | None = None
    """None: that of the image, or the model's default."""
    group: int | None = None
    """None: the same id as the user."""
    image_user: bool = False
    """The image's own user, which may be root."""
    root: bool = False
    writable_root: bool = False
    """The whole file system is writable."""
    writable_folders: tuple[str, ...] = ()
    kind: report.OutcomeKind = "added"
    message: str = ""
    hint: str = ""


def convert(service: plan.ServicePlan) -> None:
    keys, run_as = service.keys, choose_run_as(service)
    for key, (message, hint) in REFUSED_KEYS.items():
        if _is_off(keys, key):
            keys.keep(key)
        else:
            keys.refuse(key, message, hint)
    for key in ("network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup"):
        _convert_namespace(keys, key)
    needs_baseline = _convert_capabilities(keys)
    needs_baseline = _convert_security_options(keys) or needs_baseline
    _set_user(service, run_as)
    if run_as.root or run_as.image_user or needs_baseline:
        service.builder.set("security", "baseline")
    if keys.is_true("read_only") or run_as.writable_root:
        keys.keep("read_only", into="writable")
    else:
        keys.approximate("read_only", "read-only, except /tmp and the folders that the image writes to")


def _is_off(keys: key_reader.KeyReader, key: str) -> bool:
    node = keys.get_node(key)
    is_empty = isinstance(node, nodes.SequenceNode) and not node.items
    return node is None or is_empty or keys.get_text(key) == "false"


def _convert_namespace(keys: key_reader.KeyReader, key: str) -> None:
    text = keys.get_text(key) or ""
    if text == "host" and key in ("network_mode", "pid", "ipc"):
        keys.refuse(key, f"{key}: host removes the isolation from other containers on the node", "remove it")
    elif text == "host" and key != "userns_mode":
        keys.drop(key, "a container has its own")
    elif text.startswith(("service:", "container:")):
        hint = "write it as one of the `sidecars` of that service"
        if key == "network_mode":
            message = "its own address, and links to the same services; localhost is only itself"
            keys.approximate(key, message, hint)
        else:
            keys.drop(key, "a container has its own", hint)
    elif key == "network_mode" and text == "none":
        keys.keep(key, "no calls, and no egress", into="egress")
    elif key == "network_mode":
        keys.keep(key)
    else:
        keys.keep(key, "like every pod of the cluster" if key == "userns_mode" else "a container has its own")


def _convert_capabilities(keys: key_reader.KeyReader) -> bool:
    """Whether they need more than `restricted`."""
    needs_baseline = False
    for key, text in keys.list_entries("cap_add"):
        name = text.upper().removeprefix("CAP_")
        if name == "NET_BIND_SERVICE":
            keys.keep(key, "pods may use ports below 1024 without it")
        elif name in BASELINE_CAPABILITIES:
            needs_baseline = True
            keys.approximate(key, "security: baseline, with all of Docker's capabilities", into="security")
        else:
            keys.drop(key, f"{name} exceeds `baseline`: it gives access to the node", "remove the need for it")
    for key, text in keys.list_entries("cap_drop"):
        if needs_baseline:
            hint = "remove cap_add: then all are dropped"
            keys.approximate(key, "security: baseline keeps Docker's capabilities", hint)
        else:
            is_all = text.upper().removeprefix("CAP_") == "ALL"
            keys.keep(key, "" if is_all else "`restricted` drops all capabilities")
    return needs_baseline


def _convert_security_options(keys: key_reader.KeyReader) -> bool:
    needs_baseline = False
    for key, text in keys.list_entries("security_opt"):
        name, _, setting = re.sub(r"^([a-z-]+)=", r"\1:", text).partition(":")
        if name == "no-new-privileges" and setting in ("", "true"):
            keys.keep(key)
        elif name == "no-new-privileges":
            needs_baseline = True
            keys.approximate(key, "security: baseline", into="security")
        elif setting == "unconfined":
            hint = "remove it: most programs work with the runtime's default profile"
            keys.drop(key, f"{name} without a profile exceeds `baseline`", hint)
        else:
            keys.drop(key, "the profile is a file of one machine; the runtime's default is used")
    return needs_baseline


def choose_run_as(service: plan.ServicePlan) -> RunAs:
    """From `user:`, the Dockerfile, and the image's profile.

    A known image runs under `restricted`. An unknown image runs like with Docker, under `baseline`.
    """
    keys, image, stage, profile = service.keys, service.base_image, service.stage, service.profile
    # Another program than the server of a known image may write anywhere.
    profile = profile if service.runs_default_server() and not _changes_files(service) else None
    has_defaults = profile is not None and profile.is_default
    model_sets_rest = stage is None and has_defaults
    folders = () if profile is None or model_sets_rest else profile.writable
    folders += (profile.data_dir,) if profile and profile.data_dir else ()
    is_writable = not keys.is_true("read_only")
    # Images with defaults are tested with a read-only file system.
    writable_root = is_writable and not has_defaults
    text, stage_user = keys.get_text("user"), stage.user if stage is not None else None
    if text is not None:
        run_as = _parse_user(text, image)
        writable_root = writable_root or (run_as.root and is_writable)
        return dataclasses.replace(run_as, writable_root=writable_root, writable_folders=folders)
    reason = "it is unknown whether it can run with fewer rights"
    if stage_user is not None:
        run_as = _parse_user(stage_user, image)
        if run_as.user is not None:
            message = f"runs as {run_as.user}, as in its Dockerfile"
            return RunAs(user=run_as.user, group=run_as.group, writable_root=is_writable, message=message)
        reason = f"the Dockerfile has USER {stage_user}"
    elif profile is not None and profile.runs_as_root:
        reason = f"{images.get_short_name(image or '')} starts as root only"
    elif profile is not None and image is not None:
        user = None if model_sets_rest else profile.get_user(image_profiles.split_image_name(image)[1])
        return RunAs(user=user, writable_folders=folders, writable_root=writable_root)
    return RunAs(
        image_user=True,
        writable_root=is_writable,
        message=f"security: baseline, as the image's own user: {reason}",
        hint="for `restricted`, set `user:` to an id other than 0, or USER in the Dockerfile",
    )


def _changes_files(service: plan.ServicePlan) -> bool:
    """Whether nginx writes its templates over files of the image, or runs scripts first that may write anywhere."""
    folders = [folder or "" for _, folder in service.stage.copies] if service.stage else []
    if any(target.startswith(_SCRIPTS) for target in [*folders, *(mount.target for mount in service.mounts)]):
        return True
    is_moved = "NGINX_ENVSUBST_OUTPUT_DIR" in service.keys.get_scalars("environment")
    return is_moved or any(folder.startswith(_TEMPLATES) for folder in folders)


def _parse_user(text: str, image: str | None) -> RunAs:
    name, _, group = text.partition(":")
    if name in ROOT_USERS:
        message = "security: baseline, and root in `raw`"
        return RunAs(root=True, kind="approximated", message=message, hint="set another user")
    group = "0" if group == "root" else group
    if name.isdecimal() and group in ("", name):
        return RunAs(user=int(name), kind="kept")
    if name.isdecimal() and group.isdecimal():
        return RunAs(user=int(name), group=int(group), kind="kept", message=f"runAsGroup: {group} of the pod")
    if name.isdecimal():
        return RunAs(user=int(name), kind="approximated", message=f"the group is {name} too, not {group}")
    user = images.find_user_id(name, image)
    if user is not None:
        message = f"{name} is assumed to have the id {user}"
        return RunAs(user=user, kind="approximated", message=message, hint=_ID_HINT)
    message = f"security: baseline, as the image's own user: only the image knows the id of {name}"
    return RunAs(image_user=True, kind="approximated", message=message, hint=_ID_HINT)


def _set_user(service: plan.ServicePlan, run_as: RunAs) -> None:
    keys, builder = service.keys, service.builder
    is_declared = keys.get_text("user") is not None
    if run_as.image_user:
        builder.set("user", None)
    elif run_as.user is not None:
        builder.set("user", run_as.user, keys.locate("user") if is_declared else None)
    if run_as.group is not None:
        builder.pod_spec.setdefault("securityContext", {})["runAsGroup"] = run_as.group
    if run_as.root:
        builder.pod_spec["securityContext"] = {"runAsUser": 0, "runAsGroup": 0, "fsGroup": 0}
    if run_as.writable_root:
        builder.append("writable", "/")
    elif any(mount.target.startswith(_TEMPLATES) for mount in service.mounts):
        builder.append("writable", "/etc/nginx/conf.d")  # the image writes its templates there
    if not run_as.image_user and not run_as.root:
        disks = builder.list_disk_paths()
        for folder in run_as.writable_folders:
            if not any(mount_reader.overlaps(folder, disk) for disk in disks):
                builder.append("writable", folder)
    into = "user" if run_as.user is not None else "security"
    if is_declared:
        keys.record("user", run_as.kind, run_as.message, run_as.hint, into=into)
        return
    keys.keep("user")
    if run_as.message:
        keys.note("added", run_as.message, run_as.hint, into=into)

"""What a container may do: Docker's rights as levels of the Pod Security Standards.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

import dataclasses
import re
from collections.abc import Sequence

from seaway.compose import report
from seaway.compose.importer import dockerfile, images, key_reader, service_builder
from seaway.syntax import nodes

BASELINE_CAPABILITIES = frozenset(
    (
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"),
        *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    )
)
"""Capabilities that `baseline` allows; a container runtime gives them all."""

ROOT_USERS = ("root", "0")
REFUSED_KEYS = {
    "privileged": ("root on the node: every device, every file", "name what it needs in `cap_add`"),
    "devices": ("a device is one machine's, and whoever has it is root there", "use `gpus` for graphics processors"),
    "device_cgroup_rules": ("a device is one machine's", "use `gpus` for graphics processors"),
    "use_api_socket": ("the engine's socket makes root of whoever writes to it", "use `kubernetesApi`"),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunAs:
    """Whose process it is, and what it may write to."""

    user: int | None = None
    """None: the image's own, or that of the model."""
    image_user: bool = False
    """The image's own user, which may be root."""
    root: bool = False
    writable_root: bool = False
    """All of the image's files, as far as the user may."""
    writable_folders: tuple[str, ...] = ()
    key: str = ""
    """The key that says so; without one it is added."""
    kind: report.OutcomeKind = "added"
    message: str = ""
    hint: str = ""


def convert(keys: key_reader.KeyReader, builder: service_builder.ServiceBuilder, run_as: RunAs) -> None:
    """User, file system and rights of a service."""
    for key, (why, remedy) in REFUSED_KEYS.items():
        if keys.has(key):
            off = keys.get_text(key) == "false" or keys.get_node(key) in (None,) or _is_empty(keys, key)
            keys.keep(key) if off else keys.refuse(key, why, remedy)
    for key in ("network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup"):
        _convert_namespace(keys, key)
    level = _convert_capabilities(keys)
    level = _convert_security_options(keys) or level
    _set_user(keys, builder, run_as)
    if run_as.root or run_as.image_user or level:
        builder.set(("security",), "baseline", builder.location)
    if keys.is_true("read_only") or run_as.writable_root:
        keys.keep("read_only", into="writable")
    keys.approximate("read_only", "read-only all the same, but for /tmp and the folders that the image writes to")


def _is_empty(keys: key_reader.KeyReader, key: str) -> bool:
    node = keys.get_node(key)
    return isinstance(node, nodes.SequenceNode) and not node.items


def _convert_namespace(keys: key_reader.KeyReader, key: str) -> None:
    text = keys.get_text(key)
    if text == "host" and key in ("network_mode", "pid", "ipc"):
        why = f"{key}: {text} takes the walls down between this container and others on its machine"
        keys.refuse(key, why, "remove it")
    elif text == "host" and key != "userns_mode":
        keys.drop(key, "a container has one of its own")
    elif text is not None and text.startswith(("service:", "container:")):
        how = "an address of its own, and links to what is there: at localhost it finds only itself"
        remedy = "write it as one of the `sidecars` of that service"
        keys.approximate(key, how, remedy) if key == "network_mode" else keys.drop(key, "its own", remedy)
    elif key == "network_mode" and text == "none":
        keys.keep(key, "calls nothing and reaches nothing", into="egress")
    else:
        own = "as every pod of the cluster" if key == "userns_mode" else "a container has its own"
        keys.keep(key, "" if key == "network_mode" else own)


def _convert_capabilities(keys: key_reader.KeyReader) -> bool:
    """Whether they need more than `restricted`."""
    lower = False
    for number, text in enumerate(keys.get_texts("cap_add") or []):
        key, name = f"cap_add.{number}", text.upper().removeprefix("CAP_")
        if name == "NET_BIND_SERVICE":
            keys.keep(key, "whoever listens below 1024 in a pod needs no right for it")
        elif name in BASELINE_CAPABILITIES:
            lower = True
            keys.approximate(key, "security: baseline, with all rights that Docker gives", into="security")
        else:
            why = f"{name} is beyond `baseline`: with it a container reaches its node; left out"
            keys.drop(key, why, "do without it")
    for number, text in enumerate(keys.get_texts("cap_drop") or []):
        name = text.upper().removeprefix("CAP_")
        if lower:
            how = "security: baseline keeps the rights that Docker gives"
            keys.approximate(f"cap_drop.{number}", how, "remove cap_add, and all are dropped")
        else:
            keys.keep(f"cap_drop.{number}", "restricted drops all of them" if name != "ALL" else "")
    return lower


def _convert_security_options(keys: key_reader.KeyReader) -> bool:
    lower = False
    for number, text in enumerate(keys.get_texts("security_opt") or []):
        key = f"security_opt.{number}"
        name, _, value = re.sub(r"^([a-z-]+)=", r"\1:", text).partition(":")
        if name == "no-new-privileges":
            if value in ("", "true"):
                keys.keep(key)
            else:
                lower = True
                keys.approximate(key, "security: baseline", into="security")
        elif value == "unconfined":
            why = f"{name} without limits is beyond `baseline`; left out"
            keys.drop(key, why, "remove it: the runtime's own profile stops nothing that most programs do")
        else:
            keys.drop(key, "the profile is a file of one machine; the runtime's own is used")
    return lower


def choose_run_as(keys: key_reader.KeyReader, *, image: str | None, stage: dockerfile.Stage | None) -> RunAs:
    """Decided from `user:`, the Dockerfile, and what is known of the image. ``image``: it, or what it is built from.

    What is known is run under `restricted`; what is not, as Docker runs it, under `baseline`.
    """
    known = images.find_profile(image)
    folders = (
        *images.find_writable_paths(image, without_defaults=has_model_defaults(image, stage)),
        *([known.data_dir] if known and known.data_dir else []),
    )
    # What the catalogue knows was tried with a file system that is read-only.
    whole = not keys.is_true("read_only") and not images.is_in_catalogue(image)
    said, theirs = keys.get_text("user"), stage.user if stage is not None else None
    if said is not None:
        found = _parse_user(said)
        return dataclasses.replace(
            found, writable_root=whole or (found.root and not keys.is_true("read_only")), writable_folders=folders
        )
    if theirs is not None and theirs not in ROOT_USERS:
        id_ = int(theirs) if theirs.isdecimal() else images.USER_IDS.get(theirs)
        if id_ is not None:
            return RunAs(
                user=id_, writable_root=not keys.is_true("read_only"), message=f"runs as {id_}, as its Dockerfile says"
            )
    elif known is not None and not known.runs_as_root and theirs is None:
        return RunAs(
            user=None if has_model_defaults(image, stage) else images.find_user(image),
            writable_folders=folders,
            writable_root=whole,
        )
    why = f"{images.short_name(image or '')} starts in no other way"
    if known is None or not known.runs_as_root:
        why = "whether it could do with less, nobody here knows"
    if theirs is not None:
        why = f"the Dockerfile says USER {theirs}"
    how = f"security: baseline, as the image's own user: {why}"
    remedy = "say `user:` with a number that is not 0, or USER in the Dockerfile, and it is restricted"
    return RunAs(
        image_user=True, writable_root=not keys.is_true("read_only"), writable_folders=folders, message=how, hint=remedy
    )


def has_model_defaults(image: str | None, stage: dockerfile.Stage | None) -> bool:
    """Whether the catalogue of the model finds it by its name, and says the rest itself."""
    return stage is None and images.is_in_catalogue(image)


def _parse_user(text: str) -> RunAs:
    name, _, group = text.partition(":")
    if name in ROOT_USERS:
        how = "security: baseline, and `raw` says root"
        return RunAs(key="user", root=True, kind="approximated", message=how, hint="give it a user of its own")
    if name.isdecimal():
        same = group in ("", name)
        how = "" if same else f"the group is {name} too, and not {group}"
        return RunAs(key="user", user=int(name), kind="kept" if same else "approximated", message=how)
    if name in images.USER_IDS:
        how = f"{name} is taken for {images.USER_IDS[name]}"
        remedy = "write the number that `id -u` prints"
        return RunAs(key="user", user=images.USER_IDS[name], kind="approximated", message=how, hint=remedy)
    why = f"who {name} is, only the image knows; it runs as 10001"
    return RunAs(key="user", kind="dropped", message=why, hint="write the number that `id -u` prints")


def _set_user(keys: key_reader.KeyReader, builder: service_builder.ServiceBuilder, run_as: RunAs) -> None:
    place = keys.locate("user") if run_as.key else builder.location
    if run_as.user is not None:
        builder.set(("user",), run_as.user, place)
    if run_as.image_user:
        builder.set(("user",), None, builder.location)
    if run_as.root:
        builder.pod_spec["securityContext"] = {"runAsUser": 0, "runAsGroup": 0, "fsGroup": 0}
    if run_as.writable_root:
        builder.append_unique("writable", "/", builder.location)
    if not run_as.image_user and not run_as.root:
        _set_writable(builder, run_as.writable_folders)
    into = "user" if run_as.user is not None else "security"
    if run_as.key:
        keys.record(run_as.key, run_as.kind, run_as.message, run_as.hint, into=into)
    elif run_as.message:
        keys.note("added", run_as.message, run_as.hint, into=into)


def _set_writable(builder: service_builder.ServiceBuilder, folders: Sequence[str]) -> None:
    """What the image writes to; but what is on a disk stays there."""
    disks = [
        each["path"].node.text
        for each in (builder.fields.get("volume"), *builder.fields.get("volumes", {}).values())
        if each
    ]
    for folder in folders:
        if not any(f"{folder}/".startswith(f"{path}/") or f"{path}/".startswith(f"{folder}/") for path in disks):
            builder.append_unique("writable", folder, builder.location)

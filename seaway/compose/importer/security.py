"""What a container may do: Docker's rights as levels of the Pod Security Standards.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

import dataclasses
import re
from collections.abc import Sequence

from seaway.compose import report
from seaway.compose.importer import dockerfile, images, key_reader, service_builder
from seaway.syntax import nodes

BASELINE = frozenset(
    (
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"),
        *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    )
)
"""Capabilities that `baseline` allows; a container runtime gives them all."""

ROOT = ("root", "0")
FORBIDDEN = {
    "privileged": ("root on the node: every device, every file", "name what it needs in `cap_add`"),
    "devices": ("a device is one machine's, and whoever has it is root there", "use `gpus` for graphics processors"),
    "device_cgroup_rules": ("a device is one machine's", "use `gpus` for graphics processors"),
    "use_api_socket": ("the engine's socket makes root of whoever writes to it", "use `kubernetesApi`"),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Whose process it is, and what it may write to."""

    user: int | None = None
    """None: the image's own, or that of the model."""
    own: bool = False
    """The image's own user, which may be root."""
    root: bool = False
    whole: bool = False
    """All of the image's files, as far as the user may."""
    folders: tuple[str, ...] = ()
    key: str = ""
    """The key that says so; without one it is added."""
    kind: report.Kind = "added"
    how: str = ""
    remedy: str = ""


def convert(one: key_reader.Part, made: service_builder.Draft, found: Who) -> None:
    """User, file system and rights of a service."""
    for key, (why, remedy) in FORBIDDEN.items():
        if one.has(key):
            off = one.text(key) == "false" or one.node(key) in (None,) or _empty(one, key)
            one.kept(key) if off else one.refused(key, why, remedy)
    for key in ("network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup"):
        _space(one, key)
    level = _capabilities(one)
    level = _options(one) or level
    _user(one, made, found)
    if found.root or found.own or level:
        made.put(("security",), "baseline", made.place)
    if one.true("read_only") or found.whole:
        one.kept("read_only", into="writable")
    one.approximated("read_only", "read-only all the same, but for /tmp and the folders that the image writes to")


def _empty(one: key_reader.Part, key: str) -> bool:
    node = one.node(key)
    return isinstance(node, nodes.Items) and not node.items


def _space(one: key_reader.Part, key: str) -> None:
    text = one.text(key)
    if text == "host" and key in ("network_mode", "pid", "ipc"):
        why = f"{key}: {text} takes the walls down between this container and others on its machine"
        one.refused(key, why, "remove it")
    elif text == "host" and key != "userns_mode":
        one.dropped(key, "a container has one of its own")
    elif text is not None and text.startswith(("service:", "container:")):
        how = "an address of its own, and links to what is there: at localhost it finds only itself"
        remedy = "write it as one of the `sidecars` of that service"
        one.approximated(key, how, remedy) if key == "network_mode" else one.dropped(key, "its own", remedy)
    elif key == "network_mode" and text == "none":
        one.kept(key, "calls nothing and reaches nothing", into="egress")
    else:
        own = "as every pod of the cluster" if key == "userns_mode" else "a container has its own"
        one.kept(key, "" if key == "network_mode" else own)


def _capabilities(one: key_reader.Part) -> bool:
    """Whether they need more than `restricted`."""
    lower = False
    for number, text in enumerate(one.texts("cap_add") or []):
        key, name = f"cap_add.{number}", text.upper().removeprefix("CAP_")
        if name == "NET_BIND_SERVICE":
            one.kept(key, "whoever listens below 1024 in a pod needs no right for it")
        elif name in BASELINE:
            lower = True
            one.approximated(key, "security: baseline, with all rights that Docker gives", into="security")
        else:
            why = f"{name} is beyond `baseline`: with it a container reaches its node; left out"
            one.dropped(key, why, "do without it")
    for number, text in enumerate(one.texts("cap_drop") or []):
        name = text.upper().removeprefix("CAP_")
        if lower:
            how = "security: baseline keeps the rights that Docker gives"
            one.approximated(f"cap_drop.{number}", how, "remove cap_add, and all are dropped")
        else:
            one.kept(f"cap_drop.{number}", "restricted drops all of them" if name != "ALL" else "")
    return lower


def _options(one: key_reader.Part) -> bool:
    lower = False
    for number, text in enumerate(one.texts("security_opt") or []):
        key = f"security_opt.{number}"
        name, _, value = re.sub(r"^([a-z-]+)=", r"\1:", text).partition(":")
        if name == "no-new-privileges":
            if value in ("", "true"):
                one.kept(key)
            else:
                lower = True
                one.approximated(key, "security: baseline", into="security")
        elif value == "unconfined":
            why = f"{name} without limits is beyond `baseline`; left out"
            one.dropped(key, why, "remove it: the runtime's own profile stops nothing that most programs do")
        else:
            one.dropped(key, "the profile is a file of one machine; the runtime's own is used")
    return lower


def who(one: key_reader.Part, *, image: str | None, built: dockerfile.Said | None) -> Who:
    """Decided from `user:`, the Dockerfile, and what is known of the image. ``image``: it, or what it is built from.

    What is known is run under `restricted`; what is not, as Docker runs it, under `baseline`.
    """
    known = images.fact(image)
    folders = (*images.writable(image, model=in_model(image, built)), *([known.data] if known and known.data else []))
    # What the catalogue knows was tried with a file system that is read-only.
    whole = not one.true("read_only") and not images.in_catalogue(image)
    said, theirs = one.text("user"), built.user if built is not None else None
    if said is not None:
        found = _said(said)
        return dataclasses.replace(found, whole=whole or (found.root and not one.true("read_only")), folders=folders)
    if theirs is not None and theirs not in ROOT:
        id_ = int(theirs) if theirs.isdecimal() else images.USERS.get(theirs)
        if id_ is not None:
            return Who(user=id_, whole=not one.true("read_only"), how=f"runs as {id_}, as its Dockerfile says")
    elif known is not None and not known.root and theirs is None:
        return Who(user=None if in_model(image, built) else images.user(image), folders=folders, whole=whole)
    why = f"{images.name(image or '')} starts in no other way"
    if known is None or not known.root:
        why = "whether it could do with less, nobody here knows"
    if theirs is not None:
        why = f"the Dockerfile says USER {theirs}"
    how = f"security: baseline, as the image's own user: {why}"
    remedy = "say `user:` with a number that is not 0, or USER in the Dockerfile, and it is restricted"
    return Who(own=True, whole=not one.true("read_only"), folders=folders, how=how, remedy=remedy)


def in_model(image: str | None, built: dockerfile.Said | None) -> bool:
    """Whether the catalogue of the model finds it by its name, and says the rest itself."""
    return built is None and images.in_catalogue(image)


def _said(said: str) -> Who:
    name, _, group = said.partition(":")
    if name in ROOT:
        how = "security: baseline, and `raw` says root"
        return Who(key="user", root=True, kind="approximated", how=how, remedy="give it a user of its own")
    if name.isdecimal():
        same = group in ("", name)
        how = "" if same else f"the group is {name} too, and not {group}"
        return Who(key="user", user=int(name), kind="kept" if same else "approximated", how=how)
    if name in images.USERS:
        how = f"{name} is taken for {images.USERS[name]}"
        remedy = "write the number that `id -u` prints"
        return Who(key="user", user=images.USERS[name], kind="approximated", how=how, remedy=remedy)
    why = f"who {name} is, only the image knows; it runs as 10001"
    return Who(key="user", kind="dropped", how=why, remedy="write the number that `id -u` prints")


def _user(one: key_reader.Part, made: service_builder.Draft, found: Who) -> None:
    place = one.place("user") if found.key else made.place
    if found.user is not None:
        made.put(("user",), found.user, place)
    if found.own:
        made.put(("user",), None, made.place)
    if found.root:
        made.pod["securityContext"] = {"runAsUser": 0, "runAsGroup": 0, "fsGroup": 0}
    if found.whole:
        made.add("writable", "/", made.place)
    if not found.own and not found.root:
        _folders(made, found.folders)
    into = "user" if found.user is not None else "security"
    if found.key:
        one.told(found.key, found.kind, found.how, found.remedy, into=into)
    elif found.how:
        one.noted("added", found.how, found.remedy, into=into)


def _folders(made: service_builder.Draft, folders: Sequence[str]) -> None:
    """What the image writes to; but what is on a disk stays there."""
    disks = [
        each["path"].node.text for each in (made.values.get("volume"), *made.values.get("volumes", {}).values()) if each
    ]
    for folder in folders:
        if not any(f"{folder}/".startswith(f"{path}/") or f"{path}/".startswith(f"{folder}/") for path in disks):
            made.add("writable", folder, made.place)

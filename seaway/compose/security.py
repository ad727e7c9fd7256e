"""What a container may do: Docker's rights as levels of the Pod Security Standards.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

import re

from seaway.compose import dockerfile, draft, images, part
from seaway.model import nodes

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


def convert(one: part.Part, made: draft.Draft, *, image: str | None, built: dockerfile.Said | None) -> None:
    """User, file system and rights of a service."""
    for key, (why, remedy) in FORBIDDEN.items():
        if one.has(key):
            off = one.text(key) == "false" or one.node(key) in (None,) or _empty(one, key)
            one.kept(key) if off else one.refused(key, why, remedy)
    for key, outside in (
        ("network_mode", ("host", "service:", "container:")),
        ("pid", ("host", "service:", "container:")),
        ("ipc", ("host", "service:", "container:")),
        ("uts", ("host",)),
        ("userns_mode", ("host",)),
        ("cgroup", ("host",)),
    ):
        _space(one, key, outside)
    level = _capabilities(one)
    level = _options(one) or level
    root = _user(one, made, image=image, built=built)
    if root or level:
        made.put(("security",), "baseline", made.place)
    if one.has("read_only"):
        if one.true("read_only") or root:
            one.kept("read_only")
        else:
            one.approximated("read_only", "read-only all the same, but for /tmp and `writable`", "name the folders")


def _empty(one: part.Part, key: str) -> bool:
    node = one.node(key)
    return isinstance(node, nodes.Items) and not node.items


def _space(one: part.Part, key: str, outside: tuple[str, ...]) -> None:
    text = one.text(key)
    if text is None:
        one.kept(key)
    elif text.startswith(outside):
        why = f"{key}: {text} takes the walls down between this container and others on its machine"
        beside = "write it as one of the `sidecars` of that service" if ":" in text else "remove it"
        one.refused(key, why, beside)
    elif key == "network_mode" and text == "none":
        one.kept(key, "calls nothing and reaches nothing", into="egress")
    else:
        one.kept(key)


def _capabilities(one: part.Part) -> bool:
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
            why = f"{name} is beyond `baseline`: with it a container reaches its node"
            one.refused(key, why, "do without it")
    for number, text in enumerate(one.texts("cap_drop") or []):
        name = text.upper().removeprefix("CAP_")
        if lower:
            how = "security: baseline keeps the rights that Docker gives"
            one.approximated(f"cap_drop.{number}", how, "remove cap_add, and all are dropped")
        else:
            one.kept(f"cap_drop.{number}", "restricted drops all of them" if name != "ALL" else "")
    return lower


def _options(one: part.Part) -> bool:
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
            why = f"{name} without limits is beyond `baseline`"
            one.refused(key, why, "remove it: the runtime's own profile stops nothing that most programs do")
        else:
            one.dropped(key, "the profile is a file of one machine; the runtime's own is used")
    return lower


def _user(one: part.Part, made: draft.Draft, *, image: str | None, built: dockerfile.Said | None) -> bool:
    """Whether it runs as root."""
    known, said = images.fact(image), one.text("user")
    if said is not None:
        return _said(one, made, said, known)
    if built is not None and built.user is not None:
        return _dockerfile(one, made, built.user)
    if known is None or (built is not None and image is None):
        how = "runs as user 10001 with a read-only file system, and not as its image says"
        one.noted("approximated", how, "say `user:` with a number, and `tmpfs:` for the folders that it writes to")
        return False
    if known.root:
        _root(made)
        how = f"security: baseline, as root: {images.name(image or '')} starts in no other way"
        one.noted("approximated", how, into="security")
        return True
    if known.user is not None and not images.in_catalogue(image):
        made.put(("user",), known.user, made.place)
    _folders(made, known)
    return False


def _folders(made: draft.Draft, known: images.Fact) -> None:
    """What the image writes to; but what is on a disk stays there."""
    disks = [
        each["path"].node.text for each in (made.values.get("volume"), *made.values.get("volumes", {}).values()) if each
    ]
    for folder in (*known.writable, *([known.data] if known.data else [])):
        if not any(f"{folder}/".startswith(f"{path}/") or f"{path}/".startswith(f"{folder}/") for path in disks):
            made.add("writable", folder, made.place)


def _said(one: part.Part, made: draft.Draft, said: str, known: images.Fact | None) -> bool:
    name, _, group = said.partition(":")
    if name in ROOT:
        _root(made)
        how = "security: baseline, and `raw` says root, with a file system that it may write to"
        one.approximated("user", how, "give it a user of its own", into="security")
        return True
    if known is not None:
        _folders(made, known)
    if name.isdecimal():
        made.put(("user",), int(name), one.place("user"))
        if group in ("", name):
            one.kept("user", into="user")
        else:
            one.approximated("user", f"the group is {name} too, and not {group}", into="user")
    elif name in images.USERS:
        id_ = images.USERS[name]
        made.put(("user",), id_, one.place("user"))
        one.approximated("user", f"{name} is taken for {id_}", "write the number that `id -u` prints", into="user")
    else:
        why = f"who {name} is, only the image knows; it runs as 10001"
        one.dropped("user", why, "write the number that `id -u` prints")
    return False


def _dockerfile(one: part.Part, made: draft.Draft, user: str) -> bool:
    if user in ROOT:
        how = "runs as user 10001 with a read-only file system; the Dockerfile says root"
        one.noted("approximated", how, "give the Dockerfile a USER with a number")
        return False
    id_ = int(user) if user.isdecimal() else images.USERS.get(user)
    if id_ is None:
        how = f"runs as user 10001: who {user} is, only the image knows"
        one.noted("approximated", how, "write USER with a number in the Dockerfile")
    else:
        made.put(("user",), id_, made.place)
        one.noted("approximated", f"runs as {id_}, as its Dockerfile says, with a read-only file system", into="user")
    return False


def _root(made: draft.Draft) -> None:
    """Root, and a file system that it may write to: what the model has no word for."""
    made.pod["securityContext"] = {"runAsUser": 0, "runAsGroup": 0, "fsGroup": 0}
    made.container["securityContext"] = {"readOnlyRootFilesystem": False}

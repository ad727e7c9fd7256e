"""What we read of a project beside what `docker compose config` prints of it, made comparable.

The differences that are meant are taken out here, each with its reason; what is left is one of ours.
"""

import copy
import dataclasses
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from seaway.compose.loader import loader, scalars
from seaway.syntax import nodes
from tests.compose import docker

Tree = dict[str, Any]
Change = Callable[[Any], Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that Docker prints otherwise than we do, and that is no other meaning."""

    what: str
    why: str
    take_out: Callable[[Tree], None]
    """Makes both sides the same, in place."""


def ours(done: loader.LoadedProject, base: Path) -> Tree:
    """A project that was read. ``base``: the folder of its first file, which Docker puts before every path."""
    root = _named(nodes.to_plain(done.root))
    relative = ("build.context", "build.additional_contexts.*", "develop.watch.*.path")
    for path in (*(f"services.*.{one}" for one in relative), "configs.*.file", "secrets.*.file"):
        _at(root, path, lambda value: _absolute(value, base))
    _at(root, "services.*.volumes.*", lambda value: _mount(value, base))
    return root


def _named(root: Tree) -> Tree:
    """Without extensions of the whole file, which nobody reads; anchors stand there."""
    return {name: value for name, value in root.items() if not name.startswith("x-")}


def _absolute(value: Any, base: Path) -> Any:
    if not isinstance(value, str) or "://" in value or re.match(r"~|service:|git@|[a-zA-Z]:[\\/]|\\\\", value):
        return value
    return posixpath.normpath(base / value)


def _mount(value: Tree, base: Path) -> Tree:
    return value | {"source": _absolute(value["source"], base)} if value.get("type") == "bind" else value


def theirs(printed: str) -> Tree:
    """What `docker compose config` has printed."""
    return _named(nodes.to_plain(nodes.parse(printed.replace("$$", "$"), "")))


def left(one: Tree, other: Tree, differences: Sequence[Difference]) -> list[str]:
    """The paths at which two projects are not the same, without the differences that are meant."""
    both = copy.deepcopy([one, other])
    for side in both:
        for difference in differences:
            difference.take_out(side)
    return sorted(_compared(_full(both[0]), _full(both[1]), ""))


def seen(one: Tree, other: Tree) -> list[Difference]:
    """Those that are there in two projects which are otherwise the same."""
    return [each for each in DIFFERENCES if left(one, other, [d for d in DIFFERENCES if d is not each])]


def _compared(one: Any, other: Any, path: str) -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        here, there = cast(Tree, one), cast(Tree, other)
        return [
            found
            for name in here.keys() | there.keys()
            for found in _compared(here.get(name), there.get(name), f"{path}.{name}" if path else name)
        ]
    return [] if one == other else [f"{path}: {one!r} is {other!r} with Docker"]


def _full(value: Any) -> Any:
    """Without what says nothing; numbers as texts, since Docker quotes some."""
    if isinstance(value, dict):
        made = {name: _full(inner) for name, inner in cast(Tree, value).items()}
        return {name: inner for name, inner in made.items() if inner not in (None, {}, [])}
    if isinstance(value, list):
        return [_full(item) for item in cast("list[Any]", value)]
    if isinstance(value, bool) or value is None:
        return value
    return f"{value:g}" if isinstance(value, float) else str(value)


def _at(value: Any, path: str, change: Change) -> None:
    """Changes what is at a path; what becomes None is taken away."""
    first, _, rest = path.partition(".")
    if isinstance(value, list):
        items = cast("list[Any]", value)
        if first == "*" and rest:
            for item in items:
                _at(item, rest, change)
        elif first == "*":
            items[:] = [change(item) for item in items]
    elif isinstance(value, dict):
        inner = cast(Tree, value)
        for name in [*inner] if first == "*" else [first] * (first in inner):
            if rest:
                _at(inner[name], rest, change)
            elif (changed := change(inner[name])) is None:
                del inner[name]
            else:
                inner[name] = changed


def _change(paths: str, change: Change) -> Callable[[Tree], None]:
    def take_out(root: Tree) -> None:
        for path in paths.split():
            _at(root, path, lambda value: value if value is None else change(value))

    return take_out


def _services(paths: str) -> str:
    return " ".join(f"services.*.{path}" for path in paths.split())


def _size(value: Any) -> str:
    return "-1" if str(value) == "-1" else str(scalars.parse_size(str(value)))


def _number(value: Any) -> Any:
    """As Docker reads it: what begins with 0 is octal."""
    text = str(value).replace("_", "")
    if re.fullmatch(r"[-+]?0o?[0-7]+", text):
        return int(text.replace("o", ""), 8)
    if re.fullmatch(r"[-+]?0[xXbB][0-9a-fA-F]+", text):
        return int(text, 0)
    try:
        return f"{float(text.lower().replace('.inf', 'inf').replace('.nan', 'nan')):g}"
    except ValueError:
        return value


def _unused(root: Tree) -> None:
    services = [cast(Tree, one) for one in root["services"].values()]
    used: dict[str, set[str]] = {
        "networks": {name for one in services for name in one.get("networks") or {}},
        "volumes": {item["source"] for one in services for item in one.get("volumes", ()) if "source" in item},
        "models": {name for one in services for name in one.get("models", {})},
    }
    for kind in ("secrets", "configs"):
        mounted = [*services, *(one["build"] for one in services if "build" in one)]
        used[kind] = {item["source"] for one in mounted for item in one.get(kind, ())}
    for kind, names in used.items():
        for name in [*(root.get(kind) or {})]:
            if name not in names:
                del root[kind][name]


def _names(root: Tree) -> None:
    for kind in ("networks", "volumes", "secrets", "configs"):
        for name, value in (root.get(kind) or {}).items():
            if value and value.get("name", "") in (f"{root['name']}_{name}", value.get("external") and name):
                del value["name"]


def _content(value: Mapping[str, Any]) -> Tree:
    return {key: inner for key, inner in value.items() if key != "content" or "environment" not in value}


def _plain(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: inner for key, inner in cast(Tree, value).items() if not key.startswith("x-")}


_SIZES = "mem_limit mem_reservation memswap_limit shm_size build.shm_size volumes.*.tmpfs.size"
_SIZES += " blkio_config.device_read_bps.*.rate blkio_config.device_write_bps.*.rate"
_SIZES += " deploy.resources.limits.memory deploy.resources.reservations.memory"
_DURATIONS = "stop_grace_period healthcheck.interval healthcheck.timeout healthcheck.start_period"
_DURATIONS += " healthcheck.start_interval deploy.restart_policy.delay deploy.restart_policy.window"
_DURATIONS += "".join(
    f" deploy.{one}.{key}" for one in ("update_config", "rollback_config") for key in ("delay", "monitor")
)
_FALSE = "build.no_cache build.pull build.privileged oom_kill_disable read_only volumes.*.bind.create_host_path"
_FALSE += " post_start.*.privileged pre_stop.*.privileged develop.watch.*.exec.privileged tty stdin_open privileged"
_FALSE += " depends_on.*.restart volumes.*.read_only volumes.*.volume.nocopy"

DIFFERENCES: Sequence[Difference] = (
    Difference(
        what="Sizes and durations",
        why="Docker prints bytes, and 2m0s; we keep what is written, which messages show",
        take_out=lambda root: (
            _change(_services(_SIZES), lambda value: None if (size := _size(value)) == "0" else size)(root),
            _change(_services(_DURATIONS), lambda value: str(float(scalars.parse_seconds(str(value)))))(root),
        )[0],
    ),
    Difference(
        what="Numbers in `environment` and like it",
        why="Docker reads 0755 as octal and prints 493, and 1.10 as 1.1; we take each as the text that it is",
        take_out=_change(_services("environment.* labels.* build.args.*"), _number),
    ),
    Difference(
        what="Networks, volumes and the like that no service uses",
        why="Docker leaves them out; we keep them, and the report says that nobody uses them",
        take_out=_unused,
    ),
    Difference(
        what="Names of networks, volumes, secrets and configs",
        why="Docker gives a name to each, which is its own name for it on one machine",
        take_out=_names,
    ),
    Difference(
        what="Switches that are off",
        why="Docker leaves `false` out where it is the default",
        take_out=_change(
            f"{_services(_FALSE)} networks.*.internal networks.*.attachable volumes.*.external networks.*.external"
            " secrets.*.external configs.*.external",
            lambda value: value or None,
        ),
    ),
    Difference(
        what="`ulimits` that are one number",
        why="Docker prints a limit of 0 as two numbers; we keep what is written",
        take_out=_change(
            _services("ulimits.*"), lambda value: value if isinstance(value, dict) else {"soft": value, "hard": value}
        ),
    ),
    Difference(
        what="Texts that are empty",
        why="Docker leaves them out: a variable with an empty default says nothing",
        take_out=_change(
            _services("platform hostname domainname user working_dir restart"), lambda value: value or None
        ),
    ),
    Difference(
        what="`build.ssh`, `build.provenance`, `build.sbom`",
        why="Docker prints a list of keys, and true and false as texts; we have a mapping, and what is written",
        take_out=lambda root: (
            _change(_services("build.ssh"), lambda value: [*value])(root),
            _change(_services("build.provenance build.sbom"), lambda value: str(value).lower())(root),
        )[0],
    ),
    Difference(
        what="`count: all`",
        why="Docker prints -1",
        take_out=_change(
            _services("gpus.*.count deploy.resources.reservations.devices.*.count"),
            lambda value: "all" if str(value) == "-1" else value,
        ),
    ),
    Difference(
        what="Options of a provider",
        why="Docker makes a list of each, and texts of its values",
        take_out=_change(
            _services("provider.options.*"),
            lambda value: [str(one).lower() for one in (value if isinstance(value, list) else [value])],  # pyright: ignore
        ),
    ),
    Difference(
        what="Options without a value",
        why="Docker makes an empty text of it",
        take_out=_change(_services("logging.options.*"), lambda value: value or None),
    ),
    Difference(
        what="`ipam.options` of a network",
        why="Docker knows the key, reads it and forgets it; we keep it, and the report says that it is lost",
        take_out=_change("networks.*.ipam.options", lambda value: None),
    ),
    Difference(
        what="`pull_refresh_after`",
        why="the specification has it, and Docker Compose 2.40 forgets it; we keep it, and the report says so",
        take_out=_change(_services("pull_refresh_after"), lambda value: None),
    ),
    Difference(
        what="The content of a config that a variable has",
        why="Docker looks it up when it starts containers; we do when we read",
        take_out=_change("configs.*", _content),
    ),
    Difference(
        what="A / at the end of a path of the machine",
        why="Docker keeps it",
        take_out=_change(
            _services("volumes.*.source"),
            lambda value: posixpath.normpath(value) if value.startswith(("/", "~")) else value,
        ),
    ),
    Difference(
        what="`~`",
        why="Docker puts the home of whoever runs it there; with us it stays, and the report refuses the mount",
        take_out=_change(_services("volumes.*.source"), lambda value: re.sub(rf"^{docker.HOME}(?=/|$)", "~", value)),
    ),
    Difference(
        what="Extensions in a few lists",
        why="Docker forgets an `x-` of a device, a limit, or an address pool; we keep it, as all others",
        take_out=_change(
            f"{_services('deploy.resources.reservations.devices.* ulimits.* build.ulimits.*')}"
            " networks.*.ipam.config.*",
            _plain,
        ),
    ),
    Difference(
        what="Options of a mount that nobody knows, and `cached` and its like",
        why="Docker forgets them; we keep them as `x-options` and `consistency`, and the report says that they go",
        take_out=_change(_services("volumes.*.x-options volumes.*.consistency"), lambda value: None),
    ),
)

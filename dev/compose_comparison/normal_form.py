"""Makes a project that Seaway reads comparable with the output of `docker compose config`.

Removes the intended differences, each with a reason. Every other difference is an error of Seaway.
"""

import copy
import dataclasses
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from dev.compose_comparison import docker
from seaway.compose.loader import loader, scalars
from seaway.syntax import duration, nodes, yaml_parser

Tree = dict[str, Any]
Change = Callable[[Any], Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A difference between the outputs that does not change the meaning."""

    title: str
    reason: str
    remove: Callable[[Tree], None]
    """Makes a project equal on both sides, in place."""


def normalize_ours(project: loader.LoadedProject, base: Path) -> Tree:
    """Return a loaded project. ``base`` is the folder of its first file: Docker prints absolute paths."""
    root = _remove_extensions(nodes.to_plain(project.root))
    relative = ("build.context", "build.additional_contexts.*", "develop.watch.*.path")
    for path in (*(f"services.*.{key}" for key in relative), "configs.*.file", "secrets.*.file"):
        _change_at(root, path, lambda node: _make_absolute(node, base))
    _change_at(root, "services.*.volumes.*", lambda node: _make_source_absolute(node, base))
    return root


def _remove_extensions(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    return {name: child for name, child in cast(Tree, node).items() if not name.startswith("x-")}


def _make_absolute(node: Any, base: Path) -> Any:
    if not isinstance(node, str) or "://" in node or re.match(r"~|service:|git@|[a-zA-Z]:[\\/]|\\\\", node):
        return node
    return posixpath.normpath(base / node)


def _make_source_absolute(mount: Tree, base: Path) -> Tree:
    return mount | {"source": _make_absolute(mount["source"], base)} if mount.get("type") == "bind" else mount


def normalize_theirs(printed: str) -> Tree:
    """Return the output of `docker compose config`."""
    return _remove_extensions(nodes.to_plain(yaml_parser.parse(printed.replace("$$", "$"), "")))


def list_differences(ours: Tree, theirs: Tree, intended: Sequence[Difference]) -> list[str]:
    """List the differences of two projects, without the intended ones."""
    both = copy.deepcopy([ours, theirs])
    for root in both:
        for difference in intended:
            difference.remove(root)
    return sorted(_compare_nodes(_simplify(both[0]), _simplify(both[1]), ""))


def find_intended(ours: Tree, theirs: Tree) -> list[Difference]:
    """Find the intended differences that occur in two otherwise equal projects."""

    def occurs(difference: Difference) -> bool:
        return bool(list_differences(ours, theirs, [other for other in DIFFERENCES if other is not difference]))

    return [difference for difference in DIFFERENCES if occurs(difference)]


def _compare_nodes(ours: Any, theirs: Any, path: str) -> list[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        left, right = cast(Tree, ours), cast(Tree, theirs)
        return [
            difference
            for name in left.keys() | right.keys()
            for difference in _compare_nodes(left.get(name), right.get(name), f"{path}.{name}" if path else name)
        ]
    return [] if ours == theirs else [f"{path}: {ours!r}, in Docker {theirs!r}"]


def _simplify(node: Any) -> Any:
    """Remove empty nodes, and turn numbers into text: Docker quotes some numbers."""
    if isinstance(node, dict):
        children = {name: _simplify(child) for name, child in cast(Tree, node).items()}
        return {name: child for name, child in children.items() if child not in (None, {}, [])}
    if isinstance(node, list):
        return [_simplify(child) for child in cast("list[Any]", node)]
    if isinstance(node, bool) or node is None:
        return node
    return f"{node:g}" if isinstance(node, float) else str(node)


def _change_at(node: Any, path: str, change: Change) -> None:
    """Change the nodes at a path. Removes a node that becomes None."""
    first, _, rest = path.partition(".")
    if isinstance(node, list):
        sequence = cast("list[Any]", node)
        if first == "*" and rest:
            for child in sequence:
                _change_at(child, rest, change)
        elif first == "*":
            sequence[:] = [change(child) for child in sequence]
    elif isinstance(node, dict):
        mapping = cast(Tree, node)
        for name in [*mapping] if first == "*" else [first] * (first in mapping):
            if rest:
                _change_at(mapping[name], rest, change)
            elif (changed := change(mapping[name])) is None:
                del mapping[name]
            else:
                mapping[name] = changed


def _change_paths(paths: str, change: Change) -> Callable[[Tree], None]:
    def remove(root: Tree) -> None:
        for path in paths.split():
            _change_at(root, path, lambda node: node if node is None else change(node))

    return remove


def _in_services(paths: str) -> str:
    return " ".join(f"services.*.{path}" for path in paths.split())


def _format_size(value: Any) -> str:
    return "-1" if str(value) == "-1" else str(scalars.parse_size(str(value)))


def _format_number(value: Any) -> Any:
    """Format a number as Docker does: a leading 0 means octal."""
    text = str(value).replace("_", "")
    if re.fullmatch(r"[-+]?0o?[0-7]+", text):
        return int(text.replace("o", ""), 8)
    if re.fullmatch(r"[-+]?0[xXbB][0-9a-fA-F]+", text):
        return int(text, 0)
    try:
        return f"{float(text.lower().replace('.inf', 'inf').replace('.nan', 'nan')):g}"
    except ValueError:
        return value


def _mapping(node: Mapping[str, Any], key: str) -> Tree:
    return node.get(key) or {}


def _remove_unused(root: Tree) -> None:
    services = [cast(Tree, service) for service in root["services"].values()]
    used: dict[str, set[str]] = {
        "networks": {name for service in services for name in _mapping(service, "networks")},
        "volumes": {
            mount["source"] for service in services for mount in service.get("volumes", ()) if "source" in mount
        },
        "models": {name for service in services for name in _mapping(service, "models")},
    }
    for kind in ("secrets", "configs"):
        users = [*services, *(service["build"] for service in services if "build" in service)]
        used[kind] = {grant["source"] for user in users for grant in user.get(kind, ())}
    for kind, names in used.items():
        for name in [*_mapping(root, kind)]:
            if name not in names:
                del root[kind][name]


def _remove_names(root: Tree) -> None:
    for kind in ("networks", "volumes", "secrets", "configs"):
        for name, resource in _mapping(root, kind).items():
            if resource and resource.get("name", "") in (f"{root['name']}_{name}", resource.get("external") and name):
                del resource["name"]


def _remove_content(config: Mapping[str, Any]) -> Tree:
    return {key: child for key, child in config.items() if key != "content" or "environment" not in config}


def _expand_ulimit(limit: Any) -> Tree:
    return cast(Tree, limit) if isinstance(limit, dict) else {"soft": limit, "hard": limit}


_SIZES = (
    "mem_limit mem_reservation memswap_limit shm_size build.shm_size volumes.*.tmpfs.size"
    " blkio_config.device_read_bps.*.rate blkio_config.device_write_bps.*.rate"
    " deploy.resources.limits.memory deploy.resources.reservations.memory"
)
_DURATIONS = (
    "stop_grace_period healthcheck.interval healthcheck.timeout healthcheck.start_period healthcheck.start_interval"
    " deploy.restart_policy.delay deploy.restart_policy.window deploy.update_config.delay deploy.update_config.monitor"
    " deploy.rollback_config.delay deploy.rollback_config.monitor"
)
_FALSE = (
    "build.no_cache build.pull build.privileged oom_kill_disable read_only volumes.*.bind.create_host_path"
    " post_start.*.privileged pre_stop.*.privileged develop.watch.*.exec.privileged tty stdin_open privileged"
    " depends_on.*.restart volumes.*.read_only volumes.*.volume.nocopy"
)

DIFFERENCES: Sequence[Difference] = (
    Difference(
        title="Sizes and durations",
        reason="Docker prints bytes, and 2m0s; Seaway keeps the original text for messages",
        remove=lambda root: (
            _change_paths(_in_services(_SIZES), lambda value: None if (size := _format_size(value)) == "0" else size)(
                root
            ),
            _change_paths(_in_services(_DURATIONS), lambda value: str(float(duration.parse_seconds(str(value)))))(root),
        )[0],
    ),
    Difference(
        title="Numbers in `environment`, `labels` and `build.args`",
        reason="Docker reads 0755 as octal and prints 493, and 1.10 as 1.1; Seaway keeps the original text",
        remove=_change_paths(_in_services("environment.* labels.* build.args.*"), _format_number),
    ),
    Difference(
        title="Unused networks, volumes, models, secrets and configs",
        reason="Docker omits them; Seaway keeps them, and reports that no service uses them",
        remove=_remove_unused,
    ),
    Difference(
        title="Names of networks, volumes, secrets and configs",
        reason="Docker adds the name of each on one machine",
        remove=_remove_names,
    ),
    Difference(
        title="Booleans that are `false`",
        reason="Docker omits `false` if it is the default",
        remove=_change_paths(
            f"{_in_services(_FALSE)} networks.*.internal networks.*.attachable volumes.*.external networks.*.external"
            " secrets.*.external configs.*.external",
            lambda value: value or None,
        ),
    ),
    Difference(
        title="`ulimits` with one number",
        reason="Docker prints a limit of 0 as two numbers; Seaway keeps the original text",
        remove=_change_paths(_in_services("ulimits.*"), _expand_ulimit),
    ),
    Difference(
        title="Empty text",
        reason="Docker omits it: a variable with an empty default has no effect",
        remove=_change_paths(
            _in_services("platform hostname domainname user working_dir restart"), lambda value: value or None
        ),
    ),
    Difference(
        title="`build.ssh`, `build.provenance`, `build.sbom`",
        reason="Docker prints a list of keys, and booleans as text; Seaway keeps a mapping and the original text",
        remove=lambda root: (
            _change_paths(_in_services("build.ssh"), lambda value: [*value])(root),
            _change_paths(_in_services("build.provenance build.sbom"), lambda value: str(value).lower())(root),
        )[0],
    ),
    Difference(
        title="`count: all`",
        reason="Docker prints -1",
        remove=_change_paths(
            _in_services("gpus.*.count deploy.resources.reservations.devices.*.count"),
            lambda value: "all" if str(value) == "-1" else value,
        ),
    ),
    Difference(
        title="Options of a provider",
        reason="Docker prints each as a list of texts",
        remove=_change_paths(
            _in_services("provider.options.*"),
            lambda value: [str(option).lower() for option in (value if isinstance(value, list) else [value])],  # pyright: ignore
        ),
    ),
    Difference(
        title="Options without a value",
        reason="Docker prints an empty text",
        remove=_change_paths(_in_services("logging.options.*"), lambda value: value or None),
    ),
    Difference(
        title="`ipam.options` of a network",
        reason="Docker reads the key and drops it; Seaway keeps it, and reports that it is dropped",
        remove=_change_paths("networks.*.ipam.options", lambda value: None),
    ),
    Difference(
        title="`pull_refresh_after`",
        reason="it is in the specification, and Docker Compose 2.40 drops it; Seaway keeps and reports it",
        remove=_change_paths(_in_services("pull_refresh_after"), lambda value: None),
    ),
    Difference(
        title="The content of a config from a variable",
        reason="Docker reads the variable when it starts containers; Seaway reads it when it loads the file",
        remove=_change_paths("configs.*", _remove_content),
    ),
    Difference(
        title="A / at the end of a host path",
        reason="Docker keeps it",
        remove=_change_paths(
            _in_services("volumes.*.source"),
            lambda value: posixpath.normpath(value) if value.startswith(("/", "~")) else value,
        ),
    ),
    Difference(
        title="`~`",
        reason="Docker inserts the home of the user; Seaway keeps it, and rejects the mount",
        remove=_change_paths(
            _in_services("volumes.*.source"), lambda value: re.sub(rf"^{docker.HOME}(?=/|$)", "~", value)
        ),
    ),
    Difference(
        title="Extensions in a few lists",
        reason="Docker drops an `x-` of a device, a limit, or an address pool; Seaway keeps all extensions",
        remove=_change_paths(
            f"{_in_services('deploy.resources.reservations.devices.* ulimits.* build.ulimits.*')}"
            " networks.*.ipam.config.*",
            _remove_extensions,
        ),
    ),
    Difference(
        title="Unknown options of a mount, and options such as `cached`",
        reason="Docker drops them; Seaway keeps them as `x-options` and `consistency`, and reports that it drops them",
        remove=_change_paths(_in_services("volumes.*.x-options volumes.*.consistency"), lambda value: None),
    ),
)

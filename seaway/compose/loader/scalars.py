"""Bytes, durations, numbers and switches as Compose writes them.

https://docs.docker.com/reference/compose-file/extension/#specifying-byte-values
"""

import re
from collections.abc import Callable
from fractions import Fraction

from seaway.compose.loader import tree
from seaway.syntax import diagnosis, nodes

_SIZE = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+) ?(?:b|([kmgtp])(?:i?b)?)?", re.IGNORECASE)
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d|w)")
_SECONDS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "μs": Fraction(1, 10**6),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
    "d": Fraction(86400),
    "w": Fraction(604800),
}
_TRUE = ("true", "y", "yes", "on")
_FALSE = ("false", "n", "no", "off")
_LONGEST = 40


def size(text: str) -> int:
    """Bytes: ``64m`` and ``64MiB`` are 67108864; k, m, g, t and p are powers of 1024. Raises ValueError.

    >>> size("1.5k")
    1536
    """
    found = _SIZE.fullmatch(text) if len(text) <= _LONGEST else None
    if not found:
        raise ValueError(f"{text!r} is no amount of bytes")
    return int(Fraction(found[1]) * 1024 ** (" kmgtp".index((found[2] or " ").lower())))


def seconds(text: str) -> Fraction:
    """A duration in seconds: ``1m30s`` is 90. Raises ValueError.

    >>> seconds("1m30s"), seconds("500ms")
    (Fraction(90, 1), Fraction(1, 2))
    """
    parts = _PART.findall(text) if len(text) <= _LONGEST else []
    if text == "0":
        return Fraction(0)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no duration")
    return sum((Fraction(number) * _SECONDS[unit] for number, unit in parts), Fraction(0))


def _checked(what: str, remedy: str, right: Callable[[str], object]) -> tree.Rule:
    def rule(node: nodes.Node, path: str, found: list[diagnosis.Problem]) -> nodes.Node:
        if isinstance(node, nodes.Scalar) and node.kind != "null":
            try:
                right(node.text)
            except ValueError:
                found.append(diagnosis.Problem(node.place, path, f"{diagnosis.quoted(node.text)} is no {what}", remedy))
        return node

    return rule


def _size_or_none(text: str) -> int:
    return -1 if text == "-1" else size(text)


_CPUS = re.compile(r"[0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9}")
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_OCTAL = re.compile(r"(0o)?[0-7]{1,5}")


def _like(pattern: re.Pattern[str]) -> Callable[[str], None]:
    def right(text: str) -> None:
        if not pattern.fullmatch(text):
            raise ValueError

    return right


def _switch(node: nodes.Node, path: str, found: list[diagnosis.Problem]) -> nodes.Node:
    if not isinstance(node, nodes.Scalar) or node.kind == "null":
        return node
    word = node.text.lower()
    if word not in _TRUE + _FALSE:
        wrong = f"{diagnosis.quoted(node.text)} is no boolean"
        found.append(diagnosis.Problem(node.place, path, wrong, "write true or false"))
        return node
    return nodes.Scalar(node.place, "true" if word in _TRUE else "false", "bool")


def _number(what: str, remedy: str, pattern: re.Pattern[str]) -> tree.Rule:
    check = _checked(what, remedy, _like(pattern))

    def rule(node: nodes.Node, path: str, found: list[diagnosis.Problem]) -> nodes.Node:
        check(node, path, found)
        # A number in quotes, or of a variable, is a number.
        return nodes.scalar(node.text, node.place) if isinstance(node, nodes.Scalar) else node

    return rule


_BYTES = _checked("amount of bytes", "write it as 512m or 2gb", size)
_BYTES_OR_NONE = _checked("amount of bytes", "write it as 512m or 2gb, or -1 for no limit", _size_or_none)
_DURATION = _checked("duration", "write it with a unit, as 1m30s or 500ms", seconds)
_INTEGER = _number("whole number", "write it in digits", _WHOLE)
_DECIMAL = _number("number", "write it as 2 or 0.5", _CPUS)


def _mode(node: nodes.Node, path: str, found: list[diagnosis.Problem]) -> nodes.Node:
    """A file's mode is octal when it is text; a number that YAML understood is what it is."""
    if not isinstance(node, nodes.Scalar) or node.kind == "null":
        return node
    if node.kind == "int":
        whole = nodes.whole(node)
        if 0 <= whole <= 0o7777:
            return nodes.Scalar(node.place, f"0{whole:o}")
    elif _OCTAL.fullmatch(node.text):
        return nodes.Scalar(node.place, f"0{int(node.text.removeprefix('0o'), 8):o}")
    wrong = f"{nodes.shown(node)} is no file mode"
    found.append(diagnosis.Problem(node.place, path, wrong, "write it in octal, as 0440"))
    return node


def _paths(rule: tree.Rule, prefix: str, names: str) -> dict[str, tree.Rule]:
    return {f"{prefix}.{name}": rule for name in names.split()}


_UPDATE = ("services.*.deploy.update_config", "services.*.deploy.rollback_config")
_BLKIO = "services.*.blkio_config"

RULES: dict[str, tree.Rule] = {
    **_paths(_INTEGER, "services.*", "cpu_count cpu_period cpu_quota cpu_shares mem_swappiness oom_score_adj"),
    **_paths(_INTEGER, "services.*", "pids_limit scale healthcheck.retries ports.*.target"),
    **_paths(_INTEGER, "services.*", "ulimits.*.soft ulimits.*.hard build.ulimits.*.soft build.ulimits.*.hard"),
    **_paths(_INTEGER, "services.*.deploy", "replicas restart_policy.max_attempts placement.max_replicas_per_node"),
    **_paths(_INTEGER, "services.*.deploy.resources.limits", "pids"),
    **{f"{path}.parallelism": _INTEGER for path in _UPDATE},
    **_paths(_INTEGER, _BLKIO, "weight weight_device.*.weight"),
    **_paths(_DECIMAL, "services.*", "cpus cpu_percent"),
    **{f"{path}.max_failure_ratio": _DECIMAL for path in _UPDATE},
    **_paths(_DECIMAL, "services.*.deploy.resources", "limits.cpus reservations.cpus"),
    **_paths(_BYTES, "services.*", "mem_limit mem_reservation shm_size build.shm_size volumes.*.tmpfs.size"),
    **_paths(_BYTES_OR_NONE, "services.*", "memswap_limit"),
    **_paths(_BYTES, "services.*.deploy.resources", "limits.memory reservations.memory"),
    **_paths(_BYTES, _BLKIO, "device_read_bps.*.rate device_write_bps.*.rate"),
    **_paths(_INTEGER, _BLKIO, "device_read_iops.*.rate device_write_iops.*.rate"),
    **_paths(_DURATION, "services.*", "stop_grace_period"),
    **_paths(_DURATION, "services.*.healthcheck", "interval timeout start_period start_interval"),
    **_paths(_DURATION, "services.*.deploy.restart_policy", "delay window"),
    **{f"{path}.{name}": _DURATION for path in _UPDATE for name in ("delay", "monitor")},
    **_paths(_switch, "services.*", "attach init healthcheck.disable oom_kill_disable privileged read_only"),
    **_paths(_switch, "services.*", "stdin_open tty depends_on.*.restart env_file.*.required"),
    **_paths(_switch, "services.*", "build.no_cache build.pull build.privileged"),
    **_paths(_switch, "services.*", "volumes.*.read_only volumes.*.volume.nocopy volumes.*.bind.create_host_path"),
    **_paths(_switch, "services.*", "post_start.*.privileged pre_stop.*.privileged"),
    **_paths(_switch, "networks.*", "external internal attachable enable_ipv4 enable_ipv6"),
    **_paths(_switch, "volumes.*", "external"),
    **_paths(_switch, "secrets.*", "external"),
    **_paths(_switch, "configs.*", "external"),
    **_paths(_mode, "services.*", "configs.*.mode secrets.*.mode build.secrets.*.mode"),
}
"""What is a number, a size, a duration or a switch, in the long forms. Sizes and durations stay as they are written."""

"""Bytes, numbers, booleans and addresses in the notation of Compose, and the keys that have a duration.

https://docs.docker.com/reference/compose-file/extension/#specifying-byte-values
"""

import ipaddress
import re
from collections.abc import Callable
from fractions import Fraction

from seaway.compose.loader import tree
from seaway.syntax import diagnosis, duration, nodes

_SIZE = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+) ?(?:b|([kmgtp])(?:i?b)?)?", re.IGNORECASE)
_TRUE = ("true", "y", "yes", "on")
_FALSE = ("false", "n", "no", "off")
_MAX_LENGTH = 40

_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9}")
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_OCTAL = re.compile(r"(0o)?[0-7]{1,5}")


def parse_size(text: str) -> int:
    """Bytes: ``64m`` and ``64MiB`` are 67108864; k, m, g, t and p are powers of 1024. Raises ValueError.

    >>> parse_size("1.5k")
    1536
    """
    match = _SIZE.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if not match:
        raise ValueError(f"{text!r} is not a valid size")
    return int(Fraction(match[1]) * 1024 ** (" kmgtp".index((match[2] or " ").lower())))


def parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """None: it is not an IP address."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _make_rule(noun: str, hint: str, parse: Callable[[str], object], *, is_number: bool = False) -> tree.Rule:
    """A rule that reports texts for which ``parse`` returns None or raises ValueError."""

    def rule(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
        if not tree.is_scalar(node):
            return node
        try:
            is_valid = parse(node.text) is not None
        except ValueError:
            is_valid = False
        if not is_valid:
            errors.add(node, path, "invalid-value", f"{diagnosis.quote(node.text)} is not a valid {noun}", hint)
        # A number may be quoted, or come from a variable.
        return nodes.parse_scalar(node.text, node.location) if is_number else node

    return rule


def _parse_size_or_unlimited(text: str) -> int:
    return -1 if text == "-1" else parse_size(text)


def _normalize_boolean(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    if not tree.is_scalar(node):
        return node
    word = node.text.lower()
    if word not in _TRUE + _FALSE:
        message = f"{diagnosis.quote(node.text)} is not a valid boolean"
        errors.add(node, path, "invalid-value", message, "write true or false")
        return node
    return nodes.ScalarNode(node.location, "true" if word in _TRUE else "false", "bool")


def _normalize_mode(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
    """A file mode as text is octal; a YAML number has its own base."""
    if not tree.is_scalar(node):
        return node
    if node.kind == "int":
        mode = nodes.to_int(node)
        if 0 <= mode <= 0o7777:
            return nodes.ScalarNode(node.location, f"0{mode:o}")
    elif _OCTAL.fullmatch(node.text):
        return nodes.ScalarNode(node.location, f"0{int(node.text.removeprefix('0o'), 8):o}")
    message = f"{nodes.describe_node(node)} is not a valid file mode"
    errors.add(node, path, "invalid-value", message, "write it in octal, as 0440")
    return node


_BYTES = _make_rule("size", "write it as 512m or 2gb", parse_size)
_BYTES_OR_UNLIMITED = _make_rule("size", "write it as 512m or 2gb, or -1 for no limit", _parse_size_or_unlimited)
_DURATION = _make_rule("duration", "write it with a unit, as 1m30s or 500ms", duration.parse_seconds)
_INTEGER_RULE = _make_rule("integer", "write digits", _INTEGER.fullmatch, is_number=True)
_DECIMAL_RULE = _make_rule("number", "write it as 2 or 0.5", _DECIMAL.fullmatch, is_number=True)


_UPDATE = ("services.*.deploy.update_config", "services.*.deploy.rollback_config")
_BLKIO = "services.*.blkio_config"

RULES: dict[str, tree.Rule] = {
    **tree.for_keys(_INTEGER_RULE, "cpu_count cpu_period cpu_quota cpu_shares mem_swappiness oom_score_adj"),
    **tree.for_keys(_INTEGER_RULE, "pids_limit scale healthcheck.retries ports.*.target"),
    **tree.for_keys(_INTEGER_RULE, "ulimits.*.soft ulimits.*.hard build.ulimits.*.soft build.ulimits.*.hard"),
    **tree.for_keys(_INTEGER_RULE, "replicas restart_policy.max_attempts", "services.*.deploy"),
    **tree.for_keys(_INTEGER_RULE, "placement.max_replicas_per_node resources.limits.pids", "services.*.deploy"),
    **{f"{path}.parallelism": _INTEGER_RULE for path in _UPDATE},
    **tree.for_keys(_INTEGER_RULE, "weight weight_device.*.weight", _BLKIO),
    **tree.for_keys(_DECIMAL_RULE, "cpus cpu_percent"),
    **{f"{path}.max_failure_ratio": _DECIMAL_RULE for path in _UPDATE},
    **tree.for_keys(_DECIMAL_RULE, "limits.cpus reservations.cpus", "services.*.deploy.resources"),
    **tree.for_keys(_BYTES, "mem_limit mem_reservation shm_size build.shm_size volumes.*.tmpfs.size"),
    **tree.for_keys(_BYTES_OR_UNLIMITED, "memswap_limit"),
    **tree.for_keys(_BYTES, "limits.memory reservations.memory", "services.*.deploy.resources"),
    **tree.for_keys(_BYTES, "device_read_bps.*.rate device_write_bps.*.rate", _BLKIO),
    **tree.for_keys(_INTEGER_RULE, "device_read_iops.*.rate device_write_iops.*.rate", _BLKIO),
    **tree.for_keys(_DURATION, "stop_grace_period"),
    **tree.for_keys(_DURATION, "interval timeout start_period start_interval", "services.*.healthcheck"),
    **tree.for_keys(_DURATION, "delay window", "services.*.deploy.restart_policy"),
    **{f"{path}.{name}": _DURATION for path in _UPDATE for name in ("delay", "monitor")},
    **tree.for_keys(_normalize_boolean, "attach init healthcheck.disable oom_kill_disable privileged read_only"),
    **tree.for_keys(_normalize_boolean, "stdin_open tty depends_on.*.restart env_file.*.required"),
    **tree.for_keys(_normalize_boolean, "build.no_cache build.pull build.privileged volumes.*.read_only"),
    **tree.for_keys(_normalize_boolean, "volumes.*.volume.nocopy volumes.*.bind.create_host_path"),
    **tree.for_keys(_normalize_boolean, "post_start.*.privileged pre_stop.*.privileged"),
    **tree.for_keys(_normalize_boolean, "external internal attachable enable_ipv4 enable_ipv6", "networks.*"),
    **{f"{kind}.*.external": _normalize_boolean for kind in ("volumes", "secrets", "configs")},
    **tree.for_keys(_normalize_mode, "configs.*.mode secrets.*.mode build.secrets.*.mode"),
}
"""Rules for the long forms. Sizes and durations keep their notation."""

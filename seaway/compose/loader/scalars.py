"""Bytes, numbers and booleans in the notation of Compose, and the keys that have a duration.

https://docs.docker.com/reference/compose-file/extension/#specifying-byte-values
"""

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


def _make_rule(noun: str, hint: str, parse: Callable[[str], object]) -> tree.Rule:
    """A rule that reports texts which ``parse`` does not accept."""

    def rule(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
        if tree.is_scalar(node):
            try:
                parse(node.text)
            except ValueError:
                errors.add(node, path, "invalid-value", f"{diagnosis.quote(node.text)} is not a valid {noun}", hint)
        return node

    return rule


def _make_number_rule(noun: str, hint: str, pattern: re.Pattern[str]) -> tree.Rule:
    def match(text: str) -> None:
        if not pattern.fullmatch(text):
            raise ValueError

    check = _make_rule(noun, hint, match)

    def rule(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
        check(node, path, errors)
        # A number may be quoted, or come from a variable.
        return nodes.parse_scalar(node.text, node.location) if isinstance(node, nodes.ScalarNode) else node

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
_INTEGER_RULE = _make_number_rule("integer", "write digits", _INTEGER)
_DECIMAL_RULE = _make_number_rule("number", "write it as 2 or 0.5", _DECIMAL)


def _for_keys(rule: tree.Rule, prefix: str, names: str) -> dict[str, tree.Rule]:
    return {f"{prefix}.{name}": rule for name in names.split()}


_UPDATE = ("services.*.deploy.update_config", "services.*.deploy.rollback_config")
_BLKIO = "services.*.blkio_config"

RULES: dict[str, tree.Rule] = {
    **_for_keys(_INTEGER_RULE, "services.*", "cpu_count cpu_period cpu_quota cpu_shares mem_swappiness oom_score_adj"),
    **_for_keys(_INTEGER_RULE, "services.*", "pids_limit scale healthcheck.retries ports.*.target"),
    **_for_keys(_INTEGER_RULE, "services.*", "ulimits.*.soft ulimits.*.hard build.ulimits.*.soft build.ulimits.*.hard"),
    **_for_keys(_INTEGER_RULE, "services.*.deploy", "replicas restart_policy.max_attempts"),
    **_for_keys(_INTEGER_RULE, "services.*.deploy", "placement.max_replicas_per_node resources.limits.pids"),
    **{f"{path}.parallelism": _INTEGER_RULE for path in _UPDATE},
    **_for_keys(_INTEGER_RULE, _BLKIO, "weight weight_device.*.weight"),
    **_for_keys(_DECIMAL_RULE, "services.*", "cpus cpu_percent"),
    **{f"{path}.max_failure_ratio": _DECIMAL_RULE for path in _UPDATE},
    **_for_keys(_DECIMAL_RULE, "services.*.deploy.resources", "limits.cpus reservations.cpus"),
    **_for_keys(_BYTES, "services.*", "mem_limit mem_reservation shm_size build.shm_size volumes.*.tmpfs.size"),
    **_for_keys(_BYTES_OR_UNLIMITED, "services.*", "memswap_limit"),
    **_for_keys(_BYTES, "services.*.deploy.resources", "limits.memory reservations.memory"),
    **_for_keys(_BYTES, _BLKIO, "device_read_bps.*.rate device_write_bps.*.rate"),
    **_for_keys(_INTEGER_RULE, _BLKIO, "device_read_iops.*.rate device_write_iops.*.rate"),
    **_for_keys(_DURATION, "services.*", "stop_grace_period"),
    **_for_keys(_DURATION, "services.*.healthcheck", "interval timeout start_period start_interval"),
    **_for_keys(_DURATION, "services.*.deploy.restart_policy", "delay window"),
    **{f"{path}.{name}": _DURATION for path in _UPDATE for name in ("delay", "monitor")},
    **_for_keys(
        _normalize_boolean, "services.*", "attach init healthcheck.disable oom_kill_disable privileged read_only"
    ),
    **_for_keys(_normalize_boolean, "services.*", "stdin_open tty depends_on.*.restart env_file.*.required"),
    **_for_keys(_normalize_boolean, "services.*", "build.no_cache build.pull build.privileged volumes.*.read_only"),
    **_for_keys(_normalize_boolean, "services.*", "volumes.*.volume.nocopy volumes.*.bind.create_host_path"),
    **_for_keys(_normalize_boolean, "services.*", "post_start.*.privileged pre_stop.*.privileged"),
    **_for_keys(_normalize_boolean, "networks.*", "external internal attachable enable_ipv4 enable_ipv6"),
    **{f"{kind}.*.external": _normalize_boolean for kind in ("volumes", "secrets", "configs")},
    **_for_keys(_normalize_mode, "services.*", "configs.*.mode secrets.*.mode build.secrets.*.mode"),
}
"""Rules for the long forms. Sizes and durations keep their notation."""

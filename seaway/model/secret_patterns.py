"""Names and values that look like secrets: one heuristic for the checks and for imports. It never stores a value."""

import math
import re
from collections import Counter

WORDS = (
    r"(?:password|passwd|passphrase|secret|token|credentials?|api[-_]?key|private[-_]?key|access[-_]?key"
    r"|encryption[-_]?key|signing[-_]?key|master[-_]?key)"
)
_NAME = re.compile(rf".*{WORDS}([-_.].+)?|(.*[-_.])?(pw|pwd|pass|dsn)", re.IGNORECASE)
_ABOUT_A_SECRET = re.compile(
    r".*[-_.](file|path|dir|url|uri|host|port|endpoint|issuer|name|id|user|header|type|kind|algorithm|policy|length|min"
    r"|max|count|limit|size|ttl|expiry|expires|expiration|lifetime|timeout|interval|seconds|minutes|hours|days|enabled"
    r"|required|prefix|suffix)(_in)?",
    re.IGNORECASE,
)
"""`TOKEN_URL`, `PASSWORD_FILE`: the last word says what about the secret it is."""

_NOT_A_SECRET = re.compile(r"true|false|yes|no|on|off|[01]|none|null|\$.*|/.*|", re.IGNORECASE)
"""A switch, a reference to another variable, or a path to the value."""

_URL_PASSWORD = re.compile(r"://[^/\s:@]*:(?!\$)[^/\s@]+@|^[^/\s:@]+:(?!\$)[^/\s@]+@(tcp|unix)\(")
_DSN_PASSWORD = re.compile(r"(^|[;\s])(password|pwd|accountkey)\s*=\s*[^;\s'\"$][^;\s]*", re.IGNORECASE)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----")
_KNOWN_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}"
    r"|[rsp]k_(live|test)_\w{10,}|sk-[\w-]{20,}|A[KS]IA[0-9A-Z]{16}|AIza[\w-]{30,}|npm_[A-Za-z0-9]{20,}|pypi-[\w-]{16,}"
    r"|hv[sb]\.[\w-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,}|dckr_pat_[\w-]{20,}|shp(at|ss)_\w{20,}|ya29\.[\w-]{20,}"
    r"|whsec_[\w+/=]{16,}|do[opr]_v1_\w{20,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]*)"
)
"""Tokens that have the prefix of their issuer, and signed JSON Web Tokens."""

_RANDOM = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])(base64:)?[A-Za-z0-9+_-][A-Za-z0-9+/_-]{22,}={0,2}")
MIN_ENTROPY = 4.2
"""Bits per character of a random value. Words and identifiers have less."""


def has_secret_name(name: str) -> bool:
    """Whether the name of a variable says that its value is a secret: ``DB_PASSWORD``, not ``PASSWORD_FILE``."""
    snake_case = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return bool(_NAME.fullmatch(snake_case)) and not _ABOUT_A_SECRET.fullmatch(snake_case)


def contains_credentials(text: str) -> bool:
    """Whether a text contains a password in a URL, a private key, or a token with a known prefix."""
    return any(pattern.search(text) for pattern in (_URL_PASSWORD, _PRIVATE_KEY, _KNOWN_TOKEN))


def is_named_secret(name: str, content: str) -> bool:
    """Whether a variable has the name of a secret, and a value that may be one."""
    return has_secret_name(name) and not _NOT_A_SECRET.fullmatch(content)


def is_secret(name: str, content: str) -> bool:
    """Whether a variable is named like a secret, or its value looks like one."""
    return (
        is_named_secret(name, content)
        or contains_credentials(content)
        or bool(_DSN_PASSWORD.search(content))
        or (bool(_RANDOM.fullmatch(content)) and _compute_entropy(content) >= MIN_ENTROPY)
    )


def _compute_entropy(text: str) -> float:
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())

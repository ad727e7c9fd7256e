"""Names and values that look like secrets: one heuristic for the checks and for imports. It never stores a value."""

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

WORDS = (
    r"(?:password|passwd|passphrase|secret|token|credentials?|api[-_]?key|private[-_]?key|access[-_]?key"
    r"|encryption[-_]?key|signing[-_]?key|master[-_]?key|requirepass|masterauth)"
)
_NAME = re.compile(rf".*{WORDS}([-_.].+)?|(.*[-_.])?(pw|pwd|pass|dsn)", re.IGNORECASE)
_ABOUT_A_SECRET = re.compile(
    r".*[-_.](file|path|dir|url|uri|host|port|endpoint|issuer|name|id|user|header|type|kind|algorithm|policy|length|min"
    r"|max|count|limit|size|ttl|expiry|expires|expiration|lifetime|timeout|interval|seconds|minutes|hours|days|enabled"
    r"|required|prefix|suffix"
    r"|stdin|prompt|env|var)(_in)?",
    re.IGNORECASE,
)
"""`TOKEN_URL`, `PASSWORD_FILE`: the last word says what about the secret it is."""

_NOT_A_SECRET = re.compile(r"true|false|yes|no|on|off|[01]|none|null|\$.*|/.*|", re.IGNORECASE)
"""A switch, a reference to another variable, or a path to the value."""

_URL_PASSWORD = re.compile(r"://[^/\s:@]*:(?P<secret>(?!['\"]*\$)[^/\s@]+)@|^[^/\s:@]+:(?!\$)[^/\s@]+@(tcp|unix)\(")
_DSN_PASSWORD = re.compile(r"(^|[;\s])(password|pwd|accountkey)\s*=\s*[^;\s'\"$][^;\s]*", re.IGNORECASE)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----")
_SECRET_LINE = re.compile(
    rf"""^\s*["']?[-\w.]*{WORDS}["']?\s*[:=]\s*["']?[^\s"'$<{{\[/#][^\s"']*""", re.IGNORECASE | re.MULTILINE
)
_KNOWN_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}"
    r"|[rsp]k_(live|test)_\w{10,}|sk-[\w-]{20,}|A[KS]IA[0-9A-Z]{16}|AIza[\w-]{30,}|npm_[A-Za-z0-9]{20,}|pypi-[\w-]{16,}"
    r"|hv[sb]\.[\w-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,}|dckr_pat_[\w-]{20,}|shp(at|ss)_\w{20,}|ya29\.[\w-]{20,}"
    r"|whsec_[\w+/=]{16,}|do[opr]_v1_\w{20,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]*)"
)
"""Tokens that have the prefix of their issuer, and signed JSON Web Tokens."""

_RANDOM = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])(base64:)?[A-Za-z0-9+_-][A-Za-z0-9+/_-]{22,}={0,2}")
_WORD_END = "\x1f"
"""Separates the words of a command: white space for the patterns, and in no text of a user."""

_OPTION = re.compile(r"(?<![\w$/{-])(?P<name>--?[A-Za-z][\w.-]{0,100}(?:=|\s+)|[A-Za-z_][\w.]{0,100}=)")
"""An option or a variable that an argument follows."""

_ARGUMENT = re.compile(rf"""(?<={_WORD_END})[^{_WORD_END}]+|"[^"{_WORD_END}]+"|'[^'{_WORD_END}]+'|[^\s"';|&)<>]+""")
_REST = re.compile(rf"[^\s{_WORD_END}]+(?=$|{_WORD_END})")
"""In a word as `--option=x`: no shell reads it, so the argument has no end before that of the word."""

_PROGRAM_OPTION = re.compile(
    r"\b(?:(?:redis|valkey)-cli\b[^;|&]{0,200}?\s-a\s+|(?:mongo|mongosh)\b[^;|&]{0,200}?\s-p\s+|sshpass\s+-p\s*"
    r"|(?:mysql|mariadb)[\w-]{0,20}\s(?:[^;|&]{0,200}?\s)?-p|curl\b[^;|&]{0,200}?\s(?:-u|--user)\s*[\"']?[^\s:]{1,100}:)"
)
"""The short options of programs that are common in Compose files."""

_SWITCH = re.compile(r"(no|without|skip|ask|disable|enable|use|show|hide|allow|print)[-_].*", re.IGNORECASE)
"""`--no-password`, `--ask-pass`: the next word is not its value."""

_FILE = re.compile(r"(\.{1,2}|~)/.*|[\w./-]+\.(pem|key|crt|json|ya?ml|txt|conf)|(env|file):.*")
"""The argument names the place of the secret."""

MIN_ENTROPY = 4.2
"""Bits per character of a random value. Words and identifiers have less."""


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """A secret in a word of a command."""

    word: int
    start: int
    end: int
    name: str
    """The name of the option or variable; `password` or `token` if there is none."""


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


def contains_line(text: str) -> bool:
    """Whether a line of a configuration file gives a secret a value, or contains credentials."""
    return bool(_SECRET_LINE.search(text)) or contains_credentials(text)


def find_in_command(words: Sequence[str]) -> list[Span]:
    """The secrets in the words of a command, or in a script that is one word: sorted, without overlaps."""
    text = _WORD_END.join(words)
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word) + 1)
    spans: list[Span] = []
    for start, end, name in sorted(_find_spans(text), key=lambda span: (span[0], -span[1])):
        word = max(index for index, first in enumerate(starts) if first <= start)
        span = Span(word, start - starts[word], min(end - starts[word], len(words[word])), name)
        if not spans or spans[-1].word != word or spans[-1].end <= span.start:
            spans.append(span)
    return spans


def _find_spans(text: str) -> Iterator[tuple[int, int, str]]:
    end = 0
    for match in _OPTION.finditer(text):
        name = match["name"].strip("-= \t\n" + _WORD_END)
        if match.end() >= end and has_secret_name(name) and not _SWITCH.fullmatch(name):
            start, end = _find_argument(text, match)
            content = text[start:end].strip("'\"")
            if not content.startswith("-") and not _FILE.fullmatch(content) and not _NOT_A_SECRET.fullmatch(content):
                yield start, end, name
    for match in _PROGRAM_OPTION.finditer(text):
        start, end = _find_argument(text, match)
        content = text[start:end].strip("'\"")
        if not _NOT_A_SECRET.fullmatch(content) and not content.startswith("-"):
            yield start, end, "password"
    for match in _URL_PASSWORD.finditer(text):
        if match["secret"]:
            yield *match.span("secret"), "password"
    for match in _KNOWN_TOKEN.finditer(text):
        yield *match.span(), "token"


def _find_argument(text: str, option: re.Match[str]) -> tuple[int, int]:
    """Start and end of the argument behind an option, without quotes; both the same: there is none."""
    is_word = option.start() == 0 or text[option.start() - 1] == _WORD_END
    rest = (
        _REST.match(text, option.end()) if is_word and option[0].startswith("-") and option[0].endswith("=") else None
    )
    match = rest or _ARGUMENT.match(text, option.end())
    if match is None:
        return option.end(), option.end()
    start, end = match.span()
    is_quoted = text[start] in "'\"" and text[start] == text[end - 1] and end - start > 2
    return (start + 1, end - 1) if is_quoted else (start, end)


def _compute_entropy(text: str) -> float:
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())

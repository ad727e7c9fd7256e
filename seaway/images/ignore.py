"""``.dockerignore``, with Docker's own rules, which are not those of ``.gitignore``.

A pattern counts from the root of the context, a matched folder takes all that is in it, and the last line that
matches decides. https://docs.docker.com/build/concepts/context/#dockerignore-files
"""

import dataclasses
import posixpath
import re


@dataclasses.dataclass(frozen=True, slots=True)
class _Rule:
    pattern: str
    regex: re.Pattern[str]
    keeps: bool


class Ignore:
    """The rules of one file; paths are relative to the context, with slashes."""

    def __init__(self, text: str = "") -> None:
        self._rules = tuple(rule for line in text.removeprefix("\ufeff").splitlines() if (rule := _rule(line)))

    def excludes(self, path: str) -> bool:
        """Whether the file or folder stays out of the build."""
        out = False
        for rule in self._rules:
            if out == rule.keeps and rule.regex.fullmatch(path):
                out = not rule.keeps
        return out

    def prunes(self, folder: str) -> bool:
        """Whether nothing below the folder can be part of the build, so that it need not be read."""
        if not self.excludes(folder):
            return False
        return not any(rule.keeps and _may_match_below(rule.pattern, folder) for rule in self._rules)


def _rule(line: str) -> _Rule | None:
    if line.startswith("#"):
        return None
    pattern = line.strip()
    keeps = pattern.startswith("!")
    if keeps:
        pattern = pattern[1:].strip()
    if not pattern:
        return None
    pattern = posixpath.normpath(pattern).lstrip("/")
    if pattern in {"", "."}:
        return None
    return _Rule(pattern, re.compile(_regex(pattern)), keeps)


def _may_match_below(pattern: str, folder: str) -> bool:
    literal = re.split(r"[*?\[\\]", pattern, maxsplit=1)[0]
    return f"{literal}/".startswith(f"{folder}/") or f"{folder}/".startswith(literal)


_TOKENS = re.compile(r"(?P<deep>\*\*/?)|(?P<star>\*)|(?P<one>\?)|(?P<set>\[\^?[^\]]+\])|\\(?P<escaped>.)|(?P<plain>.)")


def _regex(pattern: str) -> str:
    """Go's `filepath.Match` with `**`, and everything below what is matched."""
    parts: list[str] = []
    for token in _TOKENS.finditer(pattern):
        match token.lastgroup:
            case "deep":
                # `**/x` is also `x` itself.
                parts.append("(?:.*/)?" if token[0].endswith("/") else ".*")
            case "star":
                parts.append("[^/]*")
            case "one":
                parts.append("[^/]")
            case "set":
                parts.append(token[0])
            case _:
                parts.append(re.escape(token["escaped"] or token[0]))
    return "".join(parts) + "(?:/.*)?"

"""``.dockerignore``, with the rules of Docker, which differ from those of ``.gitignore``.

A pattern is relative to the root of the context, a matching folder includes its contents, and the last match decides. https://docs.docker.com/build/concepts/context/#dockerignore-files
"""

import dataclasses
import posixpath
import re
from collections.abc import Iterator

from seaway.syntax import diagnosis


@dataclasses.dataclass(frozen=True, slots=True)
class _Rule:
    pattern: str
    matcher: "_Matcher"
    is_exception: bool
    location: diagnosis.SourceLocation
    text: str


class IgnoreRules:
    """The rules of one file; paths are relative to the context, with slashes."""

    def __init__(self, text: str = "", *, file: str = ".dockerignore") -> None:
        rules: list[_Rule] = []
        diagnostics: list[diagnosis.Diagnostic] = []
        for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
            location = diagnosis.SourceLocation(file, number)
            try:
                rule = _parse_rule(line, location)
            except _InvalidPattern as error:
                diagnostics.append(diagnosis.Diagnostic(location, "", error.message, error.hint, "invalid-pattern"))
            else:
                rules += [rule] if rule else []
        if diagnostics:
            raise diagnosis.InvalidInput(diagnostics)
        self._rules = tuple(rules)

    def excludes(self, path: str) -> bool:
        """Whether the file or folder is not sent."""
        return self.find_excluding_rule(path) is not None

    def find_excluding_rule(self, path: str) -> tuple[diagnosis.SourceLocation, str] | None:
        """The location and the text of the rule because of which a file or folder is not sent; None: it is sent."""
        decisive: _Rule | None = None
        for rule in self._rules:
            if (decisive is not None) == rule.is_exception and rule.matcher.matches(path):
                decisive = None if rule.is_exception else rule
        return None if decisive is None else (decisive.location, decisive.text)

    def prunes(self, folder: str) -> bool:
        """Whether no file below the folder can be sent, so that the folder need not be read."""
        if not self.excludes(folder):
            return False
        return not any(rule.is_exception and _may_match_below(rule.pattern, folder) for rule in self._rules)


class _InvalidPattern(Exception):  # noqa: N818 - describes the pattern
    def __init__(self, pattern: str, reason: str, hint: str) -> None:
        self.message = f"{diagnosis.quote(pattern)} is not a valid pattern: {reason}"
        self.hint = hint
        super().__init__(self.message)


def _parse_rule(line: str, location: diagnosis.SourceLocation) -> _Rule | None:
    if line.startswith("#"):
        return None
    pattern = line.strip()
    is_exception = pattern.startswith("!")
    if is_exception:
        pattern = pattern[1:].strip()
        if not pattern:
            raise _InvalidPattern("!", "it names nothing", "write a pattern after the `!`, or remove the line")
    if not pattern:
        return None
    pattern = posixpath.normpath(pattern).lstrip("/")
    if pattern in {"", "."}:
        return None
    return _Rule(pattern, _Matcher(pattern), is_exception, location, line.strip())


def _may_match_below(pattern: str, folder: str) -> bool:
    literal = re.split(r"[*?\[\\]", pattern, maxsplit=1)[0]
    return f"{literal}/".startswith(f"{folder}/") or f"{folder}/".startswith(literal)


_TOKENS = re.compile(
    r"(?P<deep>\*\*/?)|(?P<star>\*)|(?P<any>\?)|\[(?P<set>\^?+(?:\\.|[^\\\]])+)\]|\\(?P<escaped>.)|(?P<plain>.)"
)

_RANGE = re.compile(r"(?P<low>\\.|[^\\-])(?:-(?P<high>\\.|[^\\-]))?")


_STAR, _DEEP, _ENTER, _INSIDE = "*", "**", "**/", "**/ inside"
_BELOW = -1
"""The state of a path below a match."""


class _Matcher:
    """Go's `filepath.Match` with `**`, and all paths below a match.

    A pattern is a sequence of tokens, a state the set of positions in it that a path may have reached. Transitions are
    cached, so a path takes one step per character, whatever the pattern.
    """

    def __init__(self, pattern: str) -> None:
        self._tokens = tuple(_parse_tokens(pattern))
        self._first = self._add_reachable([0])
        self._steps: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def matches(self, path: str) -> bool:
        state = self._first
        for character in path:
            known = self._steps.get((state, character))
            if known is None:
                known = self._steps[state, character] = self._advance(state, character)
            state = known
            if not state or _BELOW in state:
                return bool(state)
        return len(self._tokens) in state

    def _advance(self, state: frozenset[int], character: str) -> frozenset[int]:
        after: list[int] = []
        for at in state:
            token = self._tokens[at] if at < len(self._tokens) else None
            match token:
                case None:
                    after += [_BELOW] if character == "/" else []
                case "*":
                    after += [] if character == "/" else [at]
                case "**":
                    after.append(at)
                case "**/ inside":
                    after += [at, at + 1] if character == "/" else [at]
                case re.Pattern():
                    after += [at + 1] if token.fullmatch(character) else []
                case _:
                    pass  # _ENTER: the positions that it leads to are in the state too
        return self._add_reachable(after)

    def _add_reachable(self, state: list[int]) -> frozenset[int]:
        """The state with the positions that can be reached without a character: each `*` may match nothing."""
        reachable = set[int]()
        while state:
            at = state.pop()
            if at not in reachable:
                reachable.add(at)
                token = self._tokens[at] if 0 <= at < len(self._tokens) else None
                state += [at + 1] if token in (_STAR, _DEEP) else [at + 1, at + 2] if token == _ENTER else []
        return frozenset(reachable)


def _parse_tokens(pattern: str) -> Iterator[str | re.Pattern[str]]:
    for token in _TOKENS.finditer(pattern):
        match token.lastgroup:
            case "deep":
                # `**/x` also matches `x`.
                yield from (_ENTER, _INSIDE) if token[0].endswith("/") else (_DEEP,)
            case "star":
                yield _STAR
            case "any":
                yield re.compile("[^/]")
            case "set":
                yield re.compile(_translate_set(pattern, token["set"]))
            case "plain" if token[0] == "[":
                hint = "close it with `]`, or write `\\[` for the character itself"
                raise _InvalidPattern(pattern, "its `[` starts no set of characters", hint)
            case "plain" if token[0] == "\\":
                raise _InvalidPattern(pattern, "nothing follows its last `\\`", "write `\\\\` for the character itself")
            case _:
                yield re.compile(re.escape(token["escaped"] or token[0]))


def _translate_set(pattern: str, text: str) -> str:
    """A set of characters as a regular expression, without characters that are special in Python only."""
    members = text.removeprefix("^")
    parts: list[str] = []
    at = 0
    while at < len(members):
        match = _RANGE.match(members, at)
        if match is None:
            hint = "write `\\-` for the character itself"
            raise _InvalidPattern(pattern, f"a `-` in [{text}] has nothing on one side", hint)
        low, high = match["low"][-1], (match["high"] or match["low"])[-1]
        if low > high:
            raise _InvalidPattern(pattern, f"the range {low}-{high} is empty", f"write [{high}-{low}]")
        parts.append(f"{re.escape(low)}-{re.escape(high)}")
        at = match.end()
    return f"[{'^' if text.startswith('^') else ''}{''.join(parts)}]"

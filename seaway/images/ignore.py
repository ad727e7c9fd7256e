"""``.dockerignore``, with Docker's own rules, which are not those of ``.gitignore``.

A pattern counts from the root of the context, a matched folder takes all that is in it, and the last line that
matches decides. https://docs.docker.com/build/concepts/context/#dockerignore-files
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


class IgnoreRules:
    """The rules of one file; paths are relative to the context, with slashes.

    ``file`` is where the text is from. Raises Invalid with all patterns that are none; Docker refuses them too.
    """

    def __init__(self, text: str = "", *, file: str = ".dockerignore") -> None:
        rules: list[_Rule] = []
        wrong: list[diagnosis.Diagnostic] = []
        for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
            try:
                rule = _parse_rule(line)
            except _InvalidPattern as error:
                wrong.append(
                    diagnosis.Diagnostic(diagnosis.SourceLocation(file, number), "", error.message, error.hint)
                )
            else:
                rules += [rule] if rule else []
        if wrong:
            raise diagnosis.InvalidInput(wrong)
        self._rules = tuple(rules)

    def excludes(self, path: str) -> bool:
        """Whether the file or folder stays out of the build."""
        out = False
        for rule in self._rules:
            if out == rule.is_exception and rule.matcher.matches(path):
                out = not rule.is_exception
        return out

    def prunes(self, folder: str) -> bool:
        """Whether nothing below the folder can be part of the build, so that it need not be read."""
        if not self.excludes(folder):
            return False
        return not any(rule.is_exception and _may_match_below(rule.pattern, folder) for rule in self._rules)


class _InvalidPattern(Exception):  # noqa: N818 - it says what the line is
    def __init__(self, pattern: str, why: str, remedy: str) -> None:
        self.message = f"{diagnosis.quote(pattern)} is no pattern: {why}"
        self.hint = remedy
        super().__init__(self.message)


def _parse_rule(line: str) -> _Rule | None:
    if line.startswith("#"):
        return None
    pattern = line.strip()
    keeps = pattern.startswith("!")
    if keeps:
        pattern = pattern[1:].strip()
        if not pattern:
            raise _InvalidPattern("!", "it names nothing", "name what is kept behind the `!`, or remove the line")
    if not pattern:
        return None
    pattern = posixpath.normpath(pattern).lstrip("/")
    if pattern in {"", "."}:
        return None
    return _Rule(pattern, _Matcher(pattern), keeps)


def _may_match_below(pattern: str, folder: str) -> bool:
    literal = re.split(r"[*?\[\\]", pattern, maxsplit=1)[0]
    return f"{literal}/".startswith(f"{folder}/") or f"{folder}/".startswith(literal)


_TOKENS = re.compile(
    r"(?P<deep>\*\*/?)|(?P<star>\*)|(?P<one>\?)|\[(?P<set>\^?+(?:\\.|[^\\\]])+)\]|\\(?P<escaped>.)|(?P<plain>.)"
)

_RANGE = re.compile(r"(?P<low>\\.|[^\\-])(?:-(?P<high>\\.|[^\\-]))?")


_STAR, _DEEP, _ENTER, _INSIDE = "*", "**", "**/", "**/ inside"
_BELOW = -1
"""The state of a path that is below what is matched."""


class _Matcher:
    """Go's `filepath.Match` with `**`, and everything below what is matched.

    A pattern is a row of tokens, and a state the positions in it that a path may have reached. What a character makes
    of a state is worked out once. So a path takes as many steps as it has characters, whatever the pattern.
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
                    pass  # _ENTER: what it leads to is in the state too
        return self._add_reachable(after)

    def _add_reachable(self, state: list[int]) -> frozenset[int]:
        """The state with what can be reached from it without a character: each `*` may stand for nothing."""
        found = set[int]()
        while state:
            at = state.pop()
            if at not in found:
                found.add(at)
                token = self._tokens[at] if 0 <= at < len(self._tokens) else None
                state += [at + 1] if token in (_STAR, _DEEP) else [at + 1, at + 2] if token == _ENTER else []
        return frozenset(found)


def _parse_tokens(pattern: str) -> Iterator[str | re.Pattern[str]]:
    for token in _TOKENS.finditer(pattern):
        match token.lastgroup:
            case "deep":
                # `**/x` is also `x` itself.
                yield from (_ENTER, _INSIDE) if token[0].endswith("/") else (_DEEP,)
            case "star":
                yield _STAR
            case "one":
                yield re.compile("[^/]")
            case "set":
                yield re.compile(_translate_set(pattern, token["set"]))
            case "plain" if token[0] == "[":
                remedy = "close it with `]`, or write `\\[` for the character itself"
                raise _InvalidPattern(pattern, "its `[` begins no set of characters", remedy)
            case "plain" if token[0] == "\\":
                raise _InvalidPattern(pattern, "nothing follows its last `\\`", "write `\\\\` for the character itself")
            case _:
                yield re.compile(re.escape(token["escaped"] or token[0]))


def _translate_set(pattern: str, text: str) -> str:
    """A set of characters, with nothing left that only Python would take for more than a character."""
    items = text.removeprefix("^")
    parts: list[str] = []
    at = 0
    while at < len(items):
        match = _RANGE.match(items, at)
        if match is None:
            remedy = "write `\\-` for the character itself"
            raise _InvalidPattern(pattern, f"a `-` in [{text}] has nothing on one side", remedy)
        low, high = match["low"][-1], (match["high"] or match["low"])[-1]
        if low > high:
            raise _InvalidPattern(pattern, f"the range {low}-{high} is empty", f"write [{high}-{low}]")
        parts.append(f"{re.escape(low)}-{re.escape(high)}")
        at = match.end()
    return f"[{'^' if text.startswith('^') else ''}{''.join(parts)}]"

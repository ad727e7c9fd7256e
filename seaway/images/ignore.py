"""``.dockerignore``, with Docker's own rules, which are not those of ``.gitignore``.

A pattern counts from the root of the context, a matched folder takes all that is in it, and the last line that
matches decides. https://docs.docker.com/build/concepts/context/#dockerignore-files
"""

import dataclasses
import posixpath
import re

from seaway.model import problems


@dataclasses.dataclass(frozen=True, slots=True)
class _Rule:
    pattern: str
    regex: re.Pattern[str]
    keeps: bool


class Ignore:
    """The rules of one file; paths are relative to the context, with slashes.

    ``file`` is where the text is from. Raises Invalid with all patterns that are none; Docker refuses them too.
    """

    def __init__(self, text: str = "", *, file: str = ".dockerignore") -> None:
        rules: list[_Rule] = []
        wrong: list[problems.Problem] = []
        for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
            try:
                rule = _rule(line)
            except _BadPattern as error:
                wrong.append(problems.Problem(problems.Place(file, number), "", error.wrong, error.remedy))
            else:
                rules += [rule] if rule else []
        if wrong:
            raise problems.Invalid(wrong)
        self._rules = tuple(rules)

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


class _BadPattern(Exception):  # noqa: N818 - it says what the line is
    def __init__(self, pattern: str, why: str, remedy: str) -> None:
        self.wrong = f"{problems.quoted(pattern)} is no pattern: {why}"
        self.remedy = remedy
        super().__init__(self.wrong)


def _rule(line: str) -> _Rule | None:
    if line.startswith("#"):
        return None
    pattern = line.strip()
    keeps = pattern.startswith("!")
    if keeps:
        pattern = pattern[1:].strip()
        if not pattern:
            raise _BadPattern("!", "it names nothing", "name what is kept behind the `!`, or remove the line")
    if not pattern:
        return None
    pattern = posixpath.normpath(pattern).lstrip("/")
    if pattern in {"", "."}:
        return None
    return _Rule(pattern, re.compile(_regex(pattern)), keeps)


def _may_match_below(pattern: str, folder: str) -> bool:
    literal = re.split(r"[*?\[\\]", pattern, maxsplit=1)[0]
    return f"{literal}/".startswith(f"{folder}/") or f"{folder}/".startswith(literal)


_TOKENS = re.compile(
    r"(?P<deep>\*\*/?)|(?P<star>\*)|(?P<one>\?)|\[(?P<set>\^?+(?:\\.|[^\\\]])+)\]|\\(?P<escaped>.)|(?P<plain>.)"
)

_RANGE = re.compile(r"(?P<low>\\.|[^\\-])(?:-(?P<high>\\.|[^\\-]))?")


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
                parts.append(_set(pattern, token["set"]))
            case "plain" if token[0] == "[":
                remedy = "close it with `]`, or write `\\[` for the character itself"
                raise _BadPattern(pattern, "its `[` begins no set of characters", remedy)
            case "plain" if token[0] == "\\":
                raise _BadPattern(pattern, "nothing follows its last `\\`", "write `\\\\` for the character itself")
            case _:
                parts.append(re.escape(token["escaped"] or token[0]))
    return "".join(parts) + "(?:/.*)?"


def _set(pattern: str, text: str) -> str:
    """A set of characters, with nothing left that only Python would take for more than a character."""
    items = text.removeprefix("^")
    parts: list[str] = []
    at = 0
    while at < len(items):
        match = _RANGE.match(items, at)
        if match is None:
            remedy = "write `\\-` for the character itself"
            raise _BadPattern(pattern, f"a `-` in [{text}] has nothing on one side", remedy)
        low, high = match["low"][-1], (match["high"] or match["low"])[-1]
        if low > high:
            raise _BadPattern(pattern, f"the range {low}-{high} is empty", f"write [{high}-{low}]")
        parts.append(f"{re.escape(low)}-{re.escape(high)}")
        at = match.end()
    return f"[{'^' if text.startswith('^') else ''}{''.join(parts)}]"

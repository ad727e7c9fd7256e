"""The summary as Markdown, for a comment of a pull request. No value in it ends a table, makes a link or calls people.

GitHub's dialect, which GitLab reads too. https://github.github.com/gfm/
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from seaway.review import change, summary
from seaway.rollout import status
from seaway.syntax import diagnosis

LIMIT = 60_000
"""Characters: GitHub takes 65,536 in a comment."""

LONGEST = 200
"""Characters of a value in a table."""

LINES = 80
"""Of the difference of two texts."""

ERRORS = 10_000
"""Characters of what a failed preview said."""

INLINE = 2
"""Fields that stand in the table of changes; more of them unfold."""

_PLAIN = re.compile(r"[A-Za-z0-9 ._/:;=,@+(){}\[\]\"'*#%?&<>$~^!…→ -]+")
"""What means nothing in a code span: all but backticks, pipes, backslashes and what is invisible."""

_LOUD = (change.Impact.OUTAGE, change.Impact.DATA_LOSS)


def marker(stack: str) -> str:
    """The comment's first line: whoever writes the next one finds it by this."""
    return f"<!-- seaway preview {re.sub(r'[^A-Za-z0-9._/-]|--+', '_', stack)} -->"


def document(one: summary.Summary) -> str:
    """All of it, at most ``LIMIT`` characters; what was cut is said."""
    head = [marker(one.stack), f"### {text(one.headline)}", "", *_first(one), ""]
    return _bounded("\n".join(head), list(_parts(one)))


def failure(stack: str, said: str) -> str:
    """Instead of a summary where there is none: a comment of the run before must not go on saying that all is well."""
    return "\n".join([marker(stack), f"### Stack {text(stack)}: the preview failed", "", *_fenced(_cut(said), ""), ""])


def _cut(said: str) -> str:
    said = "\n".join(map(diagnosis.visible, said.strip().split("\n")))
    return said if len(said) <= ERRORS else f"{said[:ERRORS]}\n… {len(said) - ERRORS} characters more"


def text(said: str) -> str:
    """Words for people, with nothing in them that Markdown, HTML or GitHub would take for its own."""
    shown = "".join(f"&#{ord(c)};" if c in "\\`*_[]<>|~&@#$!" else c for c in diagnosis.visible(said))
    # A mention is found in what was rendered; so is an address.
    return re.sub(r"&#64;", "&#64;&#8203;", shown).replace("://", "&#58;//").replace("www.", "www&#46;")


def code(said: str) -> str:
    """A value, exactly as it is, in one line."""
    shown = diagnosis.visible(said)
    shown = shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"
    if not shown.strip():
        return '`""`' if not shown else f'`"{shown}"`'
    if _PLAIN.fullmatch(shown):
        pad = " " if shown[0] == shown[-1] == " " else ""  # a blank at both ends is taken off
        return f"`{pad}{shown}{pad}`"
    coded = "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in shown)
    return f"<code>{coded}</code>"


def value(said: Any, path: str = "") -> str:
    """The value of a field in a table."""
    if said is None:
        return "-"
    if path.endswith("].image"):
        said = status.short(str(said))
    return code(said if isinstance(said, str) else json.dumps(said, ensure_ascii=False))


def _first(one: summary.Summary) -> Iterator[str]:
    if one.blocked:
        yield f"**{text(one.blocked)}**"
    elif one.errors:
        yield "What the preview did not come to is not known."
    elif all(each.impact < change.Impact.OUTAGE for each in one.changes):
        yield "No outage, no loss of data."
    yield ""
    yield f"_{text(one.source)}_"
    if one.errors:
        yield from ["", *_fenced(_cut("\n".join(one.errors)), "")]


def _parts(one: summary.Summary) -> Iterator[tuple[str, Sequence[str]]]:
    """What comes after the head, the most important first: beginning, and pieces that may be left out."""
    if one.changes:
        blocked = set(map(id, one.verdict.blocked))
        rows = (_row(each, blocked=id(each) in blocked) for each in one.changes)
        yield "\n|  | object | what changes | impact |\n|---|---|---|---|\n", list(rows)
    if one.images:
        rows = [
            f"| {code(each.name)} | {value(each.old)} | {value(each.new)} | {text(each.why or '-')} |\n"
            for each in one.images
        ]
        yield "\n| image | old | new | because |\n|---|---|---|---|\n", rows
    lines = list(map(_item, one.notes))
    if one.checks:
        lines += [f"**refused**: {text(each)}" for each in one.checks.refused]
        lines.append(text(one.checks.summary))
    if lines:
        yield "\n", [f"- {line}\n" for line in lines]
    details = [
        _details(each) for each in one.changes if len(each.fields) > INLINE or any(field.text for field in each.fields)
    ]
    if one.checks and one.checks.advice:
        listed = "".join(f"- {_item(each)}\n" for each in one.checks.advice)
        details.append(f"<details>\n<summary>what the checks advise</summary>\n\n{listed}\n</details>\n")
    if details:
        yield "\n", details


def _item(said: str) -> str:
    """Of a list. Its first character must not begin a list of its own, or a line."""
    shown = text(said.strip()) or "-"
    return shown if shown[0].isalpha() or shown[0] == "&" else f"&#{ord(shown[0])};{shown[1:]}"


def _row(one: change.Change, *, blocked: bool) -> str:
    if not one.fields:
        what = "-"
    elif len(one.fields) > INLINE:
        what = f"{len(one.fields)} fields, below"
    else:
        what = "<br>".join(f"{code(each.path)}: {_turn(each)}" for each in one.fields)
    mark = " (blocked)" if blocked else ""
    level = f"**{one.impact.label}**" if one.impact in _LOUD else one.impact.label
    impact = ": ".join(filter(None, [level + mark if one.impact else "", text(one.reason)])) or "-"
    return f"| {one.op} | {code(one.title)} | {what} | {impact} |\n"


def _turn(one: change.Field) -> str:
    return "text, below" if one.text else f"{value(one.old, one.path)} → {value(one.new, one.path)}"


def _details(one: change.Change) -> str:
    """All fields of a change, to be unfolded."""
    count = "1 field" if len(one.fields) == 1 else f"{len(one.fields)} fields"
    lines = ["<details>", f"<summary>{text(one.title)}: {count}</summary>", ""]
    short = [each for each in one.fields if not each.text]
    if short:
        lines += ["| field | old | new |", "|---|---|---|"]
        lines += [
            f"| {code(each.path)} | {value(each.old, each.path)} | {value(each.new, each.path)} |" for each in short
        ]
    for each in one.fields:
        if each.text:
            lines += ["", code(each.path), "", *_fenced(_diff(each), "diff")]
    return "\n".join([*lines, "", "</details>", "", ""])


def _diff(one: change.Field) -> str:
    found = one.lines()
    more = [f"… {len(found) - LINES} lines more"] if len(found) > LINES else []
    lines = map(diagnosis.visible, [*found[:LINES], *more])
    return "\n".join(line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…" for line in lines)


def _fenced(said: str, language: str) -> list[str]:
    """A block of lines, all visible. Its fence is longer than any in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", said)), default=0))
    return [f"{fence}{language}", said, fence]


def _bounded(head: str, parts: Sequence[tuple[str, Sequence[str]]]) -> str:
    made, left_out = head, 0
    for before, pieces in parts:
        fitting: list[str] = []
        room = LIMIT - 200 - len(made) - len(before)
        for piece in pieces:
            if len(piece) > room:
                left_out += 1
            else:
                fitting.append(piece)
                room -= len(piece)
        if fitting:
            made += before + "".join(fitting)
    if left_out:
        made += f"\n**{left_out} entries do not fit into a comment and were left out: `seaway preview` shows all.**\n"
    return made

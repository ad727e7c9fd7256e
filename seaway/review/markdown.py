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

MAX_CHARACTERS = 60_000
"""Characters: GitHub takes 65,536 in a comment."""

MAX_VALUE_CHARACTERS = 200
"""Characters of a value in a table."""

MAX_DIFF_LINES = 80
"""Of the difference of two texts."""

MAX_ERROR_CHARACTERS = 10_000
"""Characters of what a failed preview said."""

MAX_INLINE_FIELDS = 2
"""Fields that stand in the table of changes; more of them unfold."""

_PLAIN_CODE = re.compile(r"[A-Za-z0-9 ._/:;=,@+(){}\[\]\"'*#%?&<>$~^!…→ -]+")
"""What means nothing in a code span: all but backticks, pipes, backslashes and what is invisible."""

_SEVERE_IMPACTS = (change.Impact.OUTAGE, change.Impact.DATA_LOSS)


def format_marker(stack: str) -> str:
    """The comment's first line: whoever writes the next one finds it by this."""
    return f"<!-- seaway preview {re.sub(r'[^A-Za-z0-9._/-]|--+', '_', stack)} -->"


def format_document(preview_summary: summary.PreviewSummary) -> str:
    """All of it, at most ``LIMIT`` characters; what was cut is said."""
    head = [
        format_marker(preview_summary.stack),
        f"### {escape_text(preview_summary.headline)}",
        "",
        *_format_head(preview_summary),
        "",
    ]
    return _join_within_limit("\n".join(head), list(_format_parts(preview_summary)))


def format_failure(stack: str, output: str) -> str:
    """Instead of a summary where there is none: a comment of the run before must not go on saying that all is well."""
    return "\n".join(
        [
            format_marker(stack),
            f"### Stack {escape_text(stack)}: the preview failed",
            "",
            *_format_code_block(_truncate(output), ""),
            "",
        ]
    )


def _truncate(said: str) -> str:
    said = "\n".join(map(diagnosis.escape_text, said.strip().split("\n")))
    return (
        said
        if len(said) <= MAX_ERROR_CHARACTERS
        else f"{said[:MAX_ERROR_CHARACTERS]}\n… {len(said) - MAX_ERROR_CHARACTERS} characters more"
    )


def escape_text(text: str) -> str:
    """Words for people, with nothing in them that Markdown, HTML or GitHub would take for its own."""
    shown = "".join(f"&#{ord(c)};" if c in "\\`*_[]<>|~&@#$!" else c for c in diagnosis.escape_text(text))
    # A mention is found in what was rendered; so is an address.
    return re.sub(r"&#64;", "&#64;&#8203;", shown).replace("://", "&#58;//").replace("www.", "www&#46;")


def format_code(text: str) -> str:
    """A value, exactly as it is, in one line."""
    shown = diagnosis.escape_text(text)
    shown = shown if len(shown) <= MAX_VALUE_CHARACTERS else f"{shown[: MAX_VALUE_CHARACTERS - 1]}…"
    if not shown.strip():
        return '`""`' if not shown else f'`"{shown}"`'
    if _PLAIN_CODE.fullmatch(shown):
        pad = " " if shown[0] == shown[-1] == " " else ""  # a blank at both ends is taken off
        return f"`{pad}{shown}{pad}`"
    coded = "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in shown)
    return f"<code>{coded}</code>"


def format_value(field_value: Any, path: str = "") -> str:
    """The value of a field in a table."""
    if field_value is None:
        return "-"
    if path.endswith("].image"):
        field_value = status.shorten_image(str(field_value))
    return format_code(field_value if isinstance(field_value, str) else json.dumps(field_value, ensure_ascii=False))


def _format_head(one: summary.PreviewSummary) -> Iterator[str]:
    if one.blocked_reason:
        yield f"**{escape_text(one.blocked_reason)}**"
    elif one.errors:
        yield "What the preview did not come to is not known."
    elif all(each.impact < change.Impact.OUTAGE for each in one.changes):
        yield "No outage, no loss of data."
    yield ""
    yield f"_{escape_text(one.source)}_"
    if one.errors:
        yield from ["", *_format_code_block(_truncate("\n".join(one.errors)), "")]


def _format_parts(one: summary.PreviewSummary) -> Iterator[tuple[str, Sequence[str]]]:
    """What comes after the head, the most important first: beginning, and pieces that may be left out."""
    if one.changes:
        blocked = set(map(id, one.policy_result.blocked))
        rows = (_format_row(each, blocked=id(each) in blocked) for each in one.changes)
        yield "\n|  | object | what changes | impact |\n|---|---|---|---|\n", list(rows)
    if one.images:
        rows = [
            f"| {format_code(each.name)} | {format_value(each.old)} | {format_value(each.new)} | {escape_text(each.why or '-')} |\n"
            for each in one.images
        ]
        yield "\n| image | old | new | because |\n|---|---|---|---|\n", rows
    lines = list(map(_format_list_line, one.notes))
    if one.checks:
        lines += [f"**refused**: {escape_text(each)}" for each in one.checks.refused]
        lines.append(escape_text(one.checks.summary))
    if lines:
        yield "\n", [f"- {line}\n" for line in lines]
    details = [
        _format_details(each)
        for each in one.changes
        if len(each.fields) > MAX_INLINE_FIELDS or any(field.is_multiline for field in each.fields)
    ]
    if one.checks and one.checks.advice:
        listed = "".join(f"- {_format_list_line(each)}\n" for each in one.checks.advice)
        details.append(f"<details>\n<summary>what the checks advise</summary>\n\n{listed}\n</details>\n")
    if details:
        yield "\n", details


def _format_list_line(said: str) -> str:
    """Of a list. Its first character must not begin a list of its own, or a line."""
    shown = escape_text(said.strip()) or "-"
    return shown if shown[0].isalpha() or shown[0] == "&" else f"&#{ord(shown[0])};{shown[1:]}"


def _format_row(one: change.ObjectChange, *, blocked: bool) -> str:
    if not one.fields:
        what = "-"
    elif len(one.fields) > MAX_INLINE_FIELDS:
        what = f"{len(one.fields)} fields, below"
    else:
        what = "<br>".join(f"{format_code(each.path)}: {_format_field(each)}" for each in one.fields)
    mark = " (blocked)" if blocked else ""
    level = f"**{one.impact.label}**" if one.impact in _SEVERE_IMPACTS else one.impact.label
    impact = ": ".join(filter(None, [level + mark if one.impact else "", escape_text(one.reason)])) or "-"
    return f"| {one.op} | {format_code(one.title)} | {what} | {impact} |\n"


def _format_field(one: change.FieldDiff) -> str:
    return (
        "text, below" if one.is_multiline else f"{format_value(one.old, one.path)} → {format_value(one.new, one.path)}"
    )


def _format_details(one: change.ObjectChange) -> str:
    """All fields of a change, to be unfolded."""
    count = "1 field" if len(one.fields) == 1 else f"{len(one.fields)} fields"
    lines = ["<details>", f"<summary>{escape_text(one.title)}: {count}</summary>", ""]
    short = [each for each in one.fields if not each.is_multiline]
    if short:
        lines += ["| field | old | new |", "|---|---|---|"]
        lines += [
            f"| {format_code(each.path)} | {format_value(each.old, each.path)} | {format_value(each.new, each.path)} |"
            for each in short
        ]
    for each in one.fields:
        if each.is_multiline:
            lines += ["", format_code(each.path), "", *_format_code_block(_format_diff(each), "diff")]
    return "\n".join([*lines, "", "</details>", "", ""])


def _format_diff(one: change.FieldDiff) -> str:
    found = one.diff_lines()
    more = [f"… {len(found) - MAX_DIFF_LINES} lines more"] if len(found) > MAX_DIFF_LINES else []
    lines = map(diagnosis.escape_text, [*found[:MAX_DIFF_LINES], *more])
    return "\n".join(
        line if len(line) <= MAX_VALUE_CHARACTERS else f"{line[: MAX_VALUE_CHARACTERS - 1]}…" for line in lines
    )


def _format_code_block(said: str, language: str) -> list[str]:
    """A block of lines, all visible. Its fence is longer than any in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", said)), default=0))
    return [f"{fence}{language}", said, fence]


def _join_within_limit(head: str, parts: Sequence[tuple[str, Sequence[str]]]) -> str:
    made, left_out = head, 0
    for before, pieces in parts:
        fitting: list[str] = []
        room = MAX_CHARACTERS - 200 - len(made) - len(before)
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

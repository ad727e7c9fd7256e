"""The summary as Markdown, for a comment of a pull request. Values cannot end a table, create a link or mention people.

The dialect is that of GitHub, which GitLab also reads. https://github.github.com/gfm/
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from seaway.review import change, summary
from seaway.rollout import status
from seaway.syntax import diagnosis

MAX_CHARACTERS = 60_000
"""Of a comment: GitHub accepts 65,536."""

MAX_VALUE_CHARACTERS = 200
"""Of a value in a table."""

MAX_DIFF_LINES = 80

MAX_ERROR_CHARACTERS = 10_000
"""Of the output of a failed preview."""

MAX_INLINE_FIELDS = 2
"""Fields in the table of changes; more of them are folded."""

_PLAIN_CODE = re.compile(r"[A-Za-z0-9 ._/:;=,@+(){}\[\]\"'*#%?&<>$~^!…→ -]+")
"""Characters without meaning in a code span: all but backticks, pipes, backslashes and invisible ones."""

_SEVERE_IMPACTS = (change.Impact.OUTAGE, change.Impact.DATA_LOSS)


def format_marker(stack: str) -> str:
    """The first line of the comment, by which the next run finds it."""
    return f"<!-- seaway preview {re.sub(r'[^A-Za-z0-9._/-]|--+', '_', stack)} -->"


def format_document(preview_summary: summary.PreviewSummary) -> str:
    """The whole comment, at most ``MAX_CHARACTERS``; it says how much is left out."""
    head = [format_marker(preview_summary.stack), f"### {escape_text(preview_summary.headline)}", ""]
    head += [*_format_head(preview_summary), ""]
    return _join_within_limit("\n".join(head), list(_format_parts(preview_summary)))


def format_failure(stack: str, output: str) -> str:
    """The comment of a preview that failed: it replaces the summary of an earlier run."""
    title = f"### Stack {escape_text(stack)}: the preview failed"
    return "\n".join([format_marker(stack), title, "", *_format_code_block(_truncate(output), ""), ""])


def _truncate(output: str) -> str:
    output = "\n".join(map(diagnosis.escape_text, output.strip().split("\n")))
    rest = len(output) - MAX_ERROR_CHARACTERS
    return f"{output[:MAX_ERROR_CHARACTERS]}\n… {rest} more characters" if rest > 0 else output


def escape_text(text: str) -> str:
    """Text without Markdown, HTML or GitHub syntax."""
    escaped = "".join(f"&#{ord(c)};" if c in "\\`*_[]<>|~&@#$!" else c for c in diagnosis.escape_text(text))
    # GitHub finds mentions and addresses in the rendered text.
    return re.sub(r"&#64;", "&#64;&#8203;", escaped).replace("://", "&#58;//").replace("www.", "www&#46;")


def format_code(text: str) -> str:
    """A value as code, in one line."""
    escaped = diagnosis.escape_text(text)
    escaped = escaped if len(escaped) <= MAX_VALUE_CHARACTERS else f"{escaped[: MAX_VALUE_CHARACTERS - 1]}…"
    if not escaped.strip():
        return '`""`' if not escaped else f'`"{escaped}"`'
    if _PLAIN_CODE.fullmatch(escaped):
        # A code span loses one blank at both ends.
        pad = " " if escaped[0] == escaped[-1] == " " else ""
        return f"`{pad}{escaped}{pad}`"
    coded = "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in escaped)
    return f"<code>{coded}</code>"


def format_value(field_value: Any, path: str = "") -> str:
    """The value of a field in a table."""
    if field_value is None:
        return "-"
    if path.endswith("].image"):
        field_value = status.shorten_image(str(field_value))
    return format_code(field_value if isinstance(field_value, str) else json.dumps(field_value, ensure_ascii=False))


def _format_head(preview_summary: summary.PreviewSummary) -> Iterator[str]:
    if preview_summary.blocked_reason:
        yield f"**{escape_text(preview_summary.blocked_reason)}**"
    elif preview_summary.errors:
        yield "The preview is incomplete."
    elif all(object_change.impact < change.Impact.OUTAGE for object_change in preview_summary.changes):
        yield "No outage, no data loss."
    yield ""
    yield f"_{escape_text(preview_summary.source)}_"
    if preview_summary.errors:
        yield from ["", *_format_code_block(_truncate("\n".join(preview_summary.errors)), "")]


def _format_parts(preview_summary: summary.PreviewSummary) -> Iterator[tuple[str, Sequence[str]]]:
    """The parts after the head, by descending importance: each has a start, and pieces that may be left out."""
    changes, checks = preview_summary.changes, preview_summary.checks
    if changes:
        rows = [_format_row(change, blocked=change in preview_summary.blocked) for change in changes]
        yield "\n|  | object | changes | impact |\n|---|---|---|---|\n", rows
    if preview_summary.images:
        rows = [
            f"| {format_code(image.name)} | {format_value(image.old)} | {format_value(image.new)}"
            f" | {escape_text(image.why or '-')} |\n"
            for image in preview_summary.images
        ]
        yield "\n| image | old | new | reason |\n|---|---|---|---|\n", rows
    if preview_summary.raw:
        rows = [
            f"| {format_code(field.object)} | {format_code(field.path)} | {format_value(field.default, field.path)}"
            f" | {format_value(field.value, field.path)} |\n"
            for field in preview_summary.raw
        ]
        yield "\n| `raw` of | field | default | value |\n|---|---|---|---|\n", rows
    lines = list(map(_format_list_line, preview_summary.notes))
    if checks:
        lines += [f"**refused**: {escape_text(line)}" for line in checks.refused]
        lines.append(escape_text(checks.summary))
    if lines:
        yield "\n", [f"- {line}\n" for line in lines]
    details = [
        _format_details(object_change)
        for object_change in changes
        if len(object_change.fields) > MAX_INLINE_FIELDS or any(field.is_multiline for field in object_change.fields)
    ]
    if checks and checks.advice:
        advice = "".join(f"- {_format_list_line(line)}\n" for line in checks.advice)
        details.append(f"<details>\n<summary>advice of the checks</summary>\n\n{advice}\n</details>\n")
    if details:
        yield "\n", details


def _format_list_line(text: str) -> str:
    """A line of a list. Its first character must not start another list."""
    escaped = escape_text(text.strip()) or "-"
    return escaped if escaped[0].isalpha() or escaped[0] == "&" else f"&#{ord(escaped[0])};{escaped[1:]}"


def _format_row(object_change: change.ObjectChange, *, blocked: bool) -> str:
    if not object_change.fields:
        changes = "-"
    elif len(object_change.fields) > MAX_INLINE_FIELDS:
        changes = f"{len(object_change.fields)} fields, below"
    else:
        changes = "<br>".join(f"{format_code(field.path)}: {_format_field(field)}" for field in object_change.fields)
    label, mark = object_change.impact.label, " (blocked)" if blocked else ""
    level = f"**{label}**" if object_change.impact in _SEVERE_IMPACTS else label
    parts = [level + mark if object_change.impact else "", escape_text(object_change.reason)]
    impact = ": ".join(filter(None, parts)) or "-"
    return f"| {object_change.diff.op} | {format_code(object_change.diff.title)} | {changes} | {impact} |\n"


def _format_field(field: change.FieldDiff) -> str:
    if field.is_multiline:
        return "text, below"
    return f"{format_value(field.old, field.path)} → {format_value(field.new, field.path)}"


def _format_details(object_change: change.ObjectChange) -> str:
    """All fields of a change, folded."""
    fields = object_change.fields
    count = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
    lines = ["<details>", f"<summary>{escape_text(object_change.diff.title)}: {count}</summary>", ""]
    if rows := [field for field in fields if not field.is_multiline]:
        lines += ["| field | old | new |", "|---|---|---|"]
        lines += [
            f"| {format_code(field.path)} | {format_value(field.old, field.path)}"
            f" | {format_value(field.new, field.path)} |"
            for field in rows
        ]
    for field in fields:
        if field.is_multiline:
            lines += ["", format_code(field.path), "", *_format_code_block(_format_diff(field), "diff")]
    return "\n".join([*lines, "", "</details>", "", ""])


def _format_diff(field: change.FieldDiff) -> str:
    lines = field.diff_lines()
    rest = [f"… {len(lines) - MAX_DIFF_LINES} more lines"] if len(lines) > MAX_DIFF_LINES else []
    escaped = map(diagnosis.escape_text, [*lines[:MAX_DIFF_LINES], *rest])
    return "\n".join(
        line if len(line) <= MAX_VALUE_CHARACTERS else f"{line[: MAX_VALUE_CHARACTERS - 1]}…" for line in escaped
    )


def _format_code_block(text: str, language: str) -> list[str]:
    """A block of lines. Its fence is longer than any in the text."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return [f"{fence}{language}", text, fence]


def _join_within_limit(head: str, parts: Sequence[tuple[str, Sequence[str]]]) -> str:
    document, left_out = head, 0
    for start, pieces in parts:
        fitting: list[str] = []
        room = MAX_CHARACTERS - 200 - len(document) - len(start)
        for piece in pieces:
            if len(piece) > room:
                left_out += 1
            else:
                fitting.append(piece)
                room -= len(piece)
        if fitting:
            document += start + "".join(fitting)
    if left_out:
        document += f"\n**{left_out} parts do not fit into a comment: `seaway preview` shows all.**\n"
    return document

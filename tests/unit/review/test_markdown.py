"""The comment of a pull request: its text, and that values cannot contain syntax."""

import dataclasses
import html
import re
from collections.abc import Iterator
from typing import Any

import markdown_it
import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st
from markdown_it import token

from seaway.model import settings
from seaway.review import change, markdown, policy, pulumi_preview, summary
from tests.unit.review import previews

STACK = settings.Settings(stack="review", context="-")
NASTY = st.text(st.sampled_from("`|\\<>*_[]()!#~&@$\n\r\t \"'-=:/.awx\u202e\u2028é1")) | st.text()


def read_summary(name: str, **more: Any) -> summary.PreviewSummary:
    preview = pulumi_preview.parse(previews.read_captured(name))
    changes = summary.create_changes(preview.object_diffs, preview.images)
    blocked, _ = policy.apply_policy(changes, STACK, policy.datetime.date(2026, 6, 1))
    names = {"app_name": "shop", "stack": "review", "source": "pulumi preview"}
    results = {"images": preview.images, "blocked": blocked, "errors": preview.errors}
    return summary.PreviewSummary(**names, changes=changes, **results, **more)


def create_summary(
    *fields: change.FieldDiff, name: str = "web", reason: str = "why", **more: Any
) -> summary.PreviewSummary:
    manifest = {"metadata": {"labels": {"app.kubernetes.io/name": name}}}
    diff = change.ObjectDiff(kind="Deployment", name=name, old=manifest, new=manifest)
    object_change = change.ObjectChange(diff=diff, fields=fields, impact=change.Impact.ROLLING, reason=reason)
    fields_: dict[str, Any] = {"app_name": "shop", "stack": "dev", "source": "x", "changes": (object_change,)}
    return summary.PreviewSummary(**(fields_ | {"images": ()} | more))


def test_documents(wording: Any) -> None:
    """An image, a changed file, a blocked change, no change, and a failed preview that the policy does not block."""
    checks = summary.CheckSummary(summary="3 checks: 3 passed")
    summaries = (
        read_summary("image"),
        read_summary("config"),
        read_summary("port"),
        create_summary(changes=(), notes=("look",), checks=checks),
        dataclasses.replace(read_summary("volume"), blocked=()),
    )
    assert [markdown.format_document(each) for each in summaries] == wording


def test_blocked_changes_come_first() -> None:
    lines = markdown.format_document(read_summary("port")).splitlines()
    assert lines[3].startswith("**blocked by the policy of stack review: Service/api (OUTAGE); ")
    assert lines[9].startswith("| changed | `Service/api` | ")
    assert " | **outage** (blocked): " in lines[9]


def test_a_failed_preview(wording: Any) -> None:
    text = markdown.format_document(read_summary("volume"))
    assert "### shop, stack review: the preview failed; 1 replaced; outage: db\n" in text
    assert "\n```\nPreview failed: resource " in text
    assert "No outage" not in text
    assert [markdown.format_failure("dev", "error: ```no``` cluster\n")] == wording


def test_results_of_checks(wording: Any) -> None:
    checks = summary.CheckSummary(
        summary="3 checks: 1 error", refused=("IMG-01 error: no | way",), advice=("NET-01 x",)
    )
    preview_summary = create_summary(checks=checks)
    assert preview_summary.blocked_reason
    text = markdown.format_document(preview_summary)
    assert f"**{preview_summary.blocked_reason}**" in text
    assert "\n- **refused**: IMG-01 error: no &#124; way\n- 3 checks: 1 error\n" in text
    assert "</summary>\n\n- NET-01 x\n" in text
    assert [preview_summary.blocked_reason] == wording


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        ("", '`""`'),
        ("  ", '`"  "`'),
        ("http://api:8000", "`http://api:8000`"),
        (8000, "`8000`"),
        ({"a": True}, '`{"a": true}`'),
        ("a|b", "<code>a&#124;b</code>"),
        ("a`b", "<code>a&#96;b</code>"),
        ("two\nlines", "<code>two&#92;nlines</code>"),
        ("\u202egpj", "<code>&#92;u202egpj</code>"),
        ("x" * 300, f"`{'x' * 199}…`"),
    ],
)
def test_values(value: Any, shown: str) -> None:
    assert markdown.format_value(value) == shown


def parse_tokens(text: str) -> list[token.Token]:
    """The tokens of Markdown: blocks, and their inline tokens."""
    reader = markdown_it.MarkdownIt("commonmark", {"linkify": False}).enable("table")
    blocks = reader.parse(text)
    return [*blocks, *(inner for block in blocks for inner in block.children or ())]


def list_texts(tokens: list[token.Token]) -> Iterator[str]:
    """The texts outside of code, where GitHub finds mentions."""
    coded = False
    for one in tokens:
        coded = one.content == "<code>" if one.type == "html_inline" else coded
        if one.type == "text" and not coded:
            yield one.content
        elif one.type == "html_block":
            yield html.unescape(one.content)


@given(value=NASTY, other=NASTY, name=NASTY, reason=NASTY)
def test_values_contain_no_syntax(value: str, other: str, name: str, reason: str) -> None:
    fields = [change.FieldDiff(path=f"spec.{index}{value}", old=value, new=other) for index in range(3)]
    text = markdown.format_document(create_summary(*fields, name=name, reason=reason, notes=(value,), stack=other))
    tokens = parse_tokens(text)
    inside = [one.content for one in tokens if one.type == "html_inline"]
    assert set(inside) <= {"<code>", "</code>", "<br>"}
    assert not {"link_open", "image", "hr", "blockquote_open"} & {one.type for one in tokens}
    blocks = [one.content for one in tokens if one.type == "html_block"]
    assert re.fullmatch("<!-- seaway preview [^>]* -->\n", blocks[0])
    assert [re.sub(r"(?s)<summary>.*</summary>", "", one).strip() for one in blocks[1:]] == ["<details>", "</details>"]
    assert not re.search(r"@\w", "".join(list_texts(tokens)))
    rows = [one for one in tokens if one.type == "tr_open"]
    short = [one for one in fields if "\n" not in f"{one.old}{one.new}"]
    assert len(rows) == 2 + (1 + len(short) if short else 0)
    cells = [one for one in tokens if one.type in ("td_open", "th_open")]
    assert len(cells) == 2 * 4 + (3 * (1 + len(short)) if short else 0)


@given(value=NASTY)
def test_a_value_is_shown_unchanged(value: str) -> None:
    """The rendered text is the value, except for its length."""
    shown = markdown.format_code(value)
    (inline,) = [one for one in parse_tokens(f"x {shown} x") if one.type == "inline"]
    seen = "".join(one.content for one in inline.children or () if one.type in ("text", "code_inline", "text_special"))
    expected = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
    if expected.strip() and len(expected) <= markdown.MAX_VALUE_CHARACTERS:
        assert seen.removeprefix("x ").removesuffix(" x") == expected


@run(max_examples=10)  # each large example takes a while
@given(values=st.lists(NASTY, min_size=1, max_size=30), factor=st.integers(1, 200))
def test_the_limit_holds(values: list[str], factor: int) -> None:
    fields = [
        change.FieldDiff(path=f"data.{value}", old=value * factor, new=f"{value}\nx" * factor) for value in values
    ]
    text = markdown.format_document(create_summary(*fields, notes=tuple(values * 20), errors=tuple(values)))
    assert len(text) <= markdown.MAX_CHARACTERS
    assert len(markdown.format_failure("dev", "".join(values) * factor * 40)) <= markdown.MAX_CHARACTERS


def test_the_comment_says_how_much_is_left_out() -> None:
    one = create_summary(change.FieldDiff(path="a", old="1", new="2"))
    many = [
        dataclasses.replace(one.changes[0], diff=dataclasses.replace(one.changes[0].diff, name=f"web-{number}"))
        for number in range(2000)
    ]
    text = markdown.format_document(dataclasses.replace(one, changes=tuple(many)))
    assert len(text) <= markdown.MAX_CHARACTERS
    rows = text.count("\n| changed |")
    assert rows > 500
    left_out = f"**{2000 - rows} parts do not fit into a comment: `seaway preview` shows all.**\n"
    assert text.endswith(left_out)

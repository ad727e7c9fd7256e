"""The comment of a pull request: exact texts, and that no value can be more than a value."""

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
OLD, NEW = "ctx-1aad5ce00e6c", "ctx-02f60c71653a"
NASTY = st.text(st.sampled_from("`|\\<>*_[]()!#~&@$\n\r\t \"'-=:/.awx\u202e\u2028é1")) | st.text()


def told(name: str, **more: Any) -> summary.PreviewSummary:
    found = pulumi_preview.parse(previews.captured(name))
    changes = summary.create_changes(found.object_diffs, found.images)
    verdict = policy.apply_policy(changes, STACK, policy.datetime.date(2026, 6, 1))
    said = {"app_name": "shop", "stack": "review", "source": "pulumi preview"}
    return summary.PreviewSummary(
        **said, changes=changes, images=found.images, policy_result=verdict, errors=found.errors, **more
    )


def made(*fields: change.FieldDiff, name: str = "web", reason: str = "why", **more: Any) -> summary.PreviewSummary:
    one = change.ObjectChange(
        op="changed",
        kind="Deployment",
        name=name,
        owner=name,
        fields=fields,
        impact=change.Impact.ROLLING,
        reason=reason,
    )
    said: dict[str, Any] = {"app_name": "shop", "stack": "dev", "source": "x", "changes": (one,), "images": ()}
    return summary.PreviewSummary(**(said | {"policy_result": policy.PolicyResult(blocked=(), notes=())} | more))


def test_an_image_is_one_line() -> None:
    path = "spec.template.spec.containers[web].image"
    rolls = "rolling: old pods go when new ones are ready"
    assert (
        markdown.format_document(told("image"))
        == f"""\
<!-- seaway preview review -->
### shop, stack review: 1 changed; rolling: web

No outage, no loss of data.

_pulumi preview_

|  | object | what changes | impact |
|---|---|---|---|
| changed | `Deployment/web` | `{path}`: `shop/web:{OLD}` → `shop/web:{NEW}` | {rolls} |

| image | old | new | because |
|---|---|---|---|
| `web` | `{OLD}` | `{NEW}` | web.py changed |
"""
    )


def test_a_changed_file_is_told_line_by_line() -> None:
    text = markdown.format_document(told("config"))
    assert text.endswith("""\
<details>
<summary>ConfigMap/worker-config-c12eb1967e: 1 field</summary>


`data[etc_shop_worker.ini]`

```diff
@@ -1,2 +1,3 @@
+# another
 [worker]
 seconds = 1
```

</details>

""")


def test_what_is_blocked_stands_first() -> None:
    lines = markdown.format_document(told("port")).splitlines()
    assert lines[1:4] == [
        "### shop, stack review: 4 changed; outage: api; rolling: web, worker",
        "",
        "**blocked by the policy of stack review: Service/api (OUTAGE); if it is meant, waive OUTAGE in"
        " Pulumi.review.yaml (seaway:waivers) with a reason, an owner and an end**",
    ]
    assert lines[9].startswith("| changed | `Service/api` | ")
    assert lines[9].endswith(
        " | **outage** (blocked): port 8000 of api answers no more, and callers use it until they are replaced |"
    )


def test_a_preview_that_failed_says_so() -> None:
    text = markdown.format_document(told("volume"))
    assert "### shop, stack review: the preview failed; 1 replaced; outage: db\n" in text
    assert "\n```\nPreview failed: resource " in text
    assert "No outage" not in text
    allowed = dataclasses.replace(told("volume"), verdict=policy.PolicyResult(blocked=(), notes=()))
    assert "What the preview did not come to is not known.\n" in markdown.format_document(allowed)
    assert markdown.format_failure("dev", "error: ```no``` cluster\n") == (
        "<!-- seaway preview dev -->\n### Stack dev: the preview failed\n\n````\nerror: ```no``` cluster\n````\n"
    )


def test_nothing_changes() -> None:
    text = markdown.format_document(
        made(changes=(), notes=("look",), checks=summary.CheckSummary(summary="3 checks: 3 passed"))
    )
    assert text == (
        "<!-- seaway preview dev -->\n### shop, stack dev: no changes\n\nNo outage, no loss of data.\n\n_x_\n"
        "\n- look\n- 3 checks: 3 passed\n"
    )


def test_checks_are_told() -> None:
    checks = summary.CheckSummary(
        summary="3 checks: 1 error", refused=("IMG-01 error: no | way",), advice=("NET-01 x",)
    )
    one = made(checks=checks)
    assert one.blocked_reason == "refused by checks: IMG-01; seaway check --stack dev has the way out"
    text = markdown.format_document(one)
    assert "**refused by checks: IMG-01; seaway check --stack dev has the way out**" in text
    assert "\n- **refused**: IMG-01 error: no &#124; way\n- 3 checks: 1 error\n" in text
    assert "<summary>what the checks advise</summary>\n\n- NET-01 x\n" in text


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


def parsed(text: str) -> list[token.Token]:
    """What Markdown sees: blocks, and what is in them."""
    reader = markdown_it.MarkdownIt("commonmark", {"linkify": False}).enable("table")
    blocks = reader.parse(text)
    return [*blocks, *(inner for block in blocks for inner in block.children or ())]


def words(found: list[token.Token]) -> Iterator[str]:
    """What stands outside of code: there GitHub would look for people to call."""
    coded = False
    for one in found:
        coded = one.content == "<code>" if one.type == "html_inline" else coded
        if one.type == "text" and not coded:
            yield one.content
        elif one.type == "html_block":
            yield html.unescape(one.content)


@given(value=NASTY, other=NASTY, name=NASTY, reason=NASTY)
def test_no_value_is_more_than_a_value(value: str, other: str, name: str, reason: str) -> None:
    fields = [change.FieldDiff(path=f"spec.{index}{value}", old=value, new=other) for index in range(3)]
    text = markdown.format_document(made(*fields, name=name, reason=reason, notes=(value,), stack=other))
    found = parsed(text)
    inside = [one.content for one in found if one.type == "html_inline"]
    assert set(inside) <= {"<code>", "</code>", "<br>"}
    assert not {"link_open", "image", "hr", "blockquote_open"} & {one.type for one in found}
    blocks = [one.content for one in found if one.type == "html_block"]
    assert re.fullmatch("<!-- seaway preview [^>]* -->\n", blocks[0])
    assert [re.sub(r"(?s)<summary>.*</summary>", "", one).strip() for one in blocks[1:]] == ["<details>", "</details>"]
    assert not re.search(r"@\w", "".join(words(found)))
    rows = [one for one in found if one.type == "tr_open"]
    short = [one for one in fields if "\n" not in f"{one.old}{one.new}"]
    assert len(rows) == 2 + (1 + len(short) if short else 0)
    cells = [one for one in found if one.type in ("td_open", "th_open")]
    assert len(cells) == 2 * 4 + (3 * (1 + len(short)) if short else 0)


@given(value=NASTY)
def test_a_value_is_shown_as_it_is(value: str) -> None:
    """What stands there can be read again, and nothing is lost but length."""
    shown = markdown.format_code(value)
    (inline,) = [one for one in parsed(f"x {shown} x") if one.type == "inline"]
    seen = "".join(one.content for one in inline.children or () if one.type in ("text", "code_inline", "text_special"))
    expected = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
    if expected.strip() and len(expected) <= markdown.MAX_VALUE_CHARACTERS:
        assert seen.removeprefix("x ").removesuffix(" x") == expected


@run(max_examples=10)  # large ones: each takes a while
@given(values=st.lists(NASTY, min_size=1, max_size=30), factor=st.integers(1, 200))
def test_it_is_never_too_long(values: list[str], factor: int) -> None:
    fields = [
        change.FieldDiff(path=f"data.{value}", old=value * factor, new=f"{value}\nx" * factor) for value in values
    ]
    text = markdown.format_document(made(*fields, notes=tuple(values * 20), errors=tuple(values)))
    assert len(text) <= markdown.MAX_CHARACTERS
    assert len(markdown.format_failure("dev", "".join(values) * factor * 40)) <= markdown.MAX_CHARACTERS


def test_what_is_cut_is_said() -> None:
    one = made(change.FieldDiff(path="a", old="1", new="2"))
    many = [dataclasses.replace(one.changes[0], name=f"web-{number}") for number in range(2000)]
    text = markdown.format_document(dataclasses.replace(one, changes=tuple(many)))
    assert len(text) <= markdown.MAX_CHARACTERS
    rows = text.count("\n| changed |")
    assert rows > 500
    left_out = f"**{2000 - rows} entries do not fit into a comment and were left out: `seaway preview` shows all.**\n"
    assert text.endswith(left_out)

"""``seaway help``: every topic that a message names exists, and is printed as it is written."""

import ast
import io
import re

import pytest
from rich import console

from dev import project
from seaway.checks import all_checks
from seaway.cli import display, help, main  # noqa: A004 - the command
from seaway.images import build_causes
from seaway.rollout import causes


def list_named_topics() -> set[str]:
    """List the topics that messages name."""
    calls: set[str] = set()
    for file in (
        file for folder in ("seaway", "plugin", "components") for file in project.ROOT.glob(f"{folder}/**/*.py")
    ):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "diagnosis.format_help":
                calls |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                calls |= set(re.findall(r"seaway help ([a-z-]+)", node.value))
    return calls


def test_every_topic_that_a_message_names_exists() -> None:
    pages = help.read_pages()
    topics = {*pages, *(name for page in pages.values() for name, _ in help.list_sections(page))}
    named = list_named_topics()
    assert {"checks", "reference", "data-loss", "foreign-objects"} <= named
    assert {
        *named,
        *causes.CAUSES,
        *(cause.id for cause in build_causes.CAUSES),
        *(check.id for check in all_checks.CHECKS),
    } - topics == set()


@pytest.mark.parametrize(
    ("topic", "first", "last"),
    [
        ("runbook", "# Runbook", ""),
        ("data-loss", "### data-loss", ""),
        ("reference", "# ", ""),
        ("settings", "# Settings", "- `seaway:fingerprintKey`: "),
        ("AVL-01", "| id |", "| AVL-01 |"),
    ],
)
def test_page_section_and_check(topic: str, first: str, last: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["help", topic]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(first)
    assert printed.splitlines()[-1].startswith(last)
    assert topic in ("runbook", "reference", "settings") or "\n###" not in printed


def test_a_comment_in_a_code_block_ends_no_section() -> None:
    page = "# a\n\n## b\n```sh\n# not a heading\n```\nend\n## c\n"
    assert dict(help.list_sections(page))["b"] == "## b\n```sh\n# not a heading\n```\nend\n"


def test_a_terminal_gets_the_page_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(display, "create_screen", lambda: console.Console(file=stream, force_terminal=True, width=80))
    assert main.main(["help", "operate"]) == 0
    assert "```" not in stream.getvalue()
    assert "\x1b[" in stream.getvalue()


def test_an_unknown_topic(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["help", "crash-lop"]) == 2
    assert "seaway help crash-loop" in capsys.readouterr().err

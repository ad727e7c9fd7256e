"""A test runs each documented make target and each verb of `seaway`, and commands in the documents exist."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev import project
from seaway.cli import main
from tests.support import commands

MAKEFILE = (project.ROOT / "Makefile").read_text()
PAGES = sorted(
    path
    for path in (*project.ROOT.glob("*.md"), *(project.ROOT / "docs").rglob("*.md"))
    if path.name != "CHANGELOG.md"  # it describes the past
)
REFERENCES = {
    **{f"make {name}": row for name, row in commands.TARGETS.items() if isinstance(row, commands.InTest)},
    **{f"seaway {name}": row for name, row in commands.VERBS.items()},
}


def list_verbs(parser: argparse.ArgumentParser, above: str = "") -> Iterator[str]:
    """List the verbs, with their subcommands."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield above
    for group in groups:
        for name, inner in group.choices.items():
            yield from list_verbs(inner, f"{above} {name}".strip())


def list_spans(page: Path) -> Iterator[str]:
    """List the code of a page: text in backquotes, and the lines of code blocks."""
    text = page.read_text()
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.M | re.S)
    yield from (line.strip() for block in blocks for line in block.splitlines())
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))


def test_each_documented_target_is_run_by_a_test() -> None:
    listed = commands.list_targets(MAKEFILE)
    assert len(listed) == len(re.findall(r"^[^\t#\n]*##(?!-)", MAKEFILE, re.M)), "a ## that list_targets does not read"
    assert set(listed) == set(commands.TARGETS), (
        "tests/support/commands.py: TARGETS has a row for each target, and no other"
    )


def test_each_verb_is_run_by_a_test() -> None:
    assert set(list_verbs(main.build_parser())) == set(commands.VERBS), (
        "tests/support/commands.py: VERBS has a row for each verb"
    )


def test_new_target_and_new_verb_are_detected() -> None:
    assert set(commands.list_targets("new: old ## what it does\n\t@do $(IT)\nold:\n\t@true\n")) == {"new"}
    parser = main.build_parser()
    (group,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    group.choices["release"]._subparsers._group_actions[0].add_parser("new")
    group.add_parser("other")
    assert set(list_verbs(parser)) - set(commands.VERBS) == {"release new", "other"}


@pytest.mark.parametrize(("command", "row"), REFERENCES.items(), ids=REFERENCES)
def test_referenced_test_exists_and_runs_the_command(command: str, row: commands.InTest) -> None:
    words = command.split()[1:]
    assert commands.has_words(row.test, words), f"{row.test} does not run {command}"
    assert "mark.optional" not in row.file.read_text()


def test_broken_reference_is_detected() -> None:
    with pytest.raises(KeyError, match="test_none"):
        commands.has_words("tests/unit/cli/test_diff.py::test_none", ["diff"])
    assert not commands.has_words("tests/unit/cli/test_diff.py::test_a_table_of_differences", ["graph"])


@pytest.mark.parametrize(
    ("name", "row"), [(name, row) for name, row in commands.TARGETS.items() if isinstance(row, commands.InScript)]
)
def test_target_of_the_test_run_is_in_its_script(name: str, row: commands.InScript) -> None:
    target, _, line = row.line.rpartition(": ")
    script = commands.list_targets(MAKEFILE)[target] if target else (project.ROOT / row.file).read_text()
    assert line in [script_line.strip().lstrip("@") for script_line in script.splitlines()], (
        f"{row.file} does not run make {name}"
    )


@pytest.mark.parametrize(
    "name", [name for name, row in commands.TARGETS.items() if isinstance(row, commands.Make) and row.stage == "unit"]
)
def test_the_shortest_form(name: str, tmp_path: Path) -> None:
    commands.run(name, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(project.ROOT)))
def test_commands_on_a_page_exist(page: Path) -> None:
    known = set(list_verbs(main.build_parser()))
    for span in list_spans(page):
        # A line may contain several commands: `. .seaway/env && seaway status`, `seaway up --recover | ...`
        for part in re.split(r"&&|\|\||;|\|", span):
            words = part.split()
            is_sentence = words[1:2] in (["a"], ["it"])  # a hint on docs/failures.md: "make it faster"
            if words[:1] == ["make"] and len(words) > 1 and re.fullmatch("[a-z-]+", words[1]) and not is_sentence:
                assert words[1] in commands.TARGETS, f"{span}: the Makefile has no target {words[1]}"
            if words[:1] == ["seaway"] and len(words) > 1 and re.fullmatch("[a-z]+", words[1]):
                typed = " ".join(words[1:3]) if words[1] in ("release", "images") else words[1]
                assert typed in known or typed in ("release", "images"), f"{span}: seaway has no verb {typed}"


def test_readme_lists_each_verb() -> None:
    text = (project.ROOT / "README.md").read_text()
    assert [verb for verb in commands.VERBS if f"`seaway {verb}" not in text] == []

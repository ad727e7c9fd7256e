"""The command itself: commands, exit codes, and where messages go."""

import argparse
import contextvars
import json
import subprocess
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from seaway import errors
from seaway.cli import command, main
from seaway.syntax import diagnosis
from tests.unit.cli import conftest

INVALID = diagnosis.reject(diagnosis.SourceLocation("app.yaml", 1, 3), "name", "invalid-name", "is invalid", "fix it")


def raising(error: BaseException) -> Callable[[], int]:
    def work() -> int:
        raise error

    return work


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    """The module of a command `work`; a test sets its `run`."""
    module = types.ModuleType("seaway.cli.work")
    module.__dict__["configure"] = lambda parser: command.add_json_option(parser, "seaway.cli.work")
    monkeypatch.setitem(sys.modules, "seaway.cli.work", module)
    monkeypatch.setattr(main, "COMMANDS", [command.Command(name="work", module="work", help="work")])
    yield module


@pytest.mark.parametrize(
    ("function", "code", "expected"),
    [
        (lambda: command.SUCCESS, 0, ""),
        (lambda: command.ROLLED_BACK, 3, ""),
        (raising(INVALID), 2, "app.yaml:1:3: name: is invalid; fix it [invalid-name]\n"),
        (raising(errors.Unavailable("cannot reach the cluster")), 1, "seaway: cannot reach the cluster\n"),
        (raising(KeyboardInterrupt()), 130, ""),
    ],
)
def test_exit_codes(
    work: types.ModuleType, function: Callable[[], int], code: int, expected: str, seaway: conftest.Seaway
) -> None:
    work.__dict__["run"] = lambda _: function()
    assert seaway("work", code=code) == ("", expected)


KEYS = ("code", "file", "line", "column", "path", "message", "hint")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (INVALID, ("invalid-name", "app.yaml", 1, 3, "name", "is invalid", "fix it")),
        (errors.Unavailable("no cluster"), ("unavailable", None, None, None, None, "no cluster", None)),
    ],
    ids=["invalid", "unavailable"],
)
def test_errors_as_json(
    work: types.ModuleType, error: Exception, expected: tuple[object, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    work.__dict__["run"] = lambda _: raising(error)()
    assert main.main(["work", "--json"]) in (1, 2)
    output = capsys.readouterr()
    assert json.loads(output.out) == {"errors": [dict(zip(KEYS, expected, strict=True))]}
    assert "no cluster" in output.err or "invalid-name" in output.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["show", "web", "--stack", "dev"], "seaway explain web --stack dev?"),
        (["show", "defaults", "--json"], "seaway explain --defaults --json?"),
        (["show", "graph"], "seaway graph?"),
        (["render", "--to", "compose", "--strict"], "seaway export --strict?"),
        (["release", "outdated"], "seaway images outdated?"),
        (["release", "outdated", "--write"], "seaway images lock?"),
        (["up", "--recover", "--stale-lock"], "did you mean --force-unlock?"),
        (["release", "rollback", "prod", "--no-up"], "did you mean --pin-only?"),
        (["statsu"], "did you mean seaway status?"),
        (["frobnicate"], "the commands are: new, "),
    ],
)
def test_unknown_words(words: Sequence[str], expected: str, seaway: conftest.Seaway, wording: list[str]) -> None:
    messages = seaway(*words, code=command.USAGE_ERROR).err.splitlines()
    assert expected in messages[0]
    assert messages == wording


def test_an_unknown_option_is_not_passed_to_pulumi(seaway: conftest.Seaway, wording: list[str]) -> None:
    assert seaway("status", "--jsno", "web", code=command.USAGE_ERROR).err.splitlines() == wording


def test_arguments_for_pulumi_are_not_searched_for_options() -> None:
    assert main.find_unknown(["up", "--", "--stale-lock"]) is None


def list_commands(commands: Sequence[command.Command], *above: str) -> Iterator[list[str]]:
    for declared in commands:
        yield [*above, declared.name]
        yield from list_commands(declared.subcommands, *above, declared.name)


@pytest.mark.parametrize("words", list(list_commands(main.COMMANDS)), ids=" ".join)
def test_every_command_has_its_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main([*words, "--help"])
    assert ended.value.code == 0
    assert f"seaway {' '.join(words)}" in capsys.readouterr().out


def test_a_reader_that_ends_early_is_not_an_error() -> None:
    program = """
import sys, types
from seaway.cli import command, main
module = types.ModuleType("seaway.cli.talk")
def run(_):
    while True:
        print("x" * 1000)
module.configure, module.run = lambda parser: None, run
sys.modules["seaway.cli.talk"] = module
main.COMMANDS = [command.Command(name="talk", module="talk", help="talk")]
sys.exit(main.main(["talk"]))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=300) == 0
    assert process.stderr.read() == ""
    process.stderr.close()


@pytest.mark.parametrize("words", list(filter(main.find_command, list_commands(main.COMMANDS))), ids=" ".join)
def test_a_command_in_a_message_has_the_application_of_the_run(words: list[str]) -> None:
    declared, command_line = main.find_command(words), " ".join(("seaway", *words))
    assert declared is not None
    parser = argparse.ArgumentParser()
    declared.load().configure(parser)
    expected = command_line + (" --application blog" if "--application" in parser.format_help() else "")
    text = "try: {} --stack dev; then {} --application blog."
    assert command.complete_commands(text.format(command_line, command_line)) == text.format(command_line, command_line)
    context = contextvars.copy_context()
    context.run(command.APPLICATION.set, "blog")
    assert context.run(command.complete_commands, text.format(command_line, command_line)) == text.format(
        expected, command_line
    )


def test_messages_of_a_run_have_its_application(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A stack that builds pins no release, so the message names the command for the other."""
    file = checkout / "Pulumi.dev.yaml"
    file.write_text(f"{file.read_text().rstrip()}\n  seaway:applications: {{blog: {{build: false}}}}\n")
    assert main.main(["render", "--stack", "dev", "--application", "blog"]) == command.USAGE_ERROR
    assert "seaway release promote --application blog <from> dev" in capsys.readouterr().err

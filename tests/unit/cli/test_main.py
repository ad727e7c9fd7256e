"""The command itself: verbs, exit codes, where messages go."""

import subprocess
import sys
import types
from collections.abc import Callable

import pytest

from seaway import errors
from seaway.cli import command, main
from seaway.syntax import diagnosis


def command_module(work: Callable[[], int]) -> types.ModuleType:
    """A verb `work` that does this."""
    made = types.ModuleType("work")

    def add(parsers: command.Subparsers) -> None:
        parsers.add_parser("work", help="work", description="work").set_defaults(run=lambda _: work())

    made.__dict__["add"] = add
    return made


def raising(error: BaseException) -> Callable[[], int]:
    def work() -> int:
        raise error

    return work


INVALID = diagnosis.InvalidInput(
    [diagnosis.Diagnostic(diagnosis.SourceLocation("app.yaml", 1), "name", "is wrong", "mend it")]
)


@pytest.mark.parametrize(
    ("work", "code", "told"),
    [
        (lambda: command.SUCCESS, 0, ""),
        (lambda: command.ROLLED_BACK, 3, ""),
        (raising(INVALID), 2, "app.yaml:1: name: is wrong; mend it\n"),
        (raising(errors.Unavailable("cannot reach the cluster")), 1, "seaway: cannot reach the cluster\n"),
        (raising(KeyboardInterrupt()), 130, ""),
    ],
)
def test_exit_codes(
    work: Callable[[], int],
    code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(main, "VERBS", [command_module(work)])
    assert main.main(["work"]) == code
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", told)


def test_an_unknown_verb_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["frobnicate"])
    assert ended.value.code == command.USAGE_ERROR
    assert "frobnicate" in capsys.readouterr().err


def test_every_verb_has_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    for each in main.VERBS:
        module = each.__name__.rpartition(".")[2]
        name = {"import_compose": "import"}.get(module, module)  # a word of Python's own
        with pytest.raises(SystemExit) as ended:
            main.main([name, "--help"])
        assert ended.value.code == 0
        assert f"seaway {name}" in capsys.readouterr().out


def test_it_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "seaway.cli", "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: seaway")


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    program = """
import sys, types
from seaway.cli import main
def add(parsers):
    def run(_):
        while True:
            print("x" * 1000)
    parsers.add_parser("talk", help="", description="").set_defaults(run=run)
main.VERBS = [types.SimpleNamespace(add=add)]
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

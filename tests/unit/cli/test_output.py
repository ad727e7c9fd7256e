"""Nothing that is printed has a control character or the password of a URL, whatever is in files, cluster and logs."""

import asyncio
import contextlib
import io
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

import hypothesis
import pulumi
import pytest
from hypothesis import strategies
from rich import text as rich_text

from components import messages
from plugin import engine, server
from seaway.cli import command, display, output, printer
from seaway.kubernetes.cluster import logs
from seaway.project import release_lock
from seaway.review import markdown
from seaway.syntax import diagnosis

HALVES = ("S3cr3t", "Passw0rd")
PASSWORD = "".join(HALVES)
HOSTILE = (
    "\x1b[31m",
    "\x1b[4A\x1b[0J",
    "\x1b]0;title\x07",
    "\x9b2J",
    "\r",
    "\x08",
    "\u202e",
    "\u2066",
    "\x7f",
    "\x85",
    "\u2028",
    "\x00",
)
URLS = (
    f"postgresql://shop:{PASSWORD}@db:5432/shop",
    f"host=db password={PASSWORD} x",
    f"https://{PASSWORD}@a.example/",
)
SPLIT_URLS = [f"https://shop:{text.join(HALVES)}@db/" for text in HOSTILE if not re.search(r"\s", text)]
VALUES = strategies.lists(
    strategies.sampled_from([*HOSTILE, *URLS, *SPLIT_URLS]) | strategies.text(max_size=10), min_size=1, max_size=6
).map(" ".join)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def print_everywhere(value: str) -> None:
    """Each way in which the command line prints a text that is not its own."""
    print(value)
    print("a", value, file=sys.stderr)
    command.report(value)
    display.print_line(value)
    display.print_line(rich_text.Text(value, style="red"))
    display.print_table(["A", value], [[value, rich_text.Text(value)], ["x", "y"]])
    display.print_diff("file", value, f"{value}\n{value}")
    error = diagnosis.Diagnostic(diagnosis.SourceLocation(value, 1), f"a.{value}", value, value, "code")
    print(error, file=sys.stderr)
    command.print_json({"key": value, value: [value]})
    command.print_errors(diagnosis.InvalidInput([error]), as_json=True)


def find_problems(printed: str, *, colours: bool = False) -> list[str]:
    rest = COLOUR.sub("", printed) if colours else printed
    return [f"{ord(c):#x}" for c in rest if not (c.isprintable() or c == "\n")] + re.findall("|".join(HALVES), rest)


@hypothesis.settings(max_examples=150, deadline=None)
@hypothesis.given(value=VALUES, is_terminal=strategies.booleans())
def test_nothing_printed_controls_the_terminal_or_has_a_password(value: str, is_terminal: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        streams = [Terminal() if is_terminal else io.StringIO() for _ in range(2)]
        patch.setattr(sys, "stdout", streams[0])
        patch.setattr(sys, "stderr", streams[1])
        patch.setenv("COLUMNS", "200")
        patch.setenv("TERM", "xterm")
        with output.clean_streams():
            print_everywhere(value)
            if is_terminal:  # a file gets the log as it is
                printer.Printer(timestamps=False).print_line(value, logs.LogLine(time=0, text=value))
    for stream in streams:
        assert find_problems(stream.getvalue(), colours=is_terminal) == []


UNCHANGED = {
    "command.py": "JSON, which is cleaned",
    "display.py": "a console that cleans",
    "export_compose.py": "a document",
    "help.py": "our own pages",
    "import_compose.py": "a document",
    "main.py": "a pipe that is closed",
    "output.py": "the filter",
    "render.py": "a document",
    "status.py": "JSON",
    "terminal.py": "the bytes of `seaway exec`",
}
"""The files that write to an unfiltered stream, and what."""


def test_nothing_else_passes_the_filter() -> None:
    pattern = r"get_unchanged|write_document|\.unchanged|\.buffer\b|__std(out|err)__|os\.write|stdout\.fileno"
    files = Path(output.__file__).parent.glob("*.py")
    assert {file.name for file in files if re.search(pattern, file.read_text())} == UNCHANGED.keys()


class Captured:
    """Takes the place of the engine, and of Pulumi's log."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def send_log(self, request: Any) -> None:
        self.texts.append(request.message)

    def log(self, text: str, *_: Any, **__: Any) -> None:
        self.texts.append(text)

    async def abort(self, _: Any, text: str) -> None:
        self.texts.append(text)


@hypothesis.settings(deadline=None)
@hypothesis.given(value=VALUES)
def test_messages_of_a_run_of_pulumi(value: str) -> None:
    captured = Captured()
    log = engine.Log(cast(Any, captured), "urn:pulumi:dev::shop::seaway:index:Objects::objects")
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(SystemExit):
        for name in ("warn", "info", "error"):
            patch.setattr(pulumi.log, name, captured.log)
        patch.setattr(messages, "is_run", lambda: True)
        for show in (log.status, log.info, log.warning):
            asyncio.run(show(value))
        with pytest.raises(AssertionError, match="abort raises"):
            asyncio.run(server._abort(cast(Any, captured), value))  # pyright: ignore[reportPrivateUsage]
        messages.warn(value)
        messages.info(value)
        error = diagnosis.Diagnostic(diagnosis.SourceLocation(value, 1), f"a.{value}", value, value, "code")
        messages.report_invalid_input(diagnosis.InvalidInput([error]))
    assert len(captured.texts) == 7
    assert find_problems("\n".join(captured.texts)) == []


@hypothesis.settings(deadline=None)
@hypothesis.given(value=VALUES)
def test_lock_files(value: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        fallback = release_lock.Fallback(release="a" * 12, held="b" * 12, because=value, since=value)
        release_lock.write(Path(folder), "dev", release_lock.Lock(fallback=fallback))
        (file,) = Path(folder).rglob("*.yaml")
        assert find_problems(file.read_text()) == []


@hypothesis.given(value=VALUES)
def test_json_stays_json(value: str) -> None:
    text = command.format_json({"a": [value]})
    assert find_problems(text) == []
    (read,) = json.loads(text)["a"]
    assert PASSWORD not in read
    assert read == value or HALVES[1] in value


@hypothesis.given(value=VALUES)
def test_comments(value: str) -> None:
    """Where Markdown must not be interpreted, all punctuation is a character reference; GitHub shows it again."""
    for text in (markdown.escape_text(value), markdown.format_code(value), markdown.format_failure("dev", value)):
        assert find_problems(text) == []


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain \t tab", "plain    tab"),
        ("\x1b[31mred\x1b[0m rest", "\x1b[31mred\x1b[0m rest\x1b[0m"),
        ("\x1b[38:5:1mred", "\x1b[38:5:1mred\x1b[0m"),
        ("\x1b[2Jcleared \x1b[4A \x1b]0;title\x07 \x9b1m", "\\x1b[2Jcleared \\x1b[4A \\x1b]0;title\\x07 \\x9b1m"),
        (URLS[0], "postgresql://shop:***@db:5432/shop"),
    ],
)
def test_log_lines_keep_their_colours_on_a_terminal(line: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for stream, expected in ((Terminal(), shown), (io.StringIO(), line)):
        monkeypatch.setattr(sys, "stdout", stream)
        with output.clean_streams():
            printer.Printer(timestamps=False).print_line("web", logs.LogLine(time=0, text=line))
        assert COLOUR.sub("", stream.getvalue()).removesuffix("\n") == f"web: {COLOUR.sub('', expected)}"
        assert stream.getvalue().endswith(f" {expected}\n")


def test_documents_are_not_changed(capsys: Any) -> None:
    with output.clean_streams():
        output.write_document(f"url: {URLS[0]}\n")
    assert capsys.readouterr().out == f"url: {URLS[0]}\n"


@pytest.mark.parametrize("character", ["\u034f", "\u115f", "\u2800", "\u3164", "\ufe0f", "\uffa0", "\U000e0100"])
def test_a_letter_without_a_form_is_escaped(character: str) -> None:
    """Python calls it printable."""
    escaped = character.encode("unicode_escape").decode()
    assert diagnosis.escape_text(f"admin{character}") == f"admin{escaped}"

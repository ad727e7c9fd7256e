"""Nothing that is printed has a control character or the password of a URL, whatever is in files, cluster and logs."""

import io
import json
import re
import sys
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies
from rich import text as rich_text

from seaway.cli import command, display, output, printer
from seaway.kubernetes.cluster import logs
from seaway.review import markdown
from seaway.syntax import diagnosis

PASSWORD = "S3cr3tPassw0rd"
HOSTILE = (
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
VALUES = strategies.lists(
    strategies.sampled_from([*HOSTILE, *URLS]) | strategies.text(max_size=10), min_size=1, max_size=6
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
    return [f"{ord(c):#x}" for c in rest if not (c.isprintable() or c == "\n")] + re.findall(PASSWORD, rest)


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
    for stream in streams:
        assert find_problems(stream.getvalue(), colours=is_terminal) == []


@hypothesis.given(value=VALUES)
def test_json_stays_json(value: str) -> None:
    text = command.format_json({"a": [value]})
    assert find_problems(text) == []
    (read,) = json.loads(text)["a"]
    assert PASSWORD not in read
    assert read == value or PASSWORD in value


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

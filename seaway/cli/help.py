"""``seaway help``: the pages of docs/, in this installation, and their sections about causes and checks.

Exit codes: 0, printed; 2, there is no such topic.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from rich import markdown

from seaway.cli import command, display, output
from seaway.explain import fields
from seaway.model import settings
from seaway.syntax import decode, diagnosis

_PACKAGE = Path(__file__).parents[1]
_ENCRYPTED_KEYS = {
    "secrets": "values that are not generated: `pulumi config set --secret --path 'seaway:secrets.NAME'`",
    "fingerprintKey": "key for the names of Secrets; `seaway up` creates it",
}
_HEADING = re.compile(r"(#+) (.+)")


def configure(parser: argparse.ArgumentParser) -> None:
    help_text = "a page, a cause that a message names, or the id of a check [list the pages]"
    parser.add_argument("topic", nargs="?", metavar="TOPIC", help=help_text)


def run(arguments: argparse.Namespace) -> int:
    pages = read_pages()
    if arguments.topic is None:
        rows = ((name, text.lstrip("# ").partition("\n")[0]) for name, text in pages.items())
        display.print_table(("TOPIC", "CONTENT"), rows)
        return command.SUCCESS
    topics = {name: text for page in pages.values() for name, text in list_sections(page)} | pages
    text = topics.get(arguments.topic)
    if text is None:
        closest = decode.find_closest(arguments.topic, topics)
        hint = f"did you mean {diagnosis.format_help(closest)}?" if closest else "for the topics: seaway help"
        raise command.UsageError(f"there is no topic {diagnosis.quote(arguments.topic)}; {hint}")
    screen = display.create_screen()
    if screen.is_terminal and text.startswith(("#", "|")):
        screen.print(markdown.Markdown(text))
    else:
        output.write_document(text)
    return command.SUCCESS


def read_pages() -> dict[str, str]:
    """The text of each page by its name."""
    # In a checkout, the pages are beside the package.
    folder = next(folder for folder in (_PACKAGE / "docs", _PACKAGE.parent / "docs") if folder.is_dir())
    pages = {file.stem: file.read_text("utf-8") for file in sorted(folder.iterdir()) if file.is_file()}
    return dict(sorted((pages | {"settings": format_settings()}).items()))


def format_settings() -> str:
    """The page of the keys in a stack's file, from the help of the model."""
    hints = decode.get_type_hints(settings.Settings)
    keys = {decode.to_camel_case(name): fields.read_notes(hint)[0] for name, hint in hints.items() if name != "stack"}
    lines = "".join(f"- `seaway:{key}`: {meaning}\n" for key, meaning in (keys | _ENCRYPTED_KEYS).items())
    return f"# Settings of a stack\n\nSet one with `pulumi config set seaway:KEY VALUE`.\n\n{lines}"


def list_sections(page: str) -> Iterator[tuple[str, str]]:
    """List the sections of a page, each with its heading, and the checks in its tables with their rows."""
    # A comment in a code block is not a heading.
    blank = re.sub(r"^```.*?^```", lambda block: re.sub(r"[^\n]", " ", block[0]), page, flags=re.M | re.S)
    headings = [(match, len(match[1])) for match in re.finditer(_HEADING.pattern, blank, re.MULTILINE)]
    for position, (match, level) in enumerate(headings):
        ends = (other.start() for other, other_level in headings[position + 1 :] if other_level <= level)
        yield match[2], page[match.start() : next(ends, None)].rstrip() + "\n"
    for row in re.finditer(r"^\| ([A-Z]+-\d\d) \|.*\n", page, re.MULTILINE):
        header = re.search(r"^\|.*\n\|[-| ]+\n", page, re.MULTILINE)
        yield row[1], (header[0] if header else "") + row[0]

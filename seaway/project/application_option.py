"""The option ``--application`` in the commands that a message names."""

import re

COMMANDS = re.compile(
    r"\bseaway (?:check|diff|exec|explain|export|graph|logs|port-forward|preview|render|run|status|test|up"
    r"|images (?:lock|outdated)|release (?:list|promote|rollback|save|sign))\b"
)
"""The commands with ``--application``, in a message. A test compares them with the parser."""


def add_to_commands(text: str, application: str | None) -> str:
    """The text with the option in each command that it names; None: it is about the main application."""

    def add_option(match: re.Match[str]) -> str:
        rest = re.split("[;,:(\\n`]", text[match.end() :], maxsplit=1)[0]
        return match[0] if "--application" in rest else f"{match[0]} --application {application}"

    return COMMANDS.sub(add_option, text) if application else text

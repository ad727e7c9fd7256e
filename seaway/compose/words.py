"""A command in one line as the list of its words, as Docker Compose splits it."""

_BLANKS = " \t\r\n"
_ENDS = ";&|<>"


def split(line: str) -> list[str]:  # noqa: PLR0912 - one branch a state
    """The words; quotes and backslashes are gone. Raises ValueError: a quote or bracket has no end, or the line goes
    on behind a sign that only a shell knows, of which Docker Compose would leave out the rest and not say so.

    >>> split("sh -c 'echo a b'")
    ['sh', '-c', 'echo a b']
    """
    done: list[str] = []
    word: list[str] = []
    there = False
    quote = ""
    escaped = False
    for letter in line:
        if escaped:
            word.append(letter)
            there, escaped = True, False
        elif letter == "\\" and quote != "'":
            escaped = True
        elif quote in (")", "`"):
            word.append(letter)
            quote = "" if letter == quote else quote
        elif quote:
            if letter == quote:
                quote = ""
            else:
                word.append(letter)
            there = True
        elif letter in "\"'":
            quote = letter
            there = True
        elif letter in _BLANKS:
            if there:
                done.append("".join(word))
            word, there = [], False
        elif letter in _ENDS:
            raise ValueError(f"has the sign {letter} of a shell")
        else:
            if letter == "(":
                if word[-1:] != ["$"]:
                    raise ValueError("has a bracket of a shell")
                quote = ")"
            elif letter == "`":
                quote = "`"
            word.append(letter)
            there = True
    if quote or escaped:
        raise ValueError("has no end: a quote, a bracket or a \\ is open")
    return [*done, "".join(word)] if there else done

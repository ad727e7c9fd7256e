"""A command in one line as the list of its words, as Docker Compose splits it."""

_BLANKS = " \t\r\n"
_OPERATORS = ";&|<>"


def split(line: str) -> tuple[list[str], str]:  # noqa: PLR0912 - one branch a state
    """The words, without quotes and backslashes, and the rest from a sign on that only a shell knows: Docker Compose
    leaves it out, and does not say so. Raises ValueError: a quote or bracket has no end.

    >>> split("sh -c 'echo a b' && exit")
    (['sh', '-c', 'echo a b'], '&& exit')
    """
    done: list[str] = []
    word: list[str] = []
    there = False
    quote = ""
    escaped = False
    rest = ""
    for position, letter in enumerate(line):
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
        elif letter in _OPERATORS:
            there = there and not (letter == ">" and "".join(word)[:1].isdigit())
            rest = line[position:]
            break
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
    return ([*done, "".join(word)] if there else done), rest

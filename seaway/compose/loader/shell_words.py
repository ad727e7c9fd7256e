"""Splits a command line into words like Docker Compose."""

_BLANKS = " \t\r\n"
_OPERATORS = ";&|<>"


def split(line: str) -> tuple[list[str], str]:  # noqa: PLR0912 - one branch per state
    """The words, without quotes and backslashes, and the rest from the first operator of a shell.

    Docker Compose drops the rest without a message. Raises ValueError: a quote or bracket is not closed.

    >>> split("sh -c 'echo a b' && exit")
    (['sh', '-c', 'echo a b'], '&& exit')
    """
    words: list[str] = []
    word: list[str] = []
    in_word = False
    quote = ""
    escaped = False
    rest = ""
    for position, letter in enumerate(line):
        if escaped:
            word.append(letter)
            in_word, escaped = True, False
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
            in_word = True
        elif letter in "\"'":
            quote = letter
            in_word = True
        elif letter in _BLANKS:
            if in_word:
                words.append("".join(word))
            word, in_word = [], False
        elif letter in _OPERATORS:
            # A number before > is a file descriptor, not a word.
            in_word = in_word and not (letter == ">" and "".join(word)[:1].isdigit())
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
            in_word = True
    if quote or escaped:
        raise ValueError("has an open quote, bracket or \\")
    return ([*words, "".join(word)] if in_word else words), rest

"""The text files that say how an image is built: read, or a problem that has its place."""

from pathlib import Path

from seaway.model import problems


def read(file: Path) -> str:
    """The file's text, without a byte order mark.

    Raises:
        FileNotFoundError: there is none.
        problems.Invalid: it cannot be read, or is no UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise
    except OSError as error:
        wrong, remedy = f"cannot be read: {error.strerror}", "make it a file that you may read"
        raise problems.Invalid([problems.Problem(problems.Place(str(file)), "", wrong, remedy)]) from error
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        place = problems.Place(str(file), before.count(b"\n") + 1)
        wrong = f"is no UTF-8 text (byte 0x{error.object[error.start]:02x})"
        raise problems.Invalid([problems.Problem(place, "", wrong, "save it as UTF-8")]) from error

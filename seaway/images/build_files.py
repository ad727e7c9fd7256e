"""The text files that say how an image is built: read, or a problem that has its place."""

from pathlib import Path

from seaway.files import roots
from seaway.syntax import diagnosis

HINT = "make it a file that you may read"


def load_text(file: Path, root: roots.Root) -> str:
    """The file's text, without a byte order mark.

    Raises:
        FileNotFoundError: there is none.
        diagnosis.InvalidInput: it cannot be read (see ``roots.Root.read``), or is no UTF-8.
    """
    if not root.exists(file):
        raise FileNotFoundError(file)
    try:
        return root.read(file, "", diagnosis.SourceLocation(str(file)), "", hint=HINT).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        place = diagnosis.SourceLocation(str(file), before.count(b"\n") + 1)
        wrong = f"is no UTF-8 text (byte 0x{error.object[error.start]:02x})"
        raise diagnosis.InvalidInput([diagnosis.Diagnostic(place, "", wrong, "save it as UTF-8")]) from error

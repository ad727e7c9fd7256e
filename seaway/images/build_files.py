"""The text files that describe an image build: Dockerfiles and ignore files."""

from pathlib import Path

from seaway.files import roots
from seaway.syntax import diagnosis

HINT = "replace it with a regular file that you may read"


def load_text(file: Path, root: roots.Root) -> str:
    """The file's text, without a byte order mark.

    Raises:
        FileNotFoundError: there is no such file.
    """
    if not root.exists(file):
        raise FileNotFoundError(file)
    try:
        return root.read(file, "", diagnosis.SourceLocation(str(file)), "", hint=HINT).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        message = f"is not UTF-8 text (byte 0x{error.object[error.start]:02x})"
        location = diagnosis.SourceLocation(str(file), line)
        raise diagnosis.reject(location, "", "not-utf-8", message, "save it as UTF-8") from error

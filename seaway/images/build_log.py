"""The plain log of BuildKit, as ``docker buildx build --progress=plain`` prints it: the failed step and its output."""

import dataclasses
import re

from seaway.syntax import diagnosis

_LINE = re.compile(r"#(?P<number>\d+) (?:(?P<seconds>-?\d+\.\d+) ?)?(?P<text>.*)")
_ERROR = "ERROR: "
_CANCELLED = "context canceled"
_EXIT_CODE = re.compile(r"did not complete successfully: exit code: (\d+)")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FailedStep:
    """The step that ended the build."""

    name: str
    """``[install 3/6] RUN pip install flask``."""
    error: str
    output: tuple[str, ...]


def find_failed_step(log: str) -> FailedStep | None:
    """The step that failed; steps that were cancelled because of it did not fail. None: the log has no such step."""
    names: dict[str, str] = {}
    outputs: dict[str, list[str]] = {}
    errors: dict[str, str] = {}
    for line in log.split("\n"):
        match = _LINE.match(line)
        if match is None:
            continue
        number, text = match["number"], match["text"]
        if match["seconds"] is not None:
            outputs.setdefault(number, []).append(diagnosis.clean_line(text))
        elif text.startswith(_ERROR) and _CANCELLED not in text:
            errors[number] = text.removeprefix(_ERROR)
        else:
            names.setdefault(number, text)
    for number, error in errors.items():
        output = "\n".join(outputs.get(number, ())).rstrip()
        return FailedStep(name=names.get(number, ""), error=error, output=tuple(output.split("\n")) if output else ())
    return None


def parse_exit_code(error: str) -> int | None:
    """The exit code of the step's program; None: no program failed."""
    match = _EXIT_CODE.search(error)
    return int(match[1]) if match else None

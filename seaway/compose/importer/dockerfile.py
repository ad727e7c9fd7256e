"""Reads the ports and the user of an image from its Dockerfile."""

import dataclasses
import re
from pathlib import Path

from seaway.files import roots
from seaway.syntax import diagnosis


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The stage that is built."""

    ports: tuple[int, ...] = ()
    """TCP ports of EXPOSE."""
    user: str | None = None
    """Name or number, without the group."""
    base_image: str | None = None


def read_stage(path: Path, root: roots.Root, target: str | None = None) -> Stage:
    """An empty stage if the file cannot be read."""
    try:
        return parse_stage(root.read(path, "", diagnosis.SourceLocation(str(path)), "").decode(), target)
    except (diagnosis.InvalidInput, UnicodeDecodeError):
        return Stage()


def parse_stage(text: str, target: str | None = None) -> Stage:
    """The stage called ``target``, or the last stage, with its inherited values. Values with variables are unknown."""
    stages: dict[str, Stage] = {}
    current, name = Stage(), ""
    for line in re.sub(r"\\[ \t]*\r?\n", " ", text).splitlines():
        instruction, _, rest = line.strip().partition(" ")
        match instruction.upper():
            case "FROM":
                if target and name == target.lower():
                    return current
                words = [word for word in rest.split() if not word.startswith("--")]
                has_name = len(words) > 2 and words[1].lower() == "as"
                name = words[2].lower() if has_name else str(len(stages))
                image = words[0] if words and "$" not in words[0] else None
                current = stages.get(words[0].lower(), Stage(base_image=image)) if words else Stage()
            case "EXPOSE":
                numbers = [word.removesuffix("/tcp") for word in rest.split()]
                ports = [int(number) for number in numbers if number.isdecimal() and 0 < int(number) < 65536]
                current = dataclasses.replace(current, ports=tuple(dict.fromkeys((*current.ports, *ports))))
            case "USER":
                user = rest.partition(":")[0].strip()
                current = dataclasses.replace(current, user=None if "$" in user else user or None)
            case _:
                continue
        stages[name] = current
    return current

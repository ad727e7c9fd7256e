"""What the last stage of a Dockerfile says of ports and users, for services that leave it to their image."""

import dataclasses
import re
from pathlib import Path

from seaway.files import roots
from seaway.syntax import diagnosis


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Of the stage that is built."""

    ports: tuple[int, ...] = ()
    """TCP; the first of them is taken for the main one."""
    user: str | None = None
    """As it is written there: a name or a number, without the group."""
    base_image: str | None = None
    """The image that it begins with."""


def read_stage(path: Path, root: roots.Root, target: str | None = None) -> Stage:
    """Read it; of a file that cannot be read, nothing is known. Values that are variables are unknown too."""
    try:
        return parse_stage(root.read(path, "", diagnosis.SourceLocation(str(path)), "").decode(), target)
    except (diagnosis.InvalidInput, UnicodeDecodeError):
        return Stage()


def parse_stage(text: str, target: str | None = None) -> Stage:
    """The stage called ``target``, or the last one, with what it has from stages before it."""
    stages: dict[str, Stage] = {}
    current, name = Stage(), ""
    for line in re.sub(r"\\[ \t]*\r?\n", " ", text).splitlines():
        word, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        match word.upper():
            case "FROM":
                if target and name == target.lower():
                    return current
                words = [each for each in rest.split() if not each.startswith("--")]
                named = len(words) > 2 and words[1].lower() == "as"
                name = words[2].lower() if named else str(len(stages))
                image = words[0] if words and "$" not in words[0] else None
                current = stages.get(words[0].lower(), Stage(base_image=image)) if words else Stage()
            case "EXPOSE":
                numbers = [each.removesuffix("/tcp") for each in rest.split()]
                ports = tuple(int(each) for each in numbers if each.isdecimal() and 0 < int(each) < 65536)
                current = dataclasses.replace(current, ports=tuple(dict.fromkeys((*current.ports, *ports))))
            case "USER":
                user = rest.partition(":")[0].strip()
                current = dataclasses.replace(current, user=None if "$" in user else user or None)
            case _:
                continue
        stages[name] = current
    return current

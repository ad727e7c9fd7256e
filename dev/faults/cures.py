"""Carries out the hints of failed rollouts as they are written: the key, the line and the value come from the text."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from dev import project
from dev.faults import changes, injections

Cure = Callable[[project.Project, changes.Application, "re.Match[str]"], None]

_LOCATION = re.compile(r"(\w+)\.([\w-]+)((?:\.\w+)*) \((app/app\.yaml):(\d+)\)")


def check_locations(shop: project.Project, hint: str) -> list[str]:
    """The keys in a hint that are not in the line that the hint names. A key that is not set has its parent's line."""
    problems: list[str] = []
    for match in _LOCATION.finditer(hint):
        line = (shop.folder / match[4]).read_text().splitlines()[int(match[5]) - 1]
        keys = [match[2], *match[3].split(".")[1:]]
        if not any(line.strip().startswith(f"{key}:") for key in keys):
            problems.append(f"{match[0]}: the line is {line.strip()!r}")
    return problems


def set_web(**fields: Any) -> Cure:
    """Set fields of web; None removes one. ``{1}`` in a text is the first value in the hint."""

    def cure(shop: project.Project, app: changes.Application, hint: "re.Match[str]") -> None:
        web = app["services"]["web"]
        for key, field in fields.items():
            text = field.format(hint[0], *hint.groups()) if isinstance(field, str) else field
            web[key] = yaml.safe_load(text) if isinstance(text, str) else text
            if text is None:
                del web[key]

    return cure


def build_web(shop: project.Project, app: changes.Application, hint: "re.Match[str]") -> None:
    """Correct the image: the right one is built."""
    app["services"]["web"].pop("image", None)
    app["services"]["web"]["build"] = "./web"


def replace_source(old: str, new: str) -> Cure:
    """Change the program of web, as a developer follows the hint. ``{1}`` is the first value in the hint."""

    def cure(shop: project.Project, app: changes.Application, hint: "re.Match[str]") -> None:
        shop.replace_text("app/web/fault.py", old, new.format(hint[0], *hint.groups()))

    return cure


def keep_folder(shop: project.Project, app: changes.Application, hint: "re.Match[str]") -> None:
    """Allow writes among the image's files: the hint has the value of `writable` and the line of the Dockerfile."""
    app["services"]["web"].setdefault("writable", []).append(hint[1])
    shop.replace_text("app/web/Dockerfile", "USER ", f"{hint[2]}\nUSER ")


def read_log(expected: str, change: Cure) -> Cure:
    """Run the command of the hint, which must show the reason; then make the change."""

    def cure(shop: project.Project, app: changes.Application, hint: "re.Match[str]") -> None:
        result = shop.seaway(*hint[1].split()[1:])
        if result.exit_code or expected not in result.stdout:
            raise AssertionError(f"{hint[1]} does not show {expected!r}:\n{result.output}")
        change(shop, app, hint)

    return cure


def run_kubectl(*arguments: str) -> Cure:
    """Change the cluster. ``NAMESPACE`` stands for that of the stack."""

    def cure(shop: project.Project, app: changes.Application, hint: "re.Match[str]") -> None:
        shop.kubectl(*(injections.get_namespace(shop) if word == "NAMESPACE" else word for word in arguments))

    return cure


def change_nothing(shop: project.Project, app: changes.Application, hint: "re.Match[str]") -> None:
    """The hint is only an argument of `pulumi up`."""


def restore(shop: project.Project, before: dict[Path, bytes]) -> None:
    """Restore the files of the application."""
    for file in (shop.folder / "app").rglob("*"):
        if file.is_file() and file not in before:
            file.unlink()
    for file, content in before.items():
        file.write_bytes(content)


def read_files(shop: project.Project) -> dict[Path, bytes]:
    """The files of the application."""
    return {file: file.read_bytes() for file in (shop.folder / "app").rglob("*") if file.is_file()}

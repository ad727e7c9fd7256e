"""The files of an image on a new disk: which disks get them, and what the command of the init container does."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from seaway.compose.importer import image_files
from tests.unit.compose import test_import

WEB = {"image": "example.com/web:1"}


def mount(target: str, source: str = "disk", **options: Any) -> dict[str, Any]:
    return {"type": "volume", "source": source, "target": target, **options}


@pytest.mark.parametrize(
    ("service", "places"),
    [
        (WEB | {"volumes": [mount("/opt/web/conf")]}, ["/opt/web/conf", "/disks/data"]),
        (
            WEB | {"volumes": [mount("/data", "first"), mount("/srv/a", "web"), mount("/srv/b", "x_y")]},
            ["/srv/a", "/disks/web", "/srv/b", "/disks/x-y"],
        ),
        ({"build": {"context": "."}, "volumes": [mount("/pages/static")]}, ["/pages/static", "/disks/data"]),
        ({"build": {"context": ".", "target": "small"}, "volumes": [mount("/pages/static")]}, []),
        (WEB | {"volumes": [mount("/opt/web/conf", volume={"nocopy": "true"})]}, []),
        (WEB | {"volumes": [mount("/data")]}, []),
        (WEB | {"volumes": [{"type": "bind", "source": "./uploads", "target": "/opt/web/uploads"}]}, []),
        ({"image": "postgres:16", "volumes": [mount("/opt/backup"), mount("/var/lib/postgresql/data", "b")]}, []),
        ({"image": "gcr.io/distroless/x:1", "volumes": [mount("/opt/web/conf")]}, []),
    ],
)
def test_new_disks_get_the_files_of_the_image(service: dict[str, Any], places: list[str], tmp_path: Path) -> None:
    dockerfile = "FROM scratch AS small\nCOPY a /pages/\nFROM python:3\nCOPY a /pages/\n"
    (tmp_path / "Dockerfile").write_text(dockerfile)
    fields = test_import.get_fields({"web": service}, folder=tmp_path)
    init = fields.get("init", {}).get(image_files.CONTAINER, {"command": []})
    assert init["command"][4:] == places
    raw = fields.get("raw", {}).get("StatefulSet", {"spec": {"template": {"spec": {}}}})
    containers = raw["spec"]["template"]["spec"].get("initContainers", [{"volumeMounts": []}])
    assert [place["mountPath"] for place in containers[0]["volumeMounts"]] == places[1::2]


@pytest.mark.parametrize(
    ("disk", "expected"),
    [
        ([], ["a.conf", "more/b.conf"]),
        (["lost+found/x"], ["a.conf", "lost+found/x", "more/b.conf"]),
        (["own.conf"], ["own.conf"]),
        (["a.conf", ".seaway-copying"], ["a.conf", "more/b.conf"]),
    ],
    ids=["empty", "a file system of its own", "with data", "interrupted"],
)
def test_the_command_fills_an_empty_disk(disk: list[str], expected: list[str], tmp_path: Path) -> None:
    folders = {}
    for name, files in {"image": ["a.conf", "more/b.conf"], "disk": disk, "absent disk": []}.items():
        folders[name] = tmp_path / name
        folders[name].mkdir()
        for file in files:
            (folders[name] / file).parent.mkdir(exist_ok=True)
            (folders[name] / file).touch()
    arguments = [tmp_path / "absent", folders["absent disk"], folders["image"], folders["disk"]]
    command = ["sh", "-ec", image_files.SCRIPT, image_files.CONTAINER, *map(str, arguments)]
    subprocess.run(command, check=True)
    assert (
        sorted(str(file.relative_to(folders["disk"])) for file in folders["disk"].rglob("*") if file.is_file())
        == expected
    )
    assert list(folders["absent disk"].iterdir()) == []

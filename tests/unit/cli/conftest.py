"""A checkout with the application shop and the stack dev, and a stand-in for its cluster."""

import contextlib
import os
import pty
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seaway.cli import main
from tests.support import apiserver, live_objects
from tests.unit.cli import program

VERSIONS = {
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "StatefulSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
}


@pytest.fixture
def api() -> Iterator[apiserver.ApiServer]:
    with apiserver.serve() as server:
        yield server


@pytest.fixture(autouse=True)
def unlimited_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of pytest-xdist has COLUMNS."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def checkout(api: apiserver.ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory. Nothing of Pulumi is there but the files that git has: no state, no passphrase, no CLI."""
    folder = tmp_path / "checkout"
    (folder / "app").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text("name: seaway\nruntime: python\n")
    (folder / "app" / "app.yaml").write_text("name: shop\n")
    lines = ["seaway:context: work", "seaway:secrets: {SESSION_KEY: {secure: v1:xyz}}"]
    lines.append("seaway:fingerprintKey: {secure: v1:xyz}")
    (folder / "Pulumi.dev.yaml").write_text("\n  ".join(["config:", *lines]) + "\n")
    (folder / "kubeconfig").write_text(apiserver.kubeconfig(api.url))
    (folder / "nothing").mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("KUBECONFIG", str(folder / "kubeconfig"))
    monkeypatch.setenv("PULUMI_HOME", str(folder / "nothing"))
    monkeypatch.setenv("PATH", str(folder / "nothing"))
    for name in (
        "NO_COLOR",
        "TERM",
        "PULUMI_STACK",
        "PULUMI_BACKEND_URL",
        "PULUMI_CONFIG_PASSPHRASE",
        "PULUMI_CONFIG_PASSPHRASE_FILE",
    ):
        monkeypatch.delenv(name, raising=False)
    return folder


def run_at_terminal(monkeypatch: pytest.MonkeyPatch, *words: str, width: int = 100) -> tuple[int, list[str]]:
    """`seaway ...` with a terminal so wide as its stdout; its exit code, and the lines that the terminal got."""
    ours, theirs = pty.openpty()
    got: list[bytes] = []

    def read() -> None:
        # When the other end is closed it is an error to read from.
        with contextlib.suppress(OSError):
            while True:
                got.append(os.read(ours, 4096))

    reader = threading.Thread(target=read)
    reader.start()
    with monkeypatch.context() as changed, os.fdopen(theirs, "w") as stream:
        changed.setenv("COLUMNS", str(width))
        changed.setenv("TERM", "xterm-256color")
        changed.setattr(sys, "stdout", stream)
        code = main.main(words)
    reader.join(timeout=300)
    os.close(ours)
    return code, b"".join(got).decode().splitlines()


class Seaway:
    """Runs commands in this process."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured

    def __call__(self, *words: str, code: int = 0) -> Any:
        """Run `seaway ...`, which must end with this code; its stdout and stderr."""
        assert main.main(words) == code
        return self._captured.readouterr()


@pytest.fixture
def seaway(capfd: pytest.CaptureFixture[str]) -> Seaway:
    return Seaway(capfd)


@pytest.fixture
def pulumi(checkout: Path) -> program.FakePulumi:
    return program.FakePulumi(checkout)


def put_objects(api: apiserver.ApiServer, kind: str, *objects: live_objects.Object) -> None:
    """Into the namespace of shop in dev."""
    for manifest in objects:
        version = VERSIONS.get(kind, "v1")
        api.put(
            version,
            kind,
            "shop-dev",
            manifest["metadata"]["name"],
            **{key: manifest[key] for key in manifest if key != "kind"},
        )


def put_all(api: apiserver.ApiServer, objects: dict[str, list[live_objects.Object]]) -> None:
    for kind, manifests in objects.items():
        put_objects(api, kind, *manifests)

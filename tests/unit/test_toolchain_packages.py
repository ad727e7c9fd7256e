"""Debian packages with injected output of apt. Nothing is installed."""

import os
import subprocess
from pathlib import Path

import pytest

from dev.cluster import layout, packages

CONTAINERD = packages.PACKAGES[:2]
DOCKERS = """\
Reading package lists...
The following packages will be REMOVED:
  containerd.io docker-ce
Remv docker-ce [5:24.0.7]
Remv containerd.io [1.6.25]
Inst runc (1.1.5)
Inst containerd (1.6.20)
"""


class Apt:
    """A fake apt: returns results in order, and records the commands."""

    def __init__(self, *answers: tuple[int, str]) -> None:
        self.answers = list(answers)
        self.commands: list[list[str]] = []

    def __call__(self, command: list[str]) -> packages.Result:
        self.commands.append(command)
        code, text = self.answers.pop(0) if self.answers else (0, "")
        return subprocess.CompletedProcess(command, code, text)


@pytest.fixture(autouse=True)
def debian(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Root on Debian, with policy-rc.d in the test's folder."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(packages, "find_program", lambda name: Path("/usr/bin") / name)
    monkeypatch.setattr(packages, "POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr(packages, "SAVED_POLICY", tmp_path / "policy-rc.d.kept-by-seaway")


def test_docker_packages_are_never_removed() -> None:
    apt = Apt((0, DOCKERS))
    with pytest.raises(layout.CannotRunError) as caught:
        packages.install_packages(CONTAINERD, Path("/nowhere"), apt)
    assert str(caught.value) == (
        "installing containerd runc would remove docker-ce, containerd.io, so no package was changed. "
        "Docker's packages conflict with Debian's, and contain containerd and runc: "
        "run `apt-get install --reinstall containerd.io` and try again. "
        "Or install them yourself (`apt-get install --no-remove --no-install-recommends containerd runc`), "
        "or use another cluster (README, 'Any other cluster')."
    )
    assert [command[:2] for command in apt.commands] == [["apt-get", "-s"]]
    assert "--no-remove" not in apt.commands[0], "with it apt would not list the packages that it would remove"


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([(0, "Remv podman [4.3]\n")], r"would remove podman, so no package was changed. Or install"),
        (
            [(100, "E: Unable to locate package runc\n"), (100, "Hit:1 a\nE: Failed to resolve deb.example\n")],
            r"`apt-get update` failed.*\nE: Failed to resolve deb.example",
        ),
    ],
)
def test_problems_are_reported_in_the_words_of_apt(answers: list[tuple[int, str]], message: str) -> None:
    with pytest.raises(layout.CannotRunError, match=message):
        packages.check_installable(CONTAINERD, Apt(*answers))


def test_lists_are_updated_only_for_an_unknown_package() -> None:
    apt = Apt((100, "E: Unable to locate package containerd\n"), (0, ""), (0, "Inst containerd\n"))
    packages.check_installable(CONTAINERD, apt)
    assert [command[1] for command in apt.commands] == ["-s", "update", "-s"]
    apt = Apt((0, "Inst containerd\n"))
    packages.check_installable(CONTAINERD, apt)
    assert len(apt.commands) == 1


def test_without_root_or_apt_the_error_has_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    apt = Apt()
    with pytest.raises(
        layout.CannotRunError, match=r"run: sudo apt-get install --no-remove --no-install-recommends containerd runc$"
    ):
        packages.check_installable(CONTAINERD, apt)
    assert apt.commands == []
    monkeypatch.setattr(packages, "find_program", lambda _: None)
    with pytest.raises(layout.CannotRunError, match=r"on PATH yourself: containerd \(runs the pods\), runc \("):
        packages.check_installable(CONTAINERD, Apt())


def test_no_missing_package_runs_no_command() -> None:
    apt = Apt()
    packages.install_packages((), Path("/nowhere"), apt)
    assert apt.commands == []


def test_installation_removes_no_package_and_starts_no_service(tmp_path: Path) -> None:
    during: list[str] = []

    class Installing(Apt):
        def __call__(self, command: list[str]) -> packages.Result:
            if command[1] == "install":
                during.append(packages.POLICY.read_text())
            return super().__call__(command)

    apt = Installing((0, "Inst runc\n"), (0, "Setting up runc\n"))
    packages.install_packages(CONTAINERD, tmp_path / "logs" / "packages.log", apt)
    assert apt.commands[1][:6] == ["apt-get", "install", "--no-remove", "--no-install-recommends", "containerd", "runc"]
    assert during == [packages.DENY_ALL]
    assert not packages.POLICY.exists()
    assert (tmp_path / "logs" / "packages.log").read_text() == "Setting up runc\n"


def test_failed_installation_reports_the_reason_and_removes_the_policy(tmp_path: Path) -> None:
    apt = Apt((0, ""), (100, "noise\nE: dpkg was interrupted\n"))
    with pytest.raises(layout.CannotRunError, match=r"packages.log\):\nE: dpkg was interrupted$"):
        packages.install_packages(CONTAINERD, tmp_path / "packages.log", apt)
    assert not packages.POLICY.exists()


def test_outdated_lists_are_updated_and_the_installation_is_retried(tmp_path: Path) -> None:
    apt = Apt((0, ""), (100, "E: Failed to fetch http://deb/x 404\n"), (0, ""), (0, "done"))
    packages.install_packages(CONTAINERD, tmp_path / "packages.log", apt)
    assert [command[1] for command in apt.commands][:4] == ["-s", "install", "update", "install"]


@pytest.mark.parametrize(("code", "touched"), [(101, False), (0, True)])
def test_existing_policy_is_respected(code: int, touched: bool) -> None:
    theirs = f"#!/bin/sh\nexit {code}\n"
    packages.POLICY.write_text(theirs)
    packages.POLICY.chmod(0o755)
    with packages.prevent_service_start():
        assert packages.POLICY.read_text() == (packages.DENY_ALL if touched else theirs)
    assert packages.POLICY.read_text() == theirs
    assert not packages.SAVED_POLICY.exists()


def test_policy_of_a_killed_run_is_restored() -> None:
    theirs = "#!/bin/sh\nexit 0\n"
    packages.POLICY.write_text(packages.DENY_ALL)
    packages.SAVED_POLICY.write_text(theirs)
    packages.SAVED_POLICY.chmod(0o755)
    with packages.prevent_service_start():
        assert packages.POLICY.read_text() == packages.DENY_ALL
    assert packages.POLICY.read_text() == theirs
    packages.POLICY.write_text(packages.DENY_ALL)
    with packages.prevent_service_start():
        pass
    assert not packages.POLICY.exists()

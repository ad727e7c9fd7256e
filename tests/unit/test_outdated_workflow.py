"""The scheduled workflow that updates images.lock: its last step, run with a repository and a fake gh."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from dev import project

GH = """#!/bin/sh
echo "$@" >>"$LOG"
case "$2" in view) cat "$STATE" 2>/dev/null;; create) echo OPEN >"$STATE";; esac
"""


class Repository:
    """A clone with a remote, and the requests to gh."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.remote, self.log = folder / "clone", folder / "remote", folder / "gh.log"
        (folder / "gh").write_text(GH)
        (folder / "gh").chmod(0o755)
        path = f"{folder}:{os.environ['PATH']}"
        kept = {"HOME": str(folder), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        self.env = {"PATH": path, "LOG": str(self.log), "STATE": str(folder / "state"), **kept}
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.remote), cwd=folder)
        self.git("clone", "--quiet", str(self.remote), str(self.folder), cwd=folder)
        (self.folder / "app").mkdir()
        (self.folder / "app" / "app.yaml").write_text("name: shop\n")
        self.git("add", ".")
        self.git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "first")
        self.git("push", "--quiet", "origin", "main")

    def git(self, *words: str, cwd: Path | None = None) -> str:
        result = subprocess.run(
            ["git", *words], cwd=cwd or self.folder, env=self.env, capture_output=True, text=True, check=True
        )
        return result.stdout

    def renew(self, lock: str | None) -> None:
        """One run of the workflow, on a fresh checkout of main, where `seaway images lock` writes this."""
        self.git("switch", "--quiet", "--force", "main")
        if lock is not None:
            (self.folder / "app" / "images.lock").write_text(lock)
        workflow = yaml.safe_load((project.ROOT / ".github/workflows/outdated.yml").read_text())
        (step,) = (candidate for candidate in workflow["jobs"]["renew"]["steps"] if candidate.get("name") == "Propose")
        # The shell of a step on GitHub.
        result = subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr

    def list_proposals(self) -> list[str]:
        """List the commits of the proposal, newest first."""
        listed = self.git("for-each-ref", "--format=%(objectname)", "refs/heads/seaway/", cwd=self.remote).split()
        return self.git("rev-list", *listed, "--not", "main", cwd=self.remote).split() if listed else []

    def list_requests(self) -> list[str]:
        return [line.split()[1] for line in self.log.read_text().splitlines()] if self.log.exists() else []


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_unchanged_registries_propose_nothing(repository: Repository) -> None:
    repository.renew(None)
    assert repository.list_proposals() == []
    assert repository.list_requests() == []


def test_one_proposal_is_updated_with_the_registries(repository: Repository) -> None:
    repository.renew("a: 1\n")
    (first,) = repository.list_proposals()
    assert repository.git("show", "--format=", "--name-only", first, cwd=repository.remote) == "app/images.lock\n"
    assert repository.list_requests() == ["view", "create"]
    repository.renew("a: 1\n")
    assert repository.list_proposals() == [first], "the same again starts nothing"
    repository.renew("a: 2\n")
    (second,) = repository.list_proposals()
    assert second != first
    assert repository.list_requests() == ["view", "create", "view"], "the proposal that is open takes it"


def test_gitlab_proposes_like_github() -> None:
    """Its last script cannot run without GitLab. Except for the remote and its options, it has the same lines."""

    def list_lines(script: str) -> list[str]:
        kept = (line for line in script.splitlines() if not line.startswith(("#", "git push", "origin=", 'test "$(gh')))
        return [line.replace('"$origin"', "origin").replace("@localhost", "@users.noreply.github.com") for line in kept]

    github = yaml.safe_load((project.ROOT / ".github/workflows/outdated.yml").read_text())["jobs"]["renew"]["steps"][-1]
    gitlab = yaml.safe_load((project.ROOT / "docs/ci/gitlab-outdated.yml").read_text())["outdated"]["script"][-1]
    assert list_lines(gitlab) == [line for line in list_lines(github["run"]) if "gh pr create" not in line]

"""The scheduled workflow that updates images.lock: its steps, run with a repository and a fake gh."""

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
        self.env = {"PATH": path, "HAS_TOKEN": "yes", "LOG": str(self.log), "STATE": str(folder / "state"), **kept}
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
        self.git("reset", "--quiet", "--hard")
        command = "" if lock is None else f"printf '{lock}' >app/images.lock; echo x >>app/app.yaml"
        seaway = self.folder / ".venv" / "bin" / "seaway"
        seaway.parent.mkdir(parents=True, exist_ok=True)
        seaway.write_text(f"#!/bin/sh\n{command}\n")
        seaway.chmod(0o755)
        self._run("renew", "Renew")
        (self.folder / ".outdated").mkdir(exist_ok=True)
        for file in self.folder.glob("outdated.*"):
            file.rename(self.folder / ".outdated" / file.name)
        self.git("reset", "--quiet", "--hard")
        self._run("propose", "Propose")

    def _run(self, job: str, name: str) -> None:
        workflow = yaml.safe_load((project.ROOT / ".github/workflows/outdated.yml").read_text())
        (step,) = (candidate for candidate in workflow["jobs"][job]["steps"] if candidate.get("name") == name)
        # The shell of a step on GitHub.
        command = ["bash", "-e", "-c", step["run"]]
        result = subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False)
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
        different = ("git push", "git remote", "git config", "test -n", "head -c", 'test "$(gh', "  gh pr create")
        kept = (line for line in script.splitlines() if not line.startswith(different))
        return [line.replace("@localhost", "@users.noreply.github.com").replace(".outdated/", "") for line in kept]

    workflow = yaml.safe_load((project.ROOT / ".github/workflows/outdated.yml").read_text())
    jobs = yaml.safe_load((project.ROOT / "docs/ci/gitlab-outdated.yml").read_text())
    assert list_lines(jobs["outdated-propose"]["script"][-1]) == list_lines(
        workflow["jobs"]["propose"]["steps"][-1]["run"]
    )


def test_without_a_token_a_person_opens_the_request(repository: Repository) -> None:
    repository.env["HAS_TOKEN"] = ""
    repository.renew("a: 1\n")
    (commit,) = repository.list_proposals()
    assert repository.git("show", "--format=", "--name-only", commit, cwd=repository.remote) == "app/images.lock\n"
    assert repository.list_requests() == []

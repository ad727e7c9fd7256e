"""The CI workflows are valid YAML and call existing verbs, and the preview writes one comment."""

import http.server
import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from dev import project
from seaway.cli import main, new

GITHUB = [file for top in (project.ROOT, new.TEMPLATE) for file in sorted((top / ".github/workflows").glob("*.yml"))]
GITLAB = [*sorted((project.ROOT / "docs" / "ci").glob("*.yml")), new.TEMPLATE / ".gitlab-ci.yml"]
PREVIEW = project.ROOT / ".github" / "workflows" / "preview.yml"


def list_scripts(file: Path) -> Iterator[str]:
    """List the scripts of a workflow's jobs."""
    read = yaml.safe_load(file.read_text())
    if file in GITHUB:
        assert read[True], f"{file.name}: when? YAML 1.1 reads the key `on` as true"
        for job in read["jobs"].values():
            yield from (step["run"] for step in job["steps"] if "run" in step)
    else:
        for job in read.values():
            for key in ("before_script", "script", "after_script"):
                yield from job.get(key, ()) if isinstance(job, dict) else ()


def list_commands() -> Iterator[tuple[str, list[str]]]:
    """List the words of each call of seaway in the scripts. Shell variables are not expanded."""
    for file in (*GITHUB, *GITLAB):
        for script in list_scripts(file):
            for line in re.sub(r"\\\n\s*", " ", script).splitlines():
                if match := re.match(r"\s*(?:\.venv/bin/)?seaway (.*)", line):
                    words = shlex.split(match[1], comments=True)
                    stop = next((at for at, word in enumerate(words) if word in ("|", ">", ">>", "&&", "||")), None)
                    yield file.name, words[:stop]


def test_preview_runs_on_both_platforms() -> None:
    called = {(file, words[0], "--offline" in words) for file, words in list_commands()}
    for file in ("preview.yml", "gitlab-preview.yml"):
        assert {(file, "preview", False), (file, "preview", True)} <= called


@pytest.mark.parametrize(("file", "words"), list(list_commands()))
def test_every_command_is_valid(file: str, words: list[str]) -> None:
    assert main.build_parser().parse_args(words).run


def test_pull_request_from_a_fork_gets_no_secrets() -> None:
    jobs = yaml.safe_load(PREVIEW.read_text())["jobs"]
    assert jobs["fork"]["permissions"] == {"contents": "read"}
    assert "secrets." not in yaml.safe_dump(jobs["fork"])
    here, there = (jobs[name]["if"] for name in ("preview", "fork"))
    assert here == "github.event.pull_request.head.repo.full_name == github.repository"
    assert there == here.replace("==", "!=")


GH = """#!/bin/sh
case "$*" in
*--paginate*) cat comments;;
*) echo "$@" >>log;;
esac
"""


@pytest.mark.parametrize(
    ("comments", "called"),
    [
        ("", "api --silent --method POST repos/o/r/issues/7/comments"),
        ("5\t<!-- seaway preview prod -->\n", "api --silent --method POST repos/o/r/issues/7/comments"),
        (
            "5\t<!-- seaway preview prod -->\n6\t<!-- seaway preview dev -->\n",
            "api --silent --method PATCH repos/o/r/issues/comments/6",
        ),
    ],
)
def test_github_has_one_comment(comments: str, called: str, tmp_path: Path) -> None:
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    (tmp_path / "comments").write_text(comments)
    (tmp_path / "preview.md").write_text("<!-- seaway preview dev -->\n### shop\n")
    steps = yaml.safe_load(PREVIEW.read_text())["jobs"]["preview"]["steps"]
    env = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "COMMENTS": "repos/o/r/issues/7/comments",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    # The shell of a step on GitHub.
    subprocess.run(["bash", "-e", "-c", steps[-1]["run"]], cwd=tmp_path, env=env, check=True)
    assert (tmp_path / "log").read_text() == f"{called} -F body=@preview.md\n"
    assert (tmp_path / "summary").read_text() == "<!-- seaway preview dev -->\n### shop\n"


class GitLab(http.server.BaseHTTPRequestHandler):
    """A fake GitLab with the notes of a merge request."""

    notes: ClassVar[list[dict[str, Any]]] = []
    seen: ClassVar[list[tuple[str, str, Any]]] = []

    def do_GET(self) -> None:
        self._answer(self.notes)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append((self.command, self.path, body))
        self._answer({})

    do_PUT = do_POST  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def _answer(self, content: Any) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())


def test_gitlab_has_one_note(tmp_path: Path) -> None:
    text = "<!-- seaway preview dev -->\n### shop\n"
    (tmp_path / "preview.md").write_text(text)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    read = yaml.safe_load((project.ROOT / "docs" / "ci" / "gitlab-preview.yml").read_text())
    (script,) = read["seaway-preview"]["after_script"]
    server = http.server.HTTPServer(("127.0.0.1", 0), GitLab)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    env = {
        "PATH": os.environ["PATH"],
        "CI_API_V4_URL": f"http://127.0.0.1:{server.server_port}",
        "CI_PROJECT_ID": "3",
        "CI_MERGE_REQUEST_IID": "7",
    }
    notes = "/projects/3/merge_requests/7/notes"
    try:
        subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=env, check=True)
        assert GitLab.seen == [], "without a token there is no note, and no failure"
        env["SEAWAY_COMMENT_TOKEN"] = "t"
        subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=env, check=True)
        GitLab.notes = [{"id": 4, "body": "thanks"}, {"id": 5, "body": "<!-- seaway preview dev -->\nold"}]
        subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=env, check=True)
    finally:
        server.shutdown()
        server.server_close()
    assert GitLab.seen == [("POST", notes, {"body": text}), ("PUT", f"{notes}/5", {"body": text})]

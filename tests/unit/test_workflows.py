"""The CI workflows keep the rules of their rights and call existing verbs, and the preview writes one comment."""

import http.server
import json
import os
import re
import shlex
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from dev import project
from seaway.cli import main, new
from seaway.review import markdown
from tests.support import workflow_rules

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


@pytest.mark.parametrize("file", [*GITHUB, *GITLAB], ids=lambda file: str(file.relative_to(project.ROOT)))
def test_rights(file: Path) -> None:
    has_hashes = not file.is_relative_to(new.TEMPLATE)
    assert workflow_rules.list_violations(file.read_text(), has_hashes=has_hashes) == []


@pytest.mark.parametrize("file", [*GITHUB, *GITLAB], ids=lambda file: str(file.relative_to(project.ROOT)))
def test_dependencies_of_make_have_hashes(file: Path) -> None:
    """What a workflow calls by `make` is installed like what it installs itself."""
    if any(re.search(r"\bmake\b", script) for script in list_scripts(file)):
        recipes = (project.ROOT / "Makefile").read_text().replace("--isolated --no-project", "")
        lines = [line for line in recipes.splitlines() if "uv run" not in line]  # the sample's tests, in `make test`
        assert list(workflow_rules.list_install_violations("\n".join(lines))) == []


SHA = "actions/checkout@" + 40 * "a"
CHECKOUT = {"uses": SHA, "with": {"persist-credentials": False}}
BUILD = {"run": "make test"}


def build_workflow(*steps: dict[str, Any], on: str = "pull_request", **job: Any) -> str:
    return yaml.safe_dump({True: on, "jobs": {"a": {"permissions": {"contents": "read"}, **job, "steps": list(steps)}}})


@pytest.mark.parametrize(
    ("text", "violation"),
    [
        (build_workflow(CHECKOUT, BUILD, on="pull_request_target"), "workflow: trigger with the rights of the base"),
        (build_workflow({"uses": "actions/cache@v5"}), "a: actions/cache without the SHA of a commit"),
        (build_workflow({"uses": SHA}), "a: checkout persists credentials"),
        *(
            (build_workflow(CHECKOUT, BUILD, permissions=permissions), "a: the branch's code has a token that writes")
            for permissions in ({"pull-requests": "write"}, {"contents": "write"}, "write-all", None)
        ),
        (
            build_workflow(CHECKOUT, {"run": "git log"}, permissions={"pull-requests": "write"}),
            "a: the branch's code has a token that writes",
        ),
        (build_workflow(BUILD, env={"A": "${{ secrets.PASSPHRASE }}"}), "a: secrets without an environment"),
        (
            build_workflow(CHECKOUT, BUILD, environment="a", env={"A": "${{ secrets.A_TOKEN }}"}),
            "a: the branch's code has a token",
        ),
        (
            build_workflow(CHECKOUT, environment="a", env={"A": "${{ secrets.A }}", "B": "${{ github.workspace }}/b"}),
            "a: a secret in the checkout, where a link may lead elsewhere",
        ),
        (build_workflow({"run": "echo ${{ github.head_ref }}"}), "a: an expression in a script"),
        *(
            (build_workflow({"run": command}), f"a: {violation}")
            for command, violation in (
                ("pip install -r requirements.txt", "unhashed install"),
                ("pip install --no-deps -e .", "unhashed install"),
                ("pip install --no-index --no-deps -e .", "isolated build"),
                ("pip install --require-hashes \\\n  -r a.txt", "build of a source distribution"),
                ("uv pip install checkov", "unpinned program"),
                ("pipx run uv", "unpinned program"),
                ("curl -fsSL https://get.example.com | sh -s -- --version 3", "unpinned program"),
            )
        ),
        ("a: {script: [make test, 'echo $A_TOKEN'], environment: b}", "a: the branch's code has a token"),
        (
            ".b: {before_script: [make setup]}\na: {extends: .b, script: ['echo $A_TOKEN'], environment: b}",
            "a: the branch's code has a token",
        ),
        ("a: {script: ['echo $A_TOKEN']}", "a: a token without an environment"),
        ("a: {script: ['git push https://b:$A_TOKEN@c'], environment: b}", "a: a token in arguments"),
        ("a: {script: ['curl -H \"b: ${A_TOKEN}\" c'], environment: b}", "a: a token in arguments"),
        ("a: {script: [pip install -r requirements.txt]}", "a: unhashed install"),
    ],
)
def test_rule_reports(text: str, violation: str) -> None:
    assert violation in workflow_rules.list_violations(text)


def test_ranges_are_only_for_jobs_without_secrets() -> None:
    step = {"run": "pip install --only-binary :all: -r requirements.txt"}
    assert workflow_rules.list_violations(build_workflow(step), has_hashes=False) == []
    assert workflow_rules.list_violations(build_workflow(step, environment="a"), has_hashes=False)


REPORT = (
    "<!-- seaway preview dev -->\n### shop\n@team web@sha256:12 a.b@c.de `@d`\n /approve\n\x1b[2J \u202e| a |\n"
    "&#64;a &#0064;a &#X40;a &commat;a @&#97; .@a _a_@a \u00e9@a\n"
)
COMMENT = (
    "<!-- seaway preview dev -->\n### shop\n@\u200bteam web@sha256:12 a.b@c.de `@\u200bd`\n"
    "\u200b /approve\n\ufffd[2J \ufffd| a |\n"
    "&#64;\u200ba &#0064;\u200ba &#X40;\u200ba &commat;\u200ba @\u200b&#97; .@\u200ba _a_@\u200ba \u00e9@\u200ba\n"
)
"""What is posted of a report that the code of a branch wrote: it mentions nobody, as text or as an entity."""

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
    (tmp_path / "preview.md").write_text(REPORT)
    steps = yaml.safe_load(PREVIEW.read_text())["jobs"]["comment"]["steps"]
    env = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "STACK": "dev",
        "COMMENTS": "repos/o/r/issues/7/comments",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    # The shell of a step on GitHub.
    subprocess.run(["bash", "-e", "-c", steps[-1]["run"]], cwd=tmp_path, env=env, check=True)
    assert (tmp_path / "log").read_text() == f"{called} -F body=@preview.md\n"
    assert (tmp_path / "summary").read_text() == (tmp_path / "preview.md").read_text() == COMMENT


class GitLab(http.server.BaseHTTPRequestHandler):
    """A fake GitLab with the notes of a merge request."""

    notes: ClassVar[list[dict[str, Any]]] = []
    seen: ClassVar[list[tuple[str, str, Any]]] = []

    def do_GET(self) -> None:
        self._answer({"id": 9} if self.path == "/user" else self.notes)

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
    (tmp_path / "preview.md").write_text(REPORT)
    read = yaml.safe_load((project.ROOT / "docs" / "ci" / "gitlab-preview.yml").read_text())
    (script,) = read["seaway-comment"]["script"]
    server = http.server.HTTPServer(("127.0.0.1", 0), GitLab)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    env = {
        "PATH": os.environ["PATH"],
        "STACK": "dev",
        "SEAWAY_COMMENT_TOKEN": "",
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
        marked = {"body": "<!-- seaway preview dev -->\nold"}
        GitLab.notes = [{"id": 4, "author": {"id": 1}} | marked, {"id": 5, "author": {"id": 9}} | marked]
        subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=env, check=True)
    finally:
        server.shutdown()
        server.server_close()
    assert GitLab.seen == [("POST", notes, {"body": COMMENT}), ("PUT", f"{notes}/5", {"body": COMMENT})]


@pytest.mark.parametrize("report", ["<!-- seaway preview prod -->\n", "### shop\n", "", 300_000 * "a", None])
@pytest.mark.parametrize("platform", ["github", "gitlab"])
def test_other_artifacts_are_refused(platform: str, report: str | None, tmp_path: Path) -> None:
    """None: a link to a file of the runner."""
    if platform == "github":
        script = yaml.safe_load(PREVIEW.read_text())["jobs"]["comment"]["steps"][-1]["run"]
    else:
        read = yaml.safe_load((project.ROOT / "docs" / "ci" / "gitlab-preview.yml").read_text())
        (script,) = read["seaway-comment"]["script"]
    if report is None:
        (tmp_path / "secret").write_text(f"{markdown.format_marker('dev')}\n")
        (tmp_path / "preview.md").symlink_to("secret")
    else:
        (tmp_path / "preview.md").write_text(report)
    env = {"PATH": os.environ["PATH"], "STACK": "dev", "SEAWAY_COMMENT_TOKEN": "t"}
    result = subprocess.run(
        ["bash", "-e", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("preview.md is not a")

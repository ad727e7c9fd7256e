"""Rules that every CI file keeps: which code may run beside which rights. Each violation is a job and a rule's name."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
RUNS_CODE = re.compile(
    r"(?m)\.venv/|\bmake\b|\bpip\b|\bpytest\b|^\s*pulumi\b|^\s*seaway |^\s*\./|\bpython3? (?!-I -|-m venv)"
)
"""A command that runs files of the branch, or packages that they name."""

UNPINNED = re.compile(
    r"\bpipx\b|\buvx\b|\buv (?:run|tool|pip install)\b|\bnpm\b|\bnpx\b|(?:curl|wget)[^\n]*\|\s*(?:sudo )?(?:ba)?sh\b"
)
TOKEN = re.compile(r"\$\{?\w*TOKEN|environ\[\"\w*TOKEN")
READ_ONLY = {"contents": "read"}


def list_violations(text: str, *, has_hashes: bool = True) -> list[str]:
    """List the violations of a workflow of GitHub or of jobs of GitLab.

    A new project has ranges, whose hashes nobody knows yet: only for a job without secrets, that is no violation.
    """
    document = yaml.safe_load(text)
    if "jobs" in document:  # GitHub; YAML 1.1 reads its key `on` as true
        return [*_check_triggers(document[True]), *_check_github(document, has_hashes=has_hashes)]
    jobs = {name: job for name, job in document.items() if isinstance(job, dict)}
    bases = {name: job for name, job in jobs.items() if name.startswith(".")}
    merged = {name: bases.get(job.get("extends"), {}) | job for name, job in jobs.items() if name not in bases}
    return [violation for name, job in merged.items() for violation in _check_gitlab(name, job, has_hashes=has_hashes)]


def list_install_violations(script: str) -> Iterator[str]:
    """The violations of the lines that install packages."""
    if UNPINNED.search(script):
        yield "unpinned program"
    for line in re.sub(r"\\\n\s*", " ", script).splitlines():
        if "pip install" not in line:
            continue
        words = re.split(r"pip install", line)[1].split()
        if "--no-index" in words:
            if "--no-build-isolation" not in words:
                yield "isolated build"
        elif "--require-hashes" not in words:
            yield "unhashed install"
        elif "--only-binary" not in words:
            yield "build of a source distribution"


def _check_triggers(triggers: Any) -> Iterator[str]:
    if {"pull_request_target", "workflow_run"} & set([triggers] if isinstance(triggers, str) else triggers):
        yield "workflow: trigger with the rights of the base"


def _check_github(document: dict[str, Any], *, has_hashes: bool) -> Iterator[str]:
    for name, job in document["jobs"].items():
        permissions = job.get("permissions", document.get("permissions"))
        steps: list[dict[str, Any]] = job["steps"]
        scripts = "\n".join(step.get("run", "") for step in steps)
        uses = [step["uses"] for step in steps if "uses" in step]
        has_checkout = any(action.startswith("actions/checkout@") for action in uses)
        writes = (
            {scope for scope, level in permissions.items() if level == "write"}
            if isinstance(permissions, dict)
            else {"all"}
        )
        settings = yaml.safe_dump([job, document.get("env")])
        for step in steps:
            action = step.get("uses", "")
            if action and not PINNED.fullmatch(action):
                yield f"{name}: {action.partition('@')[0]} without the SHA of a commit"
            if action.startswith("actions/checkout@") and step.get("with", {}).get("persist-credentials") is not False:
                yield f"{name}: checkout persists credentials"
        if writes and has_checkout and (RUNS_CODE.search(scripts) or "pull-requests" in writes):
            yield f"{name}: the branch's code has a token that writes"
        if "secrets." in settings and "environment" not in job:
            yield f"{name}: secrets without an environment"
        if has_checkout and RUNS_CODE.search(scripts) and re.search(r"secrets\.\w*TOKEN", settings):
            yield f"{name}: the branch's code has a token"
        if has_checkout and "secrets." in settings and "github.workspace" in settings:
            yield f"{name}: a secret in the checkout, where a link may lead elsewhere"
        if re.search(r"\$\{\{(?! *matrix\.)", scripts):
            yield f"{name}: an expression in a script"
        yield from _check_installs(name, scripts, has_hashes=has_hashes or "environment" in job or bool(writes))


def _check_gitlab(name: str, job: dict[str, Any], *, has_hashes: bool) -> Iterator[str]:
    scripts = "\n".join(line for key in ("before_script", "script", "after_script") for line in job.get(key, ()))
    if TOKEN.search(scripts):
        if RUNS_CODE.search(scripts):
            yield f"{name}: the branch's code has a token"
        if "environment" not in job:
            yield f"{name}: a token without an environment"
        if re.search(r"(?m)://\S*TOKEN|^\s*(?:git|curl) [^']*TOKEN", scripts):
            yield f"{name}: a token in arguments"
    yield from _check_installs(name, scripts, has_hashes=has_hashes or "environment" in job)


def _check_installs(name: str, scripts: str, *, has_hashes: bool) -> Iterator[str]:
    for violation in list_install_violations(scripts):
        if has_hashes or violation != "unhashed install" or "--only-binary" not in scripts:
            yield f"{name}: {violation}"

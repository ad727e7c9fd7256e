"""Runs the three checkers without a network, and parses their output."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from dev import environment
from dev.checkers import outcome, schemas
from dev.cluster import compiler, layout, parts, toolchain

CHECKOV = "3.3.30"
"""https://pypi.org/project/checkov/. With its dependencies it has 200 MB, so it is not in the development extra."""

VERSIONS: Mapping[str, str] = {
    **{name: parts.find_part(name).version for name in ("kube-score", "kubeconform")},
    "checkov": CHECKOV,
}
BEST_GRADE = 10
"""kube-score's best grade. https://github.com/zegl/kube-score/blob/v1.20.0/scorecard/scorecard.go"""


def run_checker(name: str, file: Path, example: str, work: Path) -> list[outcome.Outcome]:
    """Run a checker on a file.

    Raises:
        layout.FailedError: the checker did not run.
        layout.CannotRunError: the checker is not installed, and cannot be compiled.
    """
    match name:
        case "kube-score":
            return list(parse_kube_score(_run_json(_kube_score_command(file)), example))
        case "kubeconform":
            return list(parse_kubeconform(_run_json(_kubeconform_command(file, work)), example))
        case _:
            return list(parse_checkov(_run_json(_checkov_command(file)), example))


def parse_kube_score(output: Any, example: str) -> Iterator[outcome.Outcome]:
    """Parse the JSON of kube-score, version 2."""
    for manifest in output:
        key = outcome.object_key(manifest["type_meta"]["kind"], manifest["object_meta"]["name"])
        for check in manifest["checks"]:
            if check["skipped"]:
                continue
            comments: list[dict[str, str]] = check.get("comments") or []
            texts = (f"{comment['path']}: {comment['summary']}".strip(": ") for comment in comments)
            passed = check["grade"] == BEST_GRADE
            yield outcome.Outcome(
                tool="kube-score",
                check=check["check"]["id"],
                title=check["check"]["name"],
                example=example,
                object=key,
                passed=passed,
                message="" if passed else "; ".join(dict.fromkeys(texts)),
            )


def parse_kubeconform(output: Any, example: str) -> Iterator[outcome.Outcome]:
    """Parse the JSON of `kubeconform -verbose`. Its only check is whether the API knows every field."""
    for resource in output["resources"]:
        passed = resource["status"] == "statusValid"
        yield outcome.Outcome(
            tool="kubeconform",
            check="schema",
            title="The API knows every field",
            example=example,
            object=outcome.object_key(resource["kind"], resource["name"]),
            passed=passed,
            message="" if passed else resource["msg"] or resource["status"],
        )


def parse_checkov(output: Any, example: str) -> Iterator[outcome.Outcome]:
    """Parse the JSON of checkov. Containers of an object share an outcome, which fails if one of them fails."""
    outcomes: dict[tuple[str, str], outcome.Outcome] = {}
    for key in ("passed_checks", "failed_checks"):
        for check in output["results"].get(key) or ():
            kind, _, name = check["resource"].split(".", 2)
            # checkov appends all labels to the name of a template's pods.
            checked = outcome.object_key(kind, name.partition(".app.kubernetes.io/")[0])
            passed = key == "passed_checks"
            outcomes[check["check_id"], checked] = outcome.Outcome(
                tool="checkov",
                check=check["check_id"],
                title=check["check_name"],
                example=example,
                object=checked,
                passed=passed,
                message="" if passed else check["check_name"],
            )
    yield from outcomes.values()


def ensure_checkers(names: Sequence[str]) -> None:
    """Compile or install missing checkers.

    Raises:
        layout.FailedError: a checker did not compile, or cannot be installed.
    """
    compiled = (parts.find_part(name) for name in names if name != "checkov")
    toolchain.compile_parts(tuple(part for part in compiled if not compiler.is_built(part)), sys.stdout)
    program = _checkov_program()
    if program.exists() or "checkov" not in names:
        return
    print(f"checkov {CHECKOV}, into {program.parents[1]}", flush=True)
    temporary = program.parents[1].with_name(f".making-{program.parents[1].name}")
    shutil.rmtree(temporary, ignore_errors=True)
    uv = str(Path(sys.executable).with_name("uv"))
    for command in (
        [uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(temporary)],
        [uv, "pip", "install", "--quiet", "--python", str(temporary / "bin" / "python"), f"checkov=={CHECKOV}"],
    ):
        _run(command)
    temporary.rename(program.parents[1])


def _checkov_program() -> Path:
    return compiler.parts_folder() / f"checkov-{CHECKOV}" / "bin" / "checkov"


def _kube_score_command(file: Path) -> list[str]:
    version = parts.find_part("kubernetes").version.rpartition(".")[0]
    options = ["--all-default-optional", "--kubernetes-version", f"v{version}", "--output-format", "json"]
    return [str(toolchain.find_program("kube-score")), "score", *options, str(file)]


def _kubeconform_command(file: Path, work: Path) -> list[str]:
    folder = work / "schemas"
    if not folder.exists():
        folder.mkdir()
        schemas.write_schemas(read_definitions(), folder)
    location = f"{folder}/{schemas.LOCATION}"
    return [
        str(toolchain.find_program("kubeconform")),
        *("-strict", "-verbose", "-output", "json", "-schema-location", location, str(file)),
    ]


def _checkov_command(file: Path) -> list[str]:
    options = ("--framework", "kubernetes", "--output", "json", "--compact", "--skip-download")
    return [str(_checkov_program()), "--file", str(file), *options]


def read_definitions() -> Mapping[str, Any]:
    """Return the types of the API, from the Kubernetes module that the toolchain pins."""
    module = parts.find_part("kubernetes").folder
    command = [str(compiler.find_go().program), "list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes"]
    folder = subprocess.run(
        command, cwd=module, env=compiler.go_environment(), check=True, capture_output=True, text=True
    ).stdout.strip()
    file = Path(folder) / "api" / "openapi-spec" / "swagger.json"
    return cast("Mapping[str, Any]", json.loads(file.read_text())["definitions"])


def _run_json(command: list[str]) -> Any:
    """Run a checker and parse its output. Its exit code is 1 if a check fails."""
    result = subprocess.run(command, cwd=environment.ROOT, env=_make_environment(), capture_output=True, check=False)
    try:
        return json.loads(result.stdout)
    except ValueError:
        lines = (result.stderr or result.stdout).decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else "no output"
        raise layout.FailedError(f"{Path(command[0]).name} did not run (exit {result.returncode}): {reason}") from None


def _make_environment() -> dict[str, str]:
    """Return the environment without variables that select the user's own configuration."""
    return {name: text for name, text in os.environ.items() if not name.startswith(("CKV_", "BC_", "PYTHON"))}


def _run(command: list[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise layout.FailedError(f"{' '.join(command[:3])}: {result.stderr.strip()}")

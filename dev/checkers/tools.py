"""The three checkers: how each is run without a network, and what its answer means."""

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
"""https://pypi.org/project/checkov/; 200 MB with what it brings, so never a dependency of ours."""

VERSIONS: Mapping[str, str] = {
    **{name: parts.find_part(name).version for name in ("kube-score", "kubeconform")},
    "checkov": CHECKOV,
}
BEST_GRADE = 10
"""kube-score's best grade. https://github.com/zegl/kube-score/blob/v1.20.0/scorecard/scorecard.go"""


def run_checker(name: str, file: Path, example: str, work: Path) -> list[outcome.Outcome]:
    """What a checker says of a file.

    Raises:
        layout.FailedError: it did not run.
        layout.CannotRunError: it is not there, and cannot be made.
    """
    match name:
        case "kube-score":
            return list(parse_kube_score(_run_json(_kube_score_command(file)), example))
        case "kubeconform":
            return list(parse_kubeconform(_run_json(_kubeconform_command(file, work)), example))
        case _:
            return list(parse_checkov(_run_json(_checkov_command(file)), example))


def parse_kube_score(output: Any, example: str) -> Iterator[outcome.Outcome]:
    """Its JSON, version 2."""
    for each in output:
        key = outcome.object_key(each["type_meta"]["kind"], each["object_meta"]["name"])
        for one in each["checks"]:
            if one["skipped"]:
                continue
            comments: list[dict[str, str]] = one.get("comments") or []
            told = "; ".join(dict.fromkeys(f"{said['path']}: {said['summary']}".strip(": ") for said in comments))
            passed = one["grade"] == BEST_GRADE
            yield outcome.Outcome(
                tool="kube-score",
                check=one["check"]["id"],
                title=one["check"]["name"],
                example=example,
                object=key,
                passed=passed,
                message="" if passed else told,
            )


def parse_kubeconform(output: Any, example: str) -> Iterator[outcome.Outcome]:
    """Its JSON with `-verbose`: one check, whether the API knows all that is said."""
    for one in output["resources"]:
        passed = one["status"] == "statusValid"
        yield outcome.Outcome(
            tool="kubeconform",
            check="schema",
            title="The API knows every field",
            example=example,
            object=outcome.object_key(one["kind"], one["name"]),
            passed=passed,
            message="" if passed else one["msg"] or one["status"],
        )


def parse_checkov(output: Any, example: str) -> Iterator[outcome.Outcome]:
    """Its JSON; several containers of one object are one outcome, which fails if one of them does."""
    found: dict[tuple[str, str], outcome.Outcome] = {}
    for key in ("passed_checks", "failed_checks"):
        for one in output["results"].get(key) or ():
            kind, _, name = one["resource"].split(".", 2)
            # The pods of a template are called after all of their labels.
            of = outcome.object_key(kind, name.partition(".app.kubernetes.io/")[0])
            passed = key == "passed_checks"
            found[one["check_id"], of] = outcome.Outcome(
                tool="checkov",
                check=one["check_id"],
                title=one["check_name"],
                example=example,
                object=of,
                passed=passed,
                message="" if passed else one["check_name"],
            )
    yield from found.values()


def ensure_checkers(names: Sequence[str]) -> None:
    """Compile or install what these checkers need and the machine lacks.

    Raises:
        layout.FailedError: it did not compile, or cannot be installed.
    """
    named = tuple(parts.find_part(name) for name in names if name != "checkov")
    toolchain.compile_parts(tuple(part for part in named if not compiler.is_built(part)), sys.stdout)
    program = _checkov_program()
    if program.exists() or "checkov" not in names:
        return
    print(f"checkov {CHECKOV}, into {program.parents[1]}", flush=True)
    fresh = program.parents[1].with_name(f".making-{program.parents[1].name}")
    shutil.rmtree(fresh, ignore_errors=True)
    uv = str(Path(sys.executable).with_name("uv"))
    for command in (
        [uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(fresh)],
        [uv, "pip", "install", "--quiet", "--python", str(fresh / "bin" / "python"), f"checkov=={CHECKOV}"],
    ):
        _run(command)
    fresh.rename(program.parents[1])


def _checkov_program() -> Path:
    return compiler.parts_folder() / f"checkov-{CHECKOV}" / "bin" / "checkov"


def _kube_score_command(file: Path) -> list[str]:
    version = parts.find_part("kubernetes").version.rpartition(".")[0]
    wanted = ["--all-default-optional", "--kubernetes-version", f"v{version}", "--output-format", "json"]
    return [str(toolchain.find_program("kube-score")), "score", *wanted, str(file)]


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
    wanted = ("--framework", "kubernetes", "--output", "json", "--compact", "--skip-download")
    return [str(_checkov_program()), "--file", str(file), *wanted]


def read_definitions() -> Mapping[str, Any]:
    """The types of the API, from the Kubernetes module that the toolchain pins."""
    module = parts.find_part("kubernetes").folder
    command = [str(compiler.find_go().program), "list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes"]
    listed = subprocess.run(
        command, cwd=module, env=compiler.go_environment(), check=True, capture_output=True, text=True
    ).stdout
    file = Path(listed.strip()) / "api" / "openapi-spec" / "swagger.json"
    return cast("Mapping[str, Any]", json.loads(file.read_text())["definitions"])


def _run_json(command: list[str]) -> Any:
    """What a checker prints; its exit code is 1 where it finds something."""
    said = subprocess.run(command, cwd=environment.ROOT, env=_environment(), capture_output=True, check=False)
    try:
        return json.loads(said.stdout)
    except ValueError:
        lines = (said.stderr or said.stdout).decode(errors="replace").strip().splitlines()
        why = lines[-1] if lines else "it printed nothing"
        raise layout.FailedError(f"{Path(command[0]).name} did not run (exit {said.returncode}): {why}") from None


def _environment() -> dict[str, str]:
    """Without what would make a checker read the user's own configuration."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("CKV_", "BC_", "PYTHON"))}


def _run(command: list[str]) -> None:
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    if said.returncode:
        raise layout.FailedError(f"{' '.join(command[:3])}: {said.stderr.strip()}")

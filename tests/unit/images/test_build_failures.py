"""Why a build failed. recorded_builds.json has errors and logs of BuildKit 0.34, with docker-build 0.0.22."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from seaway.files import roots
from seaway.images import build_causes, build_failures, build_inputs, build_log, build_reports
from seaway.model import application, settings
from seaway.project import environments

RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("recorded_builds.json").read_text())
EXPECTED = {
    "program-missing": "build-program-missing:6",
    "program-missing-exec": "build-program-missing:3",
    "no-space": "build-no-space:3",
    "network": "build-network:3",
    "package-pip": "build-package-missing:3",
    "package-apt": "build-package-missing:3",
    "file-missing": "build-file-missing:3",
    "base-missing": "build-base-missing:1",
    "base-not-authorised": "build-base-not-authorised:1",
    "base-unreachable": "build-base-unreachable:1",
    "stage-missing": "build-stage-missing:3",
    "permission-file": "build-permission-denied:4",
    "permission-folder": "build-permission-denied:4",
    "secret-missing": "build-secret-missing:3",
    "timeout": "build-timeout:3",
    "platform-shell": "build-wrong-platform:4",
    "platform-exec": "build-wrong-platform:4",
    "network-add": "build-network:3",
    "heredoc": "build-step-failed:3",
    "expanded-path": "build-file-missing:4",
    "several-stages": "build-step-failed:7",
    "parallel-stages": "build-step-failed:5",
    "dockerfile-invalid": "build-dockerfile-invalid:1",
    "push-failed": "build-push-failed:None",
    "target-missing": "build-stage-missing:None",
    "builder-unavailable": "build-builder-unavailable:None",
}
PIP = "ARG BASE_IMAGE=python:3.12-slim\nFROM ${BASE_IMAGE}\nRUN pip install flask\n"


def explain(
    folder: Path,
    dockerfile: str,
    error: str,
    log: str = "",
    *,
    files: dict[str, str] | None = None,
    overrides: dict[str, str] | None = None,
    inline: str | None = None,
) -> build_failures.BuildFailure:
    """Explain a failed build of a context with these files."""
    for name, text in {"Dockerfile": dockerfile, **(files or {})}.items():
        file = folder / "app" / "web" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    build = application.Build(context="web", inline=inline)
    app = application.Application(name="shop", services=(application.Service(name="web", build=build),))
    stack = settings.Settings(
        stack="dev", context="work", registry="registry.localhost:5000", image_overrides=overrides or {}
    )
    environment = dataclasses.replace(environments.Environment.create(app, stack), folder=folder)
    root = roots.find_root(folder, stack.root)
    inputs = build_inputs.BuildInputs.read(folder / "app", build, stack, root, lock=None)
    return build_failures.explain_failure("web", inputs, environment, error=error, log=log)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_cause_of_a_recorded_failure(tmp_path: Path, name: str, wording: SnapshotAssertion) -> None:
    recorded = RECORDED[name]
    overrides = {"python:3.12-slim": "registry.localhost:5000/base/python:3.11-bookworm"}
    dockerfile, log = "\n".join(recorded["dockerfile"]), "\n".join(recorded["log"])
    failure = explain(tmp_path, dockerfile, recorded["error"], log, overrides=overrides)
    assert f"{failure.cause}:{failure.location.line}" == EXPECTED[name]
    assert failure.location.file == "app/web/Dockerfile"
    assert [failure.format(log_file=".seaway/builds/web.log" if log else "")] == wording


def test_all_recorded_failures_are_expected() -> None:
    assert EXPECTED.keys() == RECORDED.keys()


OUTPUTS = {
    "npm error 404 Not Found - GET https://registry.npmjs.org/leftpadd - Not found": "build-package-missing",
    "npm error notarget No matching version found for left-pad@9.9.9.": "build-package-missing",
    "  nodejss (no such package):": "build-package-missing",
    "No match for argument: nodejss": "build-package-missing",
    "E: Package 'python2' has no installation candidate": "build-package-missing",
    "E: Version '9' for 'curl' was not found": "build-package-missing",
    "npm error network request to https://registry.npmjs.org/x failed, reason: getaddrinfo EAI_AGAIN": "build-network",
    "curl: (6) Could not resolve host: pypi.org": "build-network",
    "Temporary failure resolving 'deb.debian.org'": "build-network",
    "wget: bad address 'dl-cdn.alpinelinux.org'": "build-network",
    "npm error code ENOSPC": "build-no-space",
    "OSError: [Errno 28] No space left on device": "build-no-space",
    "npm error code SELF_SIGNED_CERT_IN_CHAIN: self-signed certificate in certificate chain": "build-certificate",
    "ssl.SSLCertVerificationError: certificate verify failed: unable to get local issuer": "build-certificate",
    "error: command 'gcc' failed: No such file or directory": "build-compiler-missing",
    "unable to execute 'x86_64-linux-gnu-gcc': No such file": "build-compiler-missing",
    "gyp ERR! stack Error: not found: make": "build-compiler-missing",
    "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.": "build-checksum-mismatch",
    "npm error code EINTEGRITY": "build-checksum-mismatch",
    "npm error code EACCES": "build-permission-denied",
    "chown: /srv: Operation not permitted": "build-permission-denied",
    "AssertionError: 2 tests failed": "build-step-failed",
    "warning: the connection was slow": "build-step-failed",
}


@pytest.mark.parametrize("output", OUTPUTS)
def test_the_cause_is_in_the_output_of_the_program(output: str) -> None:
    error = 'failed to solve: process "/bin/sh -c x" did not complete successfully: exit code: 1'
    assert build_causes.recognise(error, f"first\n{output}\nlast")[0].id == OUTPUTS[output]


EXIT_CODES = {
    124: "build-timeout",
    126: "build-permission-denied",
    127: "build-program-missing",
    137: "build-out-of-memory",
}


@pytest.mark.parametrize("exit_code", EXIT_CODES)
def test_the_exit_code_alone_is_a_cause(exit_code: int) -> None:
    error = f'failed to solve: process "/bin/sh -c x" did not complete successfully: exit code: {exit_code}'
    assert build_causes.recognise(error, "")[0].id == EXIT_CODES[exit_code]


def test_an_ignored_file_is_named_with_its_pattern(tmp_path: Path, wording: SnapshotAssertion) -> None:
    error = 'failed to solve: failed to calculate checksum of ref abc::def: "/data/a.txt": not found'
    log = f"#1 [2/2] COPY data/a.txt /\n#1 ERROR: {error.removeprefix('failed to solve: ')}"
    files = {"data/a.txt": "a", ".dockerignore": "# not needed\n*.log\ndata\n"}
    failure = explain(tmp_path, "FROM python:3.12-slim\nCOPY data/a.txt /\n", error, log, files=files)
    assert (failure.cause, failure.location.line) == ("build-file-ignored", 2)
    assert [failure.format()] == wording


def test_a_misspelt_file_is_suggested(tmp_path: Path, wording: SnapshotAssertion) -> None:
    error = 'failed to solve: failed to calculate checksum of ref abc::def: "/servr.py": not found'
    log = f"#1 [2/2] COPY servr.py /\n#1 ERROR: {error.removeprefix('failed to solve: ')}"
    failure = explain(tmp_path, "FROM python:3.12-slim\nCOPY servr.py /\n", error, log, files={"server.py": ""})
    assert failure.cause == "build-file-missing"
    assert [failure.message] == wording


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("docker.io/library/pyhton:3.12-slim: not found", "build-base-missing"),
        ("pull access denied, repository does not exist or may require authorization", "build-base-not-authorised"),
        ("dial tcp: lookup registry-1.docker.io: no such host", "build-base-unreachable"),
    ],
)
def test_a_misspelt_base_image_is_suggested(tmp_path: Path, reason: str, cause: str) -> None:
    """The images that the environment overrides run there."""
    image = "docker.io/library/pyhton:3.12-slim"
    error = f"failed to solve: pyhton:3.12-slim: failed to resolve source metadata for {image}: {reason}"
    overrides = {"python:3.12-slim": "mirror.example.com/python:3.12", "postgres:17": "mirror.example.com/postgres:17"}
    failure = explain(tmp_path, "FROM pyhton:3.12-slim\n", error, overrides=overrides)
    assert (failure.cause, failure.location.line) == (cause, 1)
    assert " (did you mean python:3.12-slim?)" in failure.hint


def test_the_engine_docker_reports_the_step_and_no_output(tmp_path: Path, wording: SnapshotAssertion) -> None:
    """The error of pulumi-docker, as recorded in https://github.com/pulumi/pulumi-awsx/issues/1401."""
    error = (
        'error reading build output: process "/bin/sh -c poetry run ./manage.py collectstatic" did not complete'
        " successfully: exit code: 1"
    )
    dockerfile = "FROM python:3.12\nRUN pip install poetry\nRUN poetry run \\\n  ./manage.py collectstatic\n"
    failure = explain(tmp_path, dockerfile, error)
    assert (failure.cause, failure.location.line, failure.exit_code) == ("build-step-failed", 3, 1)
    assert [failure.format(missing_log="seaway:engine docker keeps no log")] == wording


def test_a_base_image_without_an_override_is_named_alone(tmp_path: Path) -> None:
    error = 'failed to solve: process "/bin/sh -c pip install flask" did not complete successfully: exit code: 127'
    log = f"#1 [2/2] RUN pip install flask\n#1 0.1 /bin/sh: 1: pip: not found\n#1 ERROR: {error[17:]}"
    assert explain(tmp_path, PIP, error, log).message == "pip is not in the base image python:3.12-slim"


def test_an_inline_dockerfile_is_named_with_its_service(tmp_path: Path) -> None:
    error = 'failed to solve: process "/bin/sh -c false" did not complete successfully: exit code: 1'
    failure = explain(tmp_path, "", error, inline="FROM a\nRUN false\n")
    assert str(failure.location) == "app/app.yaml (inline Dockerfile of web):2"


def test_only_the_end_of_a_long_output_is_shown(tmp_path: Path) -> None:
    error = 'process "/bin/sh -c pip install flask" did not complete successfully: exit code: 3'
    output = "\n".join(f"#1 0.1 \x1b[31mline {number}\x1b[0m" for number in range(100))
    log = f"#1 [2/2] RUN pip install flask\n{output}\n#1 0.2 10%\r50%\r{'x' * 500}\n#1 ERROR: {error}"
    lines = explain(tmp_path, PIP, f"failed to solve: {error}", log).format(log_file="web.log").splitlines()
    assert lines[2] == "  output (last 20 of 101 lines; the whole log: web.log):"
    assert lines[3] == "    line 81"
    assert lines[22] == f"    {'x' * 199}…"


def test_a_log_without_an_error_has_no_failed_step() -> None:
    assert build_log.find_failed_step("#1 [1/2] FROM x\n#1 DONE 0.1s\nsomething else\n") is None


def test_the_failures_of_a_run_are_kept_until_the_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build_reports.add(tmp_path, "error: image web: failed")
    build_reports.add(tmp_path, "error: image worker: failed")
    build_reports.print_failures(tmp_path)
    assert capsys.readouterr().err == "\nerror: image web: failed\n\nerror: image worker: failed\n"
    build_reports.clear(tmp_path)
    build_reports.print_failures(tmp_path)
    assert capsys.readouterr().err == ""


def test_every_cause_has_a_section_in_the_runbook() -> None:
    runbook = (Path(__file__).parents[3] / "docs" / "runbook.md").read_text()
    assert [cause.id for cause in build_causes.CAUSES if f"\n### {cause.id}\n" not in runbook] == []

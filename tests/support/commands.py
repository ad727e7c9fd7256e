"""The shortest form of each documented make target and each verb of `seaway` that a test runs.

tests/unit/test_documented.py compares the tables with the Makefile and with the parser of `seaway`: a new target or
verb without a row fails. It also checks the rows that refer to a test. tests/unit/test_documented.py and
tests/e2e/test_documented.py run the other rows.
"""

import ast
import dataclasses
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from dev import project

Stage = Literal["unit", "cluster", "optional"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Make:
    """A test runs `make TARGET WORDS`, and checks that the repository does not change.

    Args:
        stage: its requirement: none, the one-node cluster, or optional parts.
        in_copy: runs in a copy of the checkout, because it writes files in git.
        prints: a regular expression that its output must match.
        changes: a regular expression for allowed lines of the diff.
    """

    words: tuple[str, ...] = ()
    stage: Stage
    in_copy: bool = False
    code: int = 0
    prints: str = ""
    changes: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class InTest:
    """This test runs it: `tests/e2e/test_shop.py::test_name`."""

    test: str

    @property
    def file(self) -> Path:
        return project.ROOT / self.test.partition("::")[0]


@dataclasses.dataclass(frozen=True, slots=True)
class InScript:
    """A line of a script runs it: the test run cannot run itself."""

    file: str
    line: str


SECOND = "tests/e2e/test_second_checkout.py::"
QUICK = "--services 1 --runs 1"

TARGETS: Mapping[str, Make | InTest | InScript] = {
    "help": Make(words=("ALL=1",), stage="unit", prints="(?s)cluster-up.*cluster-status"),
    "up": InTest(f"{SECOND}test_make_up_goes_from_source_to_running"),
    "preview": InTest(f"{SECOND}test_repetition_changes_nothing"),
    "down": InTest(f"{SECOND}test_make_down_leaves_nothing_running_or_mounted"),
    "images": Make(stage="cluster", prints=r"(?s)python:3\.12-slim\n +runs registry.*pip.*make image NAME="),
    "image": InTest("tests/e2e/test_images.py::test_image_of_debian_packages"),
    "clean": InTest(f"{SECOND}test_make_clean_stops_before_a_volume"),
    "test": InScript(".ci/run", "make test"),
    "test-unit": InScript("Makefile", "test: $(MAKE) test-unit"),
    "test-sample": InScript("Makefile", "test: $(MAKE) test-sample"),
    # Only collects the tests: `make optional` and the tests take twenty minutes.
    "test-optional": Make(
        words=("MAKE=true", "ARGS=--collect-only --quiet"), stage="cluster", prints="test_autoscaling.py::"
    ),
    "check": InScript(".ci/run", "make check"),
    "dist": Make(stage="cluster", prints="PASSED"),
    "format": Make(stage="cluster", in_copy=True),
    "golden": Make(stage="unit", in_copy=True, prints="smallest.yaml"),
    "snapshots": Make(
        words=("ARGS=tests/unit/test_wording.py -k of_this_package",),
        stage="unit",
        in_copy=True,
        prints="1 snapshot passed",
    ),
    # A registry may have added files to a pinned version.
    "lock": Make(stage="cluster", in_copy=True, changes=r"[+-] +--hash=sha256:[0-9a-f]{64}( \\)?"),
    "soak": InTest("tests/e2e/test_soak.py::test_no_request_fails"),
    "faults": Make(words=("ARGS=image-not-found",), stage="cluster", prints=r"runbook\.md#image-not-found"),
    "checkers": Make(
        words=("ARGS=--tools kubeconform kube-score",),
        stage="optional",
        in_copy=True,
        prints="kube-score: [0-9]+ checks",
    ),
    "compose-config": Make(stage="optional", in_copy=True, prints="0 unintended differences"),
    "compose-table": Make(words=("ARGS=--only worker",), stage="optional", prints=r"worker: seaway: runs: yes"),
    "compose-keys": Make(stage="unit", in_copy=True),
    "bench": Make(
        words=(f"ARGS={QUICK}",), stage="cluster", prints="(?s)no-op preview.*N=1 +create.*kubectl kustomize"
    ),
    "plan": Make(stage="cluster", prints="All parts are available"),
    "setup": Make(stage="cluster"),
    "able": Make(stage="cluster", prints="this machine can run the cluster"),
    "toolchain": Make(stage="cluster"),
    # Compiling takes twenty minutes. Tests see no optional part, and compile none.
    "optional": Make(stage="cluster", code=2, prints="kube-network-policies cannot be compiled here"),
    "cluster-up": InTest(f"{SECOND}test_start_cleans_up_after_an_interrupted_start"),
    "cluster-status": InTest(f"{SECOND}test_start_cleans_up_after_an_interrupted_start"),
    "cluster-down": InTest(f"{SECOND}test_make_cluster_down_keeps_the_data"),
}

VERBS: Mapping[str, InTest] = {
    "up": InTest("tests/e2e/test_rollback.py::test_release_is_recorded_without_drift"),
    "preview": InTest("tests/e2e/test_preview.py::test_preview_without_changes"),
    "check": InTest("tests/e2e/test_check.py::test_met_requirements"),
    "render": InTest("tests/unit/cli/test_render.py::test_an_unknown_service"),
    "import": InTest("tests/unit/cli/test_import.py::test_it_writes_the_application_and_the_losses"),
    "export": InTest("tests/unit/cli/test_export.py::test_a_file_for_docker_and_what_is_lost"),
    "explain": InTest("tests/unit/cli/test_explain.py::test_a_service"),
    "graph": InTest("tests/unit/cli/test_explain.py::test_the_graph_as_a_list"),
    "status": InTest("tests/e2e/test_operator.py::test_status_of_healthy_workloads"),
    "test": InTest("tests/e2e/test_acceptance.py::test_rows_without_disturbance"),
    "logs": InTest("tests/e2e/test_operator.py::test_logs_have_the_names_of_both_pods"),
    "exec": InTest("tests/e2e/test_verbs.py::test_output_input_and_exit_code_of_a_command"),
    "run": InTest("tests/e2e/test_verbs.py::test_run_of_a_job"),
    "port-forward": InTest("tests/e2e/test_verbs.py::test_forwarded_port_follows_the_pod"),
    "migrate": InTest("tests/unit/cli/test_migrate.py::test_it_writes_them_once"),
    "new": InTest("tests/unit/test_wheel.py::test_new_project_passes_its_tests"),
    "help": InTest("tests/unit/cli/test_help.py::test_page_section_and_check"),
    "diff": InTest("tests/unit/cli/test_diff.py::test_a_table_of_differences"),
    "release promote": InTest("tests/e2e/test_promotion.py::test_one_release_in_three_environments"),
    "release rollback": InTest("tests/e2e/test_promotion.py::test_healthy_release_is_rolled_back"),
    "release list": InTest("tests/e2e/test_promotion.py::test_held_release_requires_its_id"),
    "release save": InTest("tests/unit/cli/test_release_list.py::test_the_deployed_release_is_saved_once"),
    "release sign": InTest("tests/unit/cli/test_release_sign.py::test_the_deployed_release_is_signed"),
    "images outdated": InTest("tests/unit/cli/test_images.py::test_an_unpinned_image_is_not_a_failure"),
    "images lock": InTest("tests/e2e/test_outdated.py::test_image_is_pinned_and_deployed_by_its_digest"),
}


def list_targets(makefile: str) -> dict[str, str]:
    """Return the recipe of each target in `make help`."""
    rules = re.finditer(r"^([a-zA-Z0-9_.-]+):[^=\n]*?##[^\n]*\n((?:\t[^\n]*\n|#[^\n]*\n)*)", makefile, re.M)
    return {rule[1]: rule[2] for rule in rules}


def run(name: str, folder: Path) -> project.CommandResult:
    """Run a row of the table. Raises AssertionError: the target failed, or changed the repository."""
    row = TARGETS[name]
    assert isinstance(row, Make)
    if row.in_copy:
        project.copy_checkout(folder)
        git(folder, "init", "--quiet")
        (folder / ".git" / "info" / "exclude").write_text(".venv\n")
        git(folder, "add", "--all")
        git(
            folder, "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--message", "all"
        )
    else:
        folder = project.ROOT
    before = git(folder, "status", "--porcelain"), git(folder, "diff")
    outer = ("MAKE", "MFLAGS", "PYTEST")
    env = {key: value for key, value in os.environ.items() if not key.startswith(outer)}
    result = project.run_command("make", name, *row.words, cwd=folder, env=env, timeout=570)
    assert result.exit_code == row.code, result.output
    assert re.search(row.prints, result.output), result.output
    after = git(folder, "diff", "--unified=0", "--no-color")
    if row.changes:
        lines = [line for line in after.splitlines() if re.match(r"[+-](?![+-]{2} )", line)]
        assert [line for line in lines if not re.fullmatch(row.changes, line)] == []
    else:
        assert (git(folder, "status", "--porcelain"), git(folder, "diff")) == before
    return result


def git(folder: Path, *words: str) -> str:
    """Run git and return its output."""
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def list_calls(test: str) -> Iterator[list[str]]:
    """List the words of each call and each list in a test, and in the functions of its file that it calls.

    A word that is not a constant is an empty text. Raises KeyError: the test does not exist.
    """
    file, _, name = test.partition("::")
    tree = ast.parse((project.ROOT / file).read_text())
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    waiting, seen = [name], set[str]()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        for node in ast.walk(functions[name]):
            if isinstance(node, ast.Call | ast.List | ast.Tuple):
                yield [_constant(argument) for argument in (node.args if isinstance(node, ast.Call) else node.elts)]
            called = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
            if called in functions and called not in seen:
                waiting.append(called)


def _constant(node: ast.AST) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def has_words(test: str, words: list[str]) -> bool:
    """Return whether a test has these words in sequence in a call or a list."""
    return any(
        line[at : at + len(words)] == words for line in list_calls(test) for at in range(len(line) - len(words) + 1)
    )

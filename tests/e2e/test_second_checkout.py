"""A second checkout on the same machine: `make up` and `make down`, then its cluster is killed and wiped.

The first checkout is not affected. The tests run in the order of the file.
"""

import dataclasses
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dev import environment, prober, project
from dev.cluster import compiler, node, parts
from dev.cluster import layout as layouts
from seaway.files import roots
from seaway.project import load

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A clone with the Python environment of this checkout."""
    folder = tmp_path_factory.mktemp("second")
    project.copy_checkout(folder)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all", "--", ":!.venv")
    git(folder, "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--message", "all")
    (folder / ".git" / "info" / "exclude").write_text(".venv\n")
    yield folder
    project.run_cluster("wipe", folder=folder)


def git(folder: Path, *arguments: str) -> str:
    result = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return result.stdout


def make(folder: Path, *words: str, fails: bool = False, **variables: str) -> project.CommandResult:
    """Run `make TARGET` of the checkout in a new shell."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PULUMI"))}
    result = project.run_command("make", *words, cwd=folder, env=env | variables, timeout=600)
    assert bool(result.exit_code) == fails, result.output
    return result


def server(folder: Path) -> str:
    match = re.search(r"server: (\S+)", (folder / ".seaway" / "kubeconfig").read_text())
    assert match
    return match[1]


def is_healthy(folder: Path) -> bool:
    return project.run_cluster("status", "--json", folder=folder, check=False).exit_code == 0


def test_make_up_goes_from_source_to_running(second: Path) -> None:
    """Runs unattended, prints a table at the end, and keeps the repository clean."""
    result = make(second, "up")
    heading = re.search(r"^SERVICE +KIND +ADDRESS +READY .*$", result.stdout, re.M)
    assert heading, result.output
    # Indented lines are the rest of a row.
    rows = re.findall(r"^\S+ +(?:service|store|job) +(\S+) +(\d+)/(\d+) ", result.stdout[heading.end() :], re.M)
    assert len(rows) == 3, result.stdout
    assert all(ready == wanted != "0" for _, ready, wanted in rows), result.stdout
    addresses = [address for address, _, _ in rows if address != "-"]
    assert addresses
    for address in addresses:
        assert httpx.get(address, timeout=10).status_code == 200
    assert git(second, "status", "--porcelain") == ""


@pytest.mark.parametrize("target", ["up", "preview"])
def test_repetition_changes_nothing(second: Path, target: str) -> None:
    result = make(second, target)
    assert re.search(r"^ +\d+ unchanged$", result.stdout, re.M), result.output
    assert not re.search(r"^ +[-+~] *\d+ ", result.stdout, re.M), result.output


def disks_of_the_sample(second: Path) -> list[str]:
    app = load.load_application(second / "app" / "app.yaml", root=roots.Root(second))
    return [f"{app.name}-dev/data-{store.name}-0" for store in app.stores]


def test_make_up_of_another_application_stops_before_the_disk(second: Path) -> None:
    """As in the README: replace `app/` by another application."""
    lost = disks_of_the_sample(second)
    if not lost:
        pytest.skip("the application in app/ has no store")
    file = second / "app" / "app.yaml"
    before = file.read_text()
    file.write_text(re.sub(r"^name: \S+$", "name: mine", before, flags=re.M))
    result = make(second, "up", fails=True)
    for name in lost:
        assert f"deletes the disk {name} (" in result.output, result.output
    assert f"SEAWAY_ACCEPT_DATA_LOSS={','.join(lost)} before the same command" in result.output
    file.write_text(before)
    result = make(second, "up")
    assert not re.search(r"^ +[+~] *\d+ ", result.stdout, re.M), result.output


def test_env_file_lets_plain_pulumi_work(second: Path) -> None:
    command = ". .seaway/env && pulumi preview --non-interactive --stack dev --expect-no-changes"
    result = project.run_command("sh", "-c", command, cwd=second, env=os.environ)
    assert result.exit_code == 0, result.output
    assert git(second, "status", "--porcelain") == ""


def run_shell(folder: Path, script: str, stdin: str = "") -> project.CommandResult:
    """Run lines in a new shell of a user: only `.seaway/env` of the checkout sets up Pulumi."""
    others = ("CI", "MAKE", "MFLAGS", "PULUMI")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    command = ["bash", "-c", f"set -e\n{script}"]
    start = time.monotonic()
    result = subprocess.run(
        command,
        cwd=folder,
        env=inherited | {"PYTHONPATH": str(folder)},  # the environment of this checkout has its own `seaway`
        input=stdin,
        capture_output=True,
        text=True,
        timeout=570,
        check=False,
    )
    print(result.stdout, result.stderr)
    return project.CommandResult(result.returncode, result.stdout, result.stderr, time.monotonic() - start)


def read_lines_of_the_page() -> str:
    """Return the first block of docs/environments.md."""
    page = (project.ROOT / "docs" / "environments.md").read_text()
    return page.partition("```sh\n")[2].partition("```")[0]


@pytest.fixture
def without_staging(second: Path) -> Iterator[None]:
    """Remove the stack and its files afterwards."""
    yield
    run_shell(second, ". .seaway/env; pulumi stack rm staging --yes --force")
    kubeconfig = str(second / ".seaway" / "kubeconfig")
    delete = ("kubectl", "delete", "namespace", "--ignore-not-found", "--selector=seaway/stack=staging")
    run_shell(second, f". .seaway/env; {shlex.join(delete)} --kubeconfig {kubeconfig}")
    git(second, "clean", "-fdq")


def test_public_passphrase_is_refused_before_up(second: Path, without_staging: None) -> None:
    """The lines of the page without the line that sets a passphrase. Then the hint is followed."""
    lines = [line for line in read_lines_of_the_page().splitlines() if "PASSPHRASE" not in line]
    before = "\n".join(lines[1 : next(at for at, line in enumerate(lines) if line.startswith("seaway release"))])
    promote = ". .seaway/env; seaway release promote dev staging"
    assert run_shell(second, before).exit_code == 0
    refused = run_shell(second, promote)
    assert refused.exit_code == 2
    assert "[insecure-passphrase]" in refused.stderr
    assert not (second / "environments").exists()
    hint = re.search(r"pulumi stack change-secrets-provider passphrase --stack staging", refused.stderr)
    assert hint, refused.output
    assert run_shell(second, f". .seaway/env; {hint[0]}", stdin="their own\n").exit_code == 0
    assert run_shell(second, promote).exit_code == 0
    assert run_shell(second, ". .seaway/env; seaway check --stack staging").exit_code == 0
    own = "export PULUMI_CONFIG_PASSPHRASE='their own'; pulumi preview --stack staging --non-interactive"
    assert run_shell(second, f". .seaway/env; {own}").exit_code == 0


def test_lines_of_the_environments_page_work_in_order(second: Path, without_staging: None) -> None:
    result = run_shell(second, read_lines_of_the_page())
    assert result.exit_code == 0, result.output
    assert re.search(r"^web +service +\S+ +3/3", result.stdout, re.M), result.output
    assert "is pinned for staging" in result.stdout
    assert re.search(r"scale.min +2 +3", result.stdout), result.output


def test_two_checkouts_have_separate_clusters(second: Path) -> None:
    assert is_healthy(project.ROOT)
    assert is_healthy(second)
    assert server(second) != server(project.ROOT)


@pytest.fixture(scope="module")
def smallest(second: Path, tmp_path_factory: pytest.TempPathFactory) -> project.Project:
    checkout = project.Project.create(
        tmp_path_factory.mktemp("smallest"), application=project.ROOT / "examples" / "smallest", stack="e2e"
    )
    settings = {
        "KUBECONFIG": str(second / ".seaway" / "kubeconfig"),
        "DOCKER_CONFIG": str(second / ".seaway" / "docker"),
    }
    return dataclasses.replace(checkout, env=checkout.env | settings)


def test_another_cluster_under_the_same_context_is_refused(smallest: project.Project) -> None:
    smallest.up()
    first = dataclasses.replace(smallest, env=smallest.env | {"KUBECONFIG": str(environment.KUBECONFIG)})
    result = first.preview(check=False)
    assert result.exit_code != 0
    assert "not the cluster" in result.output
    assert "no changes" not in result.output
    # A namespace with that name may exist there: nothing in it is deleted.
    first.kubectl("create", "namespace", "smallest-e2e")
    try:
        refused = first.pulumi("destroy", "--yes", "--skip-preview", "--stack", "e2e")
        assert refused.exit_code != 0
        assert "not the cluster" in refused.output
        assert first.get_objects("namespace", "smallest-e2e")["status"]["phase"] == "Active"
    finally:
        first.kubectl("delete", "namespace", "smallest-e2e", check=False)
    smallest.preview("--expect-no-changes")


def test_make_down_leaves_nothing_running_or_mounted(second: Path) -> None:
    layout = node.find_layout(second)
    assert layout.run.exists()
    result = make(second, "down")
    lost = ", ".join(disks_of_the_sample(second)) or "no disk"
    assert f"Deleting the stack dev and its data ({lost})" in result.stdout
    assert re.search(r"^ +- *\d+ deleted$", result.stdout, re.M), result.output
    assert not is_healthy(second)
    expect_nothing_outside(second, layout)


def expect_nothing_outside(second: Path, layout: layouts.Layout) -> None:
    """Check that the cluster has left no process, mount, interface, rule, cgroup and socket on the machine."""
    assert not layout.run.exists()
    assert not Path("/sys/class/net", layout.interface).exists()
    assert not list(Path("/sys/fs/cgroup").glob(f"*/{layout.name}"))
    rules = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    assert layout.name not in rules
    mounts = Path("/proc/self/mountinfo").read_text()
    assert str(second) not in mounts
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert str(second) not in process.read_text(errors="replace"), process
        except (FileNotFoundError, ProcessLookupError):
            continue


def test_start_cleans_up_after_an_interrupted_start(second: Path) -> None:
    project.run_cluster("wipe", folder=second)
    half = subprocess.Popen(
        [sys.executable, "-m", "dev.cluster", "up"],
        cwd=second,
        env=os.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    prober.wait_until(node.find_layout(second).record.exists, seconds=120, interval=0.05)
    os.killpg(half.pid, signal.SIGKILL)
    half.wait()
    assert not is_healthy(second), "it was killed half-way"
    (second / ".seaway" / "env").unlink()
    make(second, "cluster-up")
    assert (second / ".seaway" / "env").exists()
    assert "kube-apiserver" in make(second, "cluster-status").stdout
    assert is_healthy(second)
    assert is_healthy(project.ROOT), "the first checkout's cluster was left alone"


def test_wiped_cluster_is_reported_and_the_hint_works(smallest: project.Project, second: Path) -> None:
    project.ensure_base_images(second)
    preview = smallest.preview(check=False)
    assert preview.exit_code != 0
    assert "not the cluster" in preview.output
    assert "no changes" not in preview.output
    command = re.search(r"created again: pulumi ([^,]+), then pulumi up", preview.output)
    assert command, preview.output
    smallest.pulumi(*command[1].split(), check=True)
    smallest.up()
    smallest.preview("--expect-no-changes")
    ready = smallest.get_objects("deployments", "-n", "smallest-e2e")["items"]
    assert all(workload["status"]["readyReplicas"] == workload["spec"]["replicas"] for workload in ready)


def test_make_cluster_down_keeps_the_data(second: Path) -> None:
    layout = node.find_layout(second)
    make(second, "cluster-down")
    assert not is_healthy(second)
    assert not layout.run.exists()
    assert (layout.data / "pki").is_dir()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with a small cache, so that no test can remove the real one."""
    home = tmp_path_factory.mktemp("home")
    part = compiler.build_folder(parts.find_part("pause"))
    shutil.copytree(part, home / ".cache" / "seaway" / "toolchain" / part.name)
    (home / ".cache" / "seaway" / "images").mkdir()
    return home


def clean(second: Path, home: Path, *words: str, fails: bool = False) -> project.CommandResult:
    return make(second, "clean", *words, fails=fails, HOME=str(home), XDG_CACHE_HOME="", SEAWAY_TOOLCHAIN_VIEW="")


def test_make_clean_stops_before_a_volume(second: Path, home: Path) -> None:
    lost = disks_of_the_sample(second)
    if not lost:
        pytest.skip("the application in app/ has no store")
    make(second, "up")
    result = clean(second, home, fails=True)
    assert "nothing was removed" in result.stderr
    assert f"deleted with their data: {', '.join(lost)}\n" in result.stderr
    assert is_healthy(second)


def test_make_clean_removes_what_make_up_created(second: Path, home: Path) -> None:
    layout, environment_folder = node.find_layout(second), (second / ".venv").resolve()
    refused = clean(second, home, fails=True)
    hint = re.search(r"to accept exactly this loss: make clean (.*)", refused.stderr)
    assert hint, refused.output
    result = clean(second, home, *shlex.split(hint[1]))
    print(result.stdout)
    expect_nothing_outside(second, layout)
    assert {path.name for path in second.iterdir()} == {
        path.partition("/")[0] for path in git(second, "ls-files").split()
    } | {".git"}
    assert (environment_folder / "bin" / "python").exists(), "only the link to the environment is removed"
    assert int(re.findall(r"removed +([\d,]+) MB +the cluster", result.stdout)[0].replace(",", "")) > 100
    assert "The next `make up` creates these parts again:" in result.stdout
    assert "make clean ALL=1" in result.stdout
    assert list((home / ".cache" / "seaway").iterdir())
    (second / ".venv").symlink_to(environment_folder)


def test_make_clean_all_removes_the_caches(second: Path, home: Path) -> None:
    result = clean(second, home, "ALL=1")
    print(result.stdout)
    assert list((home / ".cache" / "seaway").iterdir()) == []
    plan = make(second, "plan", HOME=str(home), XDG_CACHE_HOME="", SEAWAY_TOOLCHAIN_VIEW="")
    assert "To compile once:" in plan.stdout
    assert is_healthy(project.ROOT)

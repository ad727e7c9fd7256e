"""Pulumi's PostgreSQL backend, and a second checkout of the same stack. The tests run in the order of the file."""

import dataclasses
import json
import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev import environment, kubectl, prober, project

pytestmark = pytest.mark.cluster

STACK = "shared"
NAMESPACE = f"smallest-{STACK}"
HOME = f"pulumi-backend-{secrets.token_hex(2)}"
"""The namespace of the database, new in each run: the tests do not wait for the deletion of the previous one."""


def database(password: str) -> str:
    """A PostgreSQL pod for the state. Its data is deleted with the pod."""
    labels = {"app": "postgres"}
    env = {"POSTGRES_USER": "pulumi", "POSTGRES_DB": "state", "POSTGRES_PASSWORD": password}
    env["PGDATA"] = "/var/lib/postgresql/data/pgdata"  # a folder whose mode PostgreSQL may set
    container = {
        "name": "postgres",
        "image": "registry.localhost:5000/base/postgres:15-bookworm",
        "env": [{"name": name, "value": value} for name, value in env.items()],
        "readinessProbe": {"exec": {"command": ["pg_isready", "--host", "127.0.0.1"]}, "periodSeconds": 1},
    }
    items = [
        {"kind": "Namespace", "metadata": {"name": HOME}},
        {
            "kind": "Pod",
            "metadata": {"name": "postgres", "namespace": HOME, "labels": labels},
            "spec": {"containers": [container], "securityContext": {"runAsUser": 999, "runAsGroup": 999}},
        },
        {
            "kind": "Service",
            "metadata": {"name": "postgres", "namespace": HOME},
            "spec": {"type": "NodePort", "selector": labels, "ports": [{"port": 5432}]},
        },
    ]
    return json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", **resource} for resource in items]}
    )


@pytest.fixture(scope="module")
def backend(one_node_cluster: None) -> Iterator[str]:
    """The URL for PULUMI_BACKEND_URL. The password is in the file that PostgreSQL's programs read."""
    password = secrets.token_hex(8)
    kubectl.run("apply", "--filename", "-", stdin=database(password))
    kubectl.run("wait", "pod/postgres", "-n", HOME, "--for=condition=Ready", "--timeout=60s")
    service = json.loads(kubectl.run("get", "service", "postgres", "-n", HOME, "-o", "json"))
    address = project.run_cluster("forward", str(service["spec"]["ports"][0]["nodePort"])).stdout.strip()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSWORD", password)
        yield f"postgres://pulumi@{address.removeprefix('http://')}/state?sslmode=disable&table=team_state"
    kubectl.delete_namespaces(HOME)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, backend: str) -> Iterator[project.Project]:
    """The checkout that created the stack."""
    folder = tmp_path_factory.mktemp("first")
    example = project.ROOT / "examples" / "smallest"
    checkout = project.Project.create(folder, application=example, stack=STACK, backend=backend)
    yield checkout
    kubectl.delete_namespaces(NAMESPACE)  # left by a failed test


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory, first: project.Project, backend: str) -> project.Project:
    """A second checkout with only the files in git, the backend's URL and the passphrase."""
    folder = tmp_path_factory.mktemp("second")
    env = environment.prepare_environment(state=folder / ".seaway")
    env |= {"PULUMI_BACKEND_URL": backend, "PULUMI_CONFIG_PASSPHRASE": project.PASSPHRASE}
    return dataclasses.replace(first.clone(folder, umask=0o022), env=env)


def list_keys() -> list[str]:
    """List the keys in the database. Each key starts with the name of the database, the path of the URL."""
    query = "select key from team_state order by key"
    listed = kubectl.run("exec", "postgres", "-n", HOME, "--", "psql", "-U", "pulumi", "-d", "state", "-Atc", query)
    return [key.removeprefix("state/") for key in listed.split()]


def list_locks() -> list[str]:
    """List the lock files of all stacks."""
    return [key for key in list_keys() if key.startswith(".pulumi/locks/")]


def list_files(checkout: project.Project) -> list[str]:
    """List the files of a file backend in a checkout."""
    return [str(file) for file in (checkout.folder / ".seaway" / "state").rglob("*") if file.is_file()]


def read_revision(checkout: project.Project) -> int:
    """Return the revision of the Deployment: the number of changes of its pods."""
    deployment = checkout.get_objects("deployment", "web", "-n", NAMESPACE)
    return int(deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"])


def test_second_checkout_uses_the_same_stack(first: project.Project, second: project.Project) -> None:
    first.up()
    (listed,) = json.loads(second.pulumi("stack", "ls", "--json", check=True).stdout)
    assert listed["name"] == STACK
    assert listed["resourceCount"] > 10
    second.preview("--expect-no-changes")
    assert second.read_outputs() == first.read_outputs()


def test_state_is_only_in_the_database(first: project.Project, second: project.Project) -> None:
    held = list_keys()
    assert f".pulumi/stacks/seaway/{STACK}.json" in held
    assert list_locks() == []
    assert list_files(first) == list_files(second) == []


def test_concurrent_up_is_refused_with_the_holder_of_the_lock(first: project.Project, second: project.Project) -> None:
    before = read_revision(first)
    for checkout in (first, second):
        file = checkout.folder / "app" / "app.yaml"
        file.write_text(file.read_text() + "    env: {MOOD: busy}\n")
    line = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", STACK]
    with subprocess.Popen(line, cwd=first.folder, env=first.env, stdout=subprocess.PIPE, text=True) as running:
        prober.wait_until(lambda: len(list_locks()) == 1, seconds=120)
        refused = second.up(check=False)
        spared = second.seaway("up", "--recover", "--stack", STACK)
        assert running.poll() is None, "it has not ended meanwhile"
        out, _ = running.communicate(timeout=120)
    assert running.returncode == 0, out
    assert "Deployment web updated" in out
    assert refused.exit_code != 0
    assert "Deployment web" not in refused.output
    match = re.search(r"created by (\S+)@(\S+) \(pid (\d+)\) at (\S+)", refused.output)
    assert match, refused.output
    assert match[2] == os.uname().nodename
    assert int(match[3]) == running.pid
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*", match[4])
    assert first.env["PGPASSWORD"] not in refused.output
    assert spared.exit_code == 4
    message = " ".join(spared.stderr.split())
    assert f"(pid {running.pid}, since " in message
    assert f"still runs: wait until it has ended, then: seaway up --stack {STACK}" in message
    assert message.endswith(f"kill {running.pid}")
    assert read_revision(first) == before + 1
    second.preview("--expect-no-changes")


def test_stale_lock_is_removed_from_the_other_checkout(first: project.Project, second: project.Project) -> None:
    line = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", STACK]
    with subprocess.Popen(line, cwd=first.folder, env=first.env, stdout=subprocess.DEVNULL) as running:
        prober.wait_until(lambda: len(list_locks()) == 1, seconds=120)
        running.kill()
    result = second.seaway("up", "--recover", "--stack", STACK)
    assert result.exit_code == 0, result.output
    assert f"(pid {running.pid}, since " in result.stderr
    assert "removed the lock of " in result.stderr
    first.preview("--expect-no-changes")


def test_state_moves_to_another_backend(first: project.Project, second: project.Project, tmp_path: Path) -> None:
    """As in docs/backends.md, but from the database to files."""
    file = tmp_path / "state.json"
    first.pulumi("stack", "export", "--stack", STACK, "--file", str(file), check=True)
    (tmp_path / "state").mkdir()
    moved = dataclasses.replace(second, env=second.env | {"PULUMI_BACKEND_URL": (tmp_path / "state").as_uri()})
    settings = moved.stack_file.read_text()
    moved.pulumi("stack", "init", STACK, check=True)
    assert moved.stack_file.read_text() == settings, "the salt of its secrets is kept"
    moved.pulumi("stack", "import", "--stack", STACK, "--file", str(file), check=True)
    moved.preview("--expect-no-changes")


def test_destroy_leaves_no_lock_and_no_file(first: project.Project, second: project.Project) -> None:
    kubectl.empty_namespace(NAMESPACE)
    second.destroy()
    second.pulumi("stack", "rm", "--yes", STACK, check=True)
    assert list_locks() == []
    assert f".pulumi/stacks/seaway/{STACK}.json" not in list_keys()
    assert list_files(first) == list_files(second) == []

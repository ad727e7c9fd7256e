"""Another cluster, with Pulumi and without make: a new user's clone, home, login and backend.

The one-node cluster acts as another cluster: only a kube context, a registry and a builder are known.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from dev import environment, kubectl, project
from dev.cluster import toolchain

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[project.Project]:
    home = tmp_path_factory.mktemp("home")
    folder = tmp_path_factory.mktemp("clone")
    project.copy_checkout(folder, exclude=("app/", "dev/"))
    shutil.copytree(project.ROOT / "examples" / "smallest", folder / "app")
    # A Python environment that the user creates, with only the run-time dependencies.
    (folder / ".venv").unlink()
    subprocess.run([sys.executable, "-m", "venv", str(folder / ".venv")], check=True)
    # Most installed modules are never imported, and compiling them takes as long as the rest.
    pip = [str(folder / ".venv/bin/pip"), "install", "--quiet", "--no-compile"]
    subprocess.run([*pip, "--require-hashes", "-r", "requirements.txt"], cwd=folder, check=True)
    (home / ".kube").mkdir()
    shutil.copy2(environment.KUBECONFIG, home / ".kube" / "config")
    shutil.copytree(environment.STATE / "docker", home / ".docker")
    toolchain.link_plugins(home / ".pulumi")
    (home / "state").mkdir()
    path = [folder / ".venv" / "bin", *toolchain.list_bin_folders()]
    env = {
        "HOME": str(home),
        # The CLI reads the home folder from the account, not from HOME. A real user has a separate account.
        "PULUMI_HOME": str(home / ".pulumi"),
        "PATH": os.pathsep.join([*map(str, path), "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"]),
        "PULUMI_CONFIG_PASSPHRASE": "their own",
        # Only because the machine of these tests cannot download plugins.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
    theirs = project.Project(folder, "me", env)
    theirs.pulumi("login", (home / "state").as_uri(), check=True)
    theirs.pulumi("stack", "init", "me", check=True)
    yield theirs
    kubectl.delete_namespaces("smallest-me")


def test_missing_context_is_reported_with_the_command(newcomer: project.Project) -> None:
    result = newcomer.preview(check=False)
    assert result.exit_code != 0
    assert "pulumi config set seaway:context" in result.output


def test_nothing_is_built_without_a_registry(newcomer: project.Project) -> None:
    newcomer.pulumi("config", "set", "seaway:context", "seaway-dev", check=True)
    result = newcomer.up(check=False)
    assert result.exit_code != 0
    assert "pulumi config set seaway:registry" in result.output
    assert "Image" not in newcomer.pulumi("stack", "--show-urns", check=True).stdout


def test_unknown_context_is_reported_with_the_known_ones(newcomer: project.Project) -> None:
    result = newcomer.preview(
        "-c", "seaway:context=nowhere", "-c", "seaway:registry=registry.localhost:5000", check=False
    )
    newcomer.pulumi("config", "set", "seaway:context", "seaway-dev", check=True)
    assert result.exit_code != 0
    assert "nowhere" in result.output
    assert "seaway-dev" in result.output


def test_up_from_a_fresh_clone(newcomer: project.Project) -> None:
    newcomer.pulumi("config", "set", "seaway:registry", "registry.localhost:5000", check=True)
    newcomer.pulumi("config", "set", "seaway:builder", "seaway", check=True)
    newcomer.pulumi(
        "config",
        "set",
        "--path",
        'seaway:imageOverrides["python:3.12-slim"]',
        "registry.localhost:5000/base/python:3.11-bookworm",
        check=True,
    )
    newcomer.up()
    newcomer.preview("--expect-no-changes")
    ready = newcomer.get_objects("deployments", "-n", "smallest-me")["items"]
    assert ready
    assert all(workload["status"]["readyReplicas"] == workload["spec"]["replicas"] for workload in ready)

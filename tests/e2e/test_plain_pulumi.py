"""Any other cluster, with plain Pulumi and no make: a newcomer's clone, home, login and backend.

The one-node cluster plays somebody else's: it is known by a kube context, a registry and a builder, and nothing more.
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
    # Theirs: a Python environment made by hand, the run-time lock only.
    (folder / ".venv").unlink()
    subprocess.run([sys.executable, "-m", "venv", str(folder / ".venv")], check=True)
    # Most of what is installed is never imported, and to compile it takes as long as the rest.
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
        # The CLI asks the system for the account's home, not HOME; the real newcomer has an account of their own.
        "PULUMI_HOME": str(home / ".pulumi"),
        "PATH": os.pathsep.join([*map(str, path), "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"]),
        "PULUMI_CONFIG_PASSPHRASE": "their own",
        # Only because no plugin can be downloaded on a machine like the one that runs these tests.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
    theirs = project.Project(folder, "me", env)
    theirs.pulumi("login", (home / "state").as_uri(), check=True)
    theirs.pulumi("stack", "init", "me", check=True)
    yield theirs
    kubectl.delete_namespaces("smallest-me")


def test_without_a_context_the_line_to_type_is_told(newcomer: project.Project) -> None:
    done = newcomer.preview(check=False)
    assert done.exit_code != 0
    assert "pulumi config set seaway:context" in done.output


def test_without_a_registry_nothing_is_built(newcomer: project.Project) -> None:
    newcomer.pulumi("config", "set", "seaway:context", "seaway-dev", check=True)
    done = newcomer.up(check=False)
    assert done.exit_code != 0
    assert "pulumi config set seaway:registry" in done.output
    assert "Image" not in newcomer.pulumi("stack", "--show-urns", check=True).stdout


def test_an_unknown_context_is_told_with_those_that_there_are(newcomer: project.Project) -> None:
    done = newcomer.preview(
        "-c", "seaway:context=nowhere", "-c", "seaway:registry=registry.localhost:5000", check=False
    )
    newcomer.pulumi("config", "set", "seaway:context", "seaway-dev", check=True)
    assert done.exit_code != 0
    assert "nowhere" in done.output
    assert "seaway-dev" in done.output


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

"""The wheel without the checkout: a new project is deployed, upgraded by pip and destroyed with plain Pulumi.

Pulumi's language host is the fake of tests/support/language_host.py: like the current one, it uses the environment that
Pulumi.yaml names, and interrupts the program of a failed run. The tests share a project and run in order.
"""

import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import seaway
from dev import environment, kubectl, project
from tests.support import language_host, wheel

pytestmark = pytest.mark.cluster

NAME, NAMESPACE = "harbour", "harbour-dev"
MAJOR, MINOR, PATCH = seaway.__version__.split(".")
NEWER = f"{MAJOR}.{MINOR}.{int(PATCH) + 1}"


def build_wheel(folder: Path, version: str) -> Path:
    """Build the wheel of a copy of the checkout with this version."""
    project.copy_checkout(folder / "source", exclude=("tests/", "dev/", "app/", "examples/"))
    (folder / "source" / ".venv").unlink()
    (folder / "source" / "seaway" / "__init__.py").write_text(f'__version__ = "{version}"\n')
    return wheel.build(folder / "source", folder / "dist")


def install(folder: Path, *packages: str) -> None:
    """Install packages into the project's environment, with the versions whose plugins the toolchain has."""
    options = ["--quiet", "--python", str(folder / ".venv"), "--constraint", str(project.ROOT / "requirements.txt")]
    subprocess.run([*wheel.UV, "pip", "install", *options, *packages], check=True)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, one_node_cluster: None) -> Iterator[project.Project]:
    """A new project with its own environment; PATH has neither this checkout nor its packages."""
    top = tmp_path_factory.mktemp("installed")
    folder, built = top / NAME, build_wheel(tmp_path_factory.mktemp("wheel"), seaway.__version__)
    env = environment.prepare_environment(state=top / ".seaway")
    pulumi = shutil.which("pulumi", path=env["PATH"])
    assert pulumi
    host = language_host.install(top / "host", Path(pulumi))
    first = os.pathsep.join([str(host), env["PATH"].partition(os.pathsep)[2]])
    env |= {"PATH": first, "PULUMI_CONFIG_PASSPHRASE": project.PASSPHRASE}
    env.pop("PYTHONPATH", None)
    subprocess.run([*wheel.UV, "venv", "--quiet", str(folder / ".venv")], check=True)
    install(folder, str(built), "pytest")
    created = project.run_command(str(folder / ".venv/bin/seaway"), "new", NAME, cwd=top, env=env)
    assert created.exit_code == 0, created.output
    result = project.Project(folder, "dev", env)
    result.pulumi("stack", "init", "dev", check=True)
    for words in (
        ("seaway:context", "seaway-dev"),
        ("seaway:registry", "registry.localhost:5000"),
        ("seaway:builder", "seaway"),
        ("--path", 'seaway:imageOverrides["python:3.12-slim"]', "registry.localhost:5000/base/python:3.11-bookworm"),
    ):
        result.pulumi("config", "set", "--stack", "dev", *words, check=True)
    yield result
    kubectl.delete_namespaces(NAMESPACE)


def run_installed(shop: project.Project, *words: str) -> project.CommandResult:
    """Run a command of the project's environment."""
    return project.run_command(str(shop.folder / ".venv/bin" / words[0]), *words[1:], cwd=shop.folder, env=shop.env)


def test_new_project_is_deployed_and_serves(shop: project.Project) -> None:
    result = shop.up()
    print(f"pulumi up: {result.seconds:.1f} s")
    with urllib.request.urlopen(shop.read_address(NAMESPACE), timeout=10) as page:
        assert b"It runs." in page.read()
    shop.preview("--expect-no-changes")
    status = run_installed(shop, "seaway", "status")
    assert "2/2" in status.output, status.output


def test_its_own_tests_pass(shop: project.Project) -> None:
    tests = run_installed(shop, "python", "-m", "pytest")
    assert "2 passed" in tests.output, tests.output


def test_failed_run_has_one_error_and_no_traceback(shop: project.Project) -> None:
    shop.replace_text("app/app.yaml", "port: 8000", "port: 80000")
    failed = shop.preview(check=False)
    shop.replace_text("app/app.yaml", "port: 80000", "port: 8000")
    assert failed.exit_code
    assert "services.web.port: 80000 is not a valid port" in failed.output
    assert "Traceback" not in failed.output
    assert "KeyboardInterrupt" not in failed.output


def test_upgrade_by_pip_changes_nothing(shop: project.Project, tmp_path: Path) -> None:
    before = shop.get_objects("pods", "-n", NAMESPACE)["items"]
    install(shop.folder, str(build_wheel(tmp_path, NEWER)))
    assert NEWER in run_installed(shop, "python", "-c", "import seaway; print(seaway.__version__)").stdout
    shop.preview("--expect-no-changes")
    shop.up("--expect-no-changes")
    after = shop.get_objects("pods", "-n", NAMESPACE)["items"]
    assert {pod["metadata"]["uid"] for pod in after} == {pod["metadata"]["uid"] for pod in before}


def test_destroy(shop: project.Project) -> None:
    shop.destroy()
    assert "not found" in shop.kubectl("get", "namespace", NAMESPACE, check=False).output

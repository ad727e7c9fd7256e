"""The images of the one-node cluster: `make images`, each form of `make image`, and the documented application."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dev import kubectl, project

pytestmark = pytest.mark.cluster

PAGE = (project.ROOT / "docs" / "dev-cluster.md").read_text()
BASE = "registry.localhost:5000/base/debian:12-bookworm"


def read_files(page: str) -> dict[str, str]:
    """Return the files that a page shows: a line with the path in backquotes, and a block."""
    return dict(re.findall(r"^`([\w./-]+)`:\n```\w+\n(.*?)^```$", page, re.M | re.S))


def read_commands(page: str, start: str) -> list[list[str]]:
    """Return the words of the commands in the first block that begins with a text."""
    block = page[page.index(f"```sh\n{start}") :].partition("\n")[2].partition("```")[0]
    return [shlex.split(line, comments=True) for line in block.splitlines()]


def make(*words: str, fails: bool = False) -> project.CommandResult:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    result = project.run_command("make", *words, cwd=project.ROOT, env=env, timeout=570)
    assert bool(result.exit_code) == fails, result.output
    return result


@pytest.fixture(scope="module")
def flask(tmp_path_factory: pytest.TempPathFactory, one_node_cluster: None) -> Iterator[project.Project]:
    """The application of the page, in a stack of its own."""
    application = tmp_path_factory.mktemp("visits")
    for name, text in read_files(PAGE).items():
        (application / name).parent.mkdir(parents=True, exist_ok=True)
        (application / name).write_text(text)
    folder = tmp_path_factory.mktemp("flask")
    checkout = project.Project.create(folder, application=application / "app", stack="e2e")
    yield checkout
    checkout.destroy()


def test_image_of_debian_packages(flask: project.Project) -> None:
    """The commands of the page, and the ten lines of its Dockerfile."""
    dockerfile = (flask.folder / "app" / "web" / "Dockerfile").read_text()
    assert len(dockerfile.splitlines()) == 10
    image, _, setting, _ = read_commands(PAGE, "make image NAME=redis")
    assert image[:2] == ["make", "image"]
    output = make("image", *image[2:]).stdout
    assert setting in [shlex.split(line) for line in output.splitlines()[-1:]], "make image prints this command"
    flask.pulumi(*("e2e" if word == "dev" else word for word in setting[1:]), check=True)
    flask.up()
    address = flask.read_address("visits-e2e")
    assert httpx.get(address, timeout=10).text == "visit 1\n"
    assert httpx.get(address, timeout=10).text == "visit 2\n"
    version = flask.kubectl("exec", "-n", "visits-e2e", "deployment/web", "--", "python", "--version").stdout
    listed = make("images").stdout
    assert f"python3 {version.split()[1]}" in listed
    assert "redis-server 5:7" in listed


def test_command_of_an_image_keeps_its_quotes(one_node_cluster: None) -> None:
    """The first documented line."""
    line, *_ = read_commands(PAGE, "make image NAME=nginx")
    make(*line[1:])
    kubectl.run("delete", "pod", "nginx", "--ignore-not-found", "--grace-period=1")  # of an interrupted run
    kubectl.run("run", "nginx", "--image=registry.localhost:5000/nginx:1", "--restart=Never")
    try:
        kubectl.run("wait", "--for=condition=Ready", "pod/nginx", "--timeout=60s")
        assert "daemon off;" in kubectl.run("exec", "nginx", "--", "cat", "/proc/1/cmdline")
    finally:
        kubectl.run("delete", "pod", "nginx", "--grace-period=1")


def copy_base(target: str, *options: str) -> None:
    source = f"docker://{project.find_registry(project.ROOT)}/base/debian:12-bookworm"
    command = ["skopeo", "--insecure-policy", "copy", "--quiet", "--src-tls-verify=false", *options, source, target]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
def test_image_of_an_archive(kind: str, tmp_path: Path) -> None:
    archive = tmp_path / "tool.tar"
    copy_base(f"{kind}:{archive}:tool:1")
    make("image", f"NAME=from-{kind}:1", f"TAR={archive}")
    run_image(f"registry.localhost:5000/from-{kind}:1")


def test_image_of_another_registry(second_registry: str) -> None:
    copy_base(f"docker://{second_registry}/tool:1", "--dest-tls-verify=false")
    output = make("image", "NAME=copied:1", f"FROM={second_registry}/tool:1").stdout
    assert "registry.localhost:5000/copied:1 is in the registry" in output
    run_image("registry.localhost:5000/copied:1")


def run_image(image: str) -> None:
    """Run a pod of this image. Raises AssertionError: it does not run."""
    pod = image.rpartition("/")[2].partition(":")[0]
    kubectl.run("run", pod, f"--image={image}", "--restart=Never", "--", "cat", "/etc/debian_version")
    try:
        kubectl.run("wait", "--for=jsonpath={.status.phase}=Succeeded", f"pod/{pod}", "--timeout=60s")
        assert kubectl.run("logs", pod).startswith("12.")
    finally:
        kubectl.run("delete", "pod", pod, "--grace-period=1")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("NAME=tool:1", "PACKAGES=no-such-package"), "Unable to locate package no-such-package"),
        (("NAME=tool:1", "TAR=/etc/hostname"), "/etc/hostname: cannot be read as a tar archive"),
        (("NAME=tool:1", "FROM=localhost:1/tool:1"), "copying docker://localhost:1/tool:1 to "),
        (("NAME=Tool", "TAR=x"), "NAME=Tool: not a valid name; write it as in app.yaml: NAME=redis:7"),
        (("NAME=tool:1",), "set NAME, and one of PACKAGES, TAR and FROM"),
    ],
)
def test_error_of_an_image_is_reported(words: tuple[str, ...], message: str) -> None:
    assert message in make("image", *words, fails=True).stderr

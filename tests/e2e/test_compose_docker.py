"""The examples on a real Docker engine, with the file that `seaway export` writes."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dev import prober, project
from seaway.cli import main
from tests.support import docker

pytestmark = [pytest.mark.cluster, pytest.mark.optional]

STACK = "docker"
SUBSTITUTES = yaml.safe_load((project.ROOT / "Pulumi.dev.yaml").read_text())["config"]["seaway:imageOverrides"]


@pytest.fixture(scope="module")
def engine(one_node_cluster: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[docker.Engine]:
    """An engine with images of the cluster's registry, and without access to other registries."""
    with docker.run_engine(tmp_path_factory.mktemp("docker")) as docker_engine:
        for image in SUBSTITUTES.values():
            docker_engine.copy_image(image, image)
        yield docker_engine


class Up:
    """A running example."""

    def __init__(self, engine: docker.Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder

    def compose(self, *words: str) -> str:
        return self.engine.compose("--file", "compose.yaml", *words, cwd=self.folder)

    def curl(self, path: str, *words: str, service: str = "web", port: int = 8000) -> str:
        """Return the response at the published port of a service."""
        published = self.compose("port", service, str(port)).strip().rpartition(":")[2]
        return self.engine.curl(f"http://127.0.0.1:{published}{path}", *words)

    def wait_for_answer(self, path: str) -> None:
        """Wait until the service responds."""

        def is_answered() -> bool:
            with contextlib.suppress(subprocess.CalledProcessError):
                return bool(self.curl(path))
            return False

        prober.wait_until(is_answered, seconds=120)


@pytest.fixture
def up(
    request: pytest.FixtureRequest,
    engine: docker.Engine,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Up]:
    """Export and start the example of the test, and remove it at the end."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(project.ROOT / request.param, "app")
    shutil.copy(project.ROOT / "Pulumi.yaml", tmp_path)
    config = {"seaway:context": "-", "seaway:registry": "registry.example.com", "seaway:imageOverrides": SUBSTITUTES}
    Path(f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": config}))
    assert main.main(["export", "--stack", STACK, "--app", "app/app.yaml"]) == 0
    out, _ = capsys.readouterr()
    Path("compose.yaml").write_text(out)
    for name, secret in (yaml.safe_load(out).get("secrets") or {}).items():
        file = Path(secret["file"])
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"the value of {name}")
    deployment = Up(engine, tmp_path)
    try:
        deployment.compose("up", "--build", "--detach")
        yield deployment
    finally:
        deployment.compose("down", "--volumes", "--timeout", "2")
    assert deployment.compose("ps", "--all", "--quiet") == ""


@pytest.mark.parametrize("up", ["examples/smallest"], indirect=True)
def test_the_smallest(up: Up) -> None:
    program = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8000/').read().decode())"
    assert "<h1>It runs.</h1>" in up.compose("exec", "-T", "web", "python3", "-c", program)


@pytest.mark.parametrize("up", ["examples/shop"], indirect=True)
def test_the_shop(up: Up) -> None:
    up.wait_for_answer("/healthz")
    up.curl("/orders", "--data", "item=tea")
    prober.wait_until(lambda: "<li>tea (packed)</li>" in up.curl("/"), seconds=120)


@pytest.mark.parametrize("up", ["app"], indirect=True)
def test_the_sample(up: Up) -> None:
    up.wait_for_answer("/readyz")
    up.curl("/", "--data", "name=Ada", "--data", "message=Hello")
    assert "Hello" in up.curl("/")

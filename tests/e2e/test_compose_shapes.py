"""Compose files of the usual shapes, as strangers write them: `pulumi up` with the file, and with what import writes.

Each project gets work, loses the pods that have its data, and must have the data and do more work.
"""

import concurrent.futures
import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from dev import kubectl, prober, project
from dev.cluster import layout
from dev.images import catalogue

pytestmark = pytest.mark.cluster

EXAMPLES = project.ROOT / "examples" / "compose"
IMAGES = ("mariadb:11", "nginx:1.27", "redis:7", "wordpress:6")
LITTLE = {"resources": {"cpu": "10m"}}
"""Small requests: the node has two cores for all pods."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """``work`` gives work to the project once. ``is_done`` returns whether the result of the work can be read."""

    published: str
    is_done: Callable[[httpx.Client], bool]
    work: Callable[[httpx.Client], Any] = lambda client: None
    asked: tuple[str, ...] = ()
    """A command in a container whose output is `expected`."""
    expected: str = ""


def is_worker_done(client: httpx.Client) -> bool:
    style = client.get("/static/shop.css").text
    orders = client.get("/orders").raise_for_status().json()
    return orders["page"] > 0 and orders["clock"] > 0 and "sans-serif" in style


def is_book_printed(client: httpx.Client) -> bool:
    return {"title": "Dune", "printed": "t"} in client.get("/").raise_for_status().json()


def is_file_stored(client: httpx.Client) -> bool:
    of_the_image = client.get("/welcome").text == "Put your files here.\n"
    return of_the_image and client.get("/note").text == "keep me"


def has_each_broker_messages(client: httpx.Client) -> bool:
    counts = client.get("/").raise_for_status().json()
    return len(counts) == 3 and all(counts.values())


def is_blog_installed(client: httpx.Client) -> bool:
    return "A blog of the tests" in client.get("/").raise_for_status().text


def install_blog(client: httpx.Client) -> None:
    password = "a-long-password-of-the-tests"
    fields = {"weblog_title": "A blog of the tests", "user_name": "ada", "admin_email": "ada@example.com"}
    passwords = {"admin_password": password, "admin_password2": password, "blog_public": "0", "language": ""}
    client.post("/wp-admin/install.php?step=2", data=fields | passwords, timeout=120).raise_for_status()


QUERY = "mariadb -u wordpress -p$MARIADB_PASSWORD wordpress -Ne 'select name from guests'"

SHAPES = {
    "django": Shape(
        published="nginx", work=lambda client: client.post("/orders").raise_for_status(), is_done=is_worker_done
    ),
    "rails": Shape(
        published="web",
        work=lambda client: client.post("/", content="Dune").raise_for_status(),
        is_done=is_book_printed,
    ),
    "files": Shape(
        published="proxy",
        work=lambda client: client.put("/note", content="keep me").raise_for_status(),
        is_done=is_file_stored,
    ),
    "brokers": Shape(published="page", is_done=has_each_broker_messages),
    "wordpress": Shape(
        published="wordpress",
        work=install_blog,
        is_done=is_blog_installed,
        asked=("statefulset/db", "--", "sh", "-c", QUERY),
        expected="Ada\nGrace\n",
    ),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Deployment:
    """A shape in the cluster, in a project with its name."""

    shape: Shape
    checkout: project.Project
    stores: tuple[str, ...]

    @property
    def namespace(self) -> str:
        return f"app-{self.checkout.stack}"

    def open_client(self) -> httpx.Client:
        """Open a client of the published service. A store is published by a separate Service."""
        published = self.shape.published
        service = f"{published}-outside" if published in self.stores else published
        return httpx.Client(base_url=self.checkout.read_address(self.namespace, service), timeout=20)

    def wait(self, client: httpx.Client) -> None:
        """Wait until the result of the work can be read. Another response or an error is not the result."""

        def is_done() -> bool:
            with contextlib.suppress(httpx.HTTPError, ValueError):
                return self.shape.is_done(client)
            return False

        prober.wait_until(is_done, seconds=150)

    def list_pods(self) -> dict[str, int]:
        """Return the pods of services and the restarts of their containers."""
        pods = self.checkout.get_objects("pods", "-n", self.namespace)["items"]
        return {
            pod["metadata"]["uid"]: pod["status"]["containerStatuses"][0]["restartCount"]
            for pod in pods
            if pod["metadata"]["labels"]["app.kubernetes.io/name"] not in self.stores
        }


def run_import(checkout: project.Project, *options: str) -> None:
    imported = checkout.seaway("import", "app/docker-compose.yml", *options)
    assert imported.exit_code == 0, imported.output


def create_deployment(case: str, folder: Path) -> Deployment:
    """Import the file, which says the kinds of the services, for an overlay with small requests."""
    overrides = catalogue.read_overrides() | {image: f"{layout.REGISTRY}/{image}" for image in IMAGES}
    settings = {"app": "app/docker-compose.yml", "imageOverrides": overrides}
    checkout = project.Project.create(folder, application=EXAMPLES / case, stack=case, **settings)
    run_import(checkout, "--out", "app/app.yaml")
    app = yaml.safe_load((folder / "app" / "app.yaml").read_text())
    kinds = {kind: app[kind] for kind in ("services", "stores", "jobs") if kind in app}
    stack = yaml.safe_load(checkout.stack_file.read_text())
    stack["config"]["seaway:overlay"] = {kind: dict.fromkeys(names, LITTLE) for kind, names in kinds.items()}
    checkout.stack_file.write_text(yaml.safe_dump(stack))
    return Deployment(SHAPES[case], checkout, tuple(kinds["stores"]))


def run(case: str, folder: Path) -> None:
    """Deploy the file itself, then the application that was imported from it."""
    deployment = create_deployment(case, folder)
    shape, checkout = deployment.shape, deployment.checkout
    checkout.up()
    with deployment.open_client() as client:
        shape.work(client)
        deployment.wait(client)
        before = deployment.list_pods()
        pods = (f"{store}-0" for store in deployment.stores)
        kubectl.run("delete", "pods", *pods, "-n", deployment.namespace, "--grace-period=5")
        deployment.wait(client)
        if shape.published == "proxy":
            assert deployment.list_pods() == before, "nginx finds the new pod without a restart"
        if shape.asked:
            assert kubectl.run("exec", "-n", deployment.namespace, *shape.asked) == shape.expected
        run_import(checkout, "--set-secrets", case)
        checkout.up("-c", "seaway:app=app/app.yaml")
        deployment.wait(client)


@pytest.fixture(scope="module")
def runs(
    one_node_cluster: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, concurrent.futures.Future[None]]]:
    """All shapes at the same time, three at a time."""
    registry = project.find_registry(project.ROOT)
    for image in IMAGES:
        assert catalogue.add_stand_in(image, registry, print)
    try:
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            yield {case: pool.submit(run, case, tmp_path_factory.mktemp(case)) for case in SHAPES}
    finally:
        names = [f"app-{case}" for case in SHAPES]
        kubectl.run("delete", "namespace", *names, "--ignore-not-found", "--wait=false")


@pytest.mark.parametrize("case", SHAPES)
def test_shape_works_and_keeps_its_data(case: str, runs: dict[str, concurrent.futures.Future[None]]) -> None:
    runs[case].result()

"""Compose files of the usual shapes, as strangers write them: `pulumi up` with the file, and with what import writes.

Each project gets work, loses the pods that have its data, and must have the data and do more work.
"""

import concurrent.futures
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
    return client.get("/note").text == "keep me"


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
    """A project and its namespace."""

    checkout: project.Project
    namespace: str
    stores: tuple[str, ...]

    def open_client(self, service: str) -> httpx.Client:
        service = f"{service}-outside" if service in self.stores else service
        return httpx.Client(base_url=self.checkout.read_address(self.namespace, service), timeout=20)

    def list_pods(self) -> set[str]:
        pods = self.checkout.get_objects("pods", "-n", self.namespace)["items"]
        return {
            pod["metadata"]["uid"]
            for pod in pods
            if pod["metadata"]["labels"]["app.kubernetes.io/name"] not in self.stores
        }


def deploy(case: str, folder: Path) -> Deployment:
    """Import the file, for the kinds of its services, and deploy the file itself."""
    overrides = catalogue.read_overrides() | {image: f"{layout.REGISTRY}/{image}" for image in IMAGES}
    checkout = project.Project.create(
        folder,
        application=EXAMPLES / case,
        stack=case,
        app="app/docker-compose.yml",
        imageOverrides=overrides,
    )
    for options in (("--out", "app/app.yaml"), ("--set-secrets", case)):
        imported = checkout.seaway("import", "app/docker-compose.yml", *options)
        assert imported.exit_code == 0, imported.output
    app = yaml.safe_load((checkout.folder / "app" / "app.yaml").read_text())
    kinds = {kind: app.get(kind, {}) for kind in ("services", "stores", "jobs")}
    overlay = {kind: dict.fromkeys(names, LITTLE) for kind, names in kinds.items() if names}
    stack = yaml.safe_load(checkout.stack_file.read_text())
    stack["config"]["seaway:overlay"] = overlay
    checkout.stack_file.write_text(yaml.safe_dump(stack))
    checkout.up()
    return Deployment(checkout, f"{app['name']}-{case}", tuple(kinds["stores"]))


@pytest.fixture(scope="module")
def deployments(
    one_node_cluster: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, concurrent.futures.Future[Deployment]]]:
    registry = project.find_registry(project.ROOT)
    for image in IMAGES:
        assert catalogue.add_stand_in(image, registry, print)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        futures = {case: pool.submit(deploy, case, tmp_path_factory.mktemp(case)) for case in SHAPES}
        yield futures
    done = [future.result() for future in futures.values() if not future.exception()]
    if done:
        kubectl.delete_namespaces(*(deployment.namespace for deployment in done))


@pytest.mark.parametrize("case", SHAPES)
def test_shape_works_and_keeps_its_data(
    case: str, deployments: dict[str, concurrent.futures.Future[Deployment]]
) -> None:
    shape, deployment = SHAPES[case], deployments[case].result()
    with deployment.open_client(shape.published) as client:

        def wait() -> None:
            prober.wait_until(lambda: is_done(shape, client), seconds=120)

        shape.work(client)
        wait()
        others = deployment.list_pods()
        pods = (f"{store}-0" for store in deployment.stores)
        kubectl.run("delete", "pods", *pods, "-n", deployment.namespace, "--grace-period=5")
        wait()
        assert others <= deployment.list_pods(), "the pods of services need no restart"
        if shape.asked:
            assert kubectl.run("exec", "-n", deployment.namespace, *shape.asked) == shape.expected
        # The same application with its secrets apart.
        deployment.checkout.up("-c", "seaway:app=app/app.yaml")
    with deployment.open_client(shape.published) as client:
        wait()


def is_done(shape: Shape, client: httpx.Client) -> bool:
    """Whether the result can be read. False: an error, or another response."""
    try:
        return shape.is_done(client)
    except (httpx.HTTPError, ValueError):
        return False

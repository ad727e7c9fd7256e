"""The guest book on the real cluster: entries are in PostgreSQL, and survive their pods."""

import base64
import contextlib
import json
import os
import re
import urllib.parse
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dev import kubectl, prober, project

pytestmark = pytest.mark.cluster

APPLICATION = Path(__file__).resolve().parents[1]
NAMESPACE = "guestbook-sample"


@pytest.fixture(scope="module")
def guestbook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[project.Project]:
    checkout = project.Project.create(tmp_path_factory.mktemp("guestbook"), application=APPLICATION, stack="sample")
    checkout.up()
    yield checkout
    kubectl.delete_namespaces(NAMESPACE)


@pytest.fixture(scope="module")
def address(guestbook: project.Project) -> str:
    return guestbook.read_outputs()["services"]["web"]["address"]


@contextlib.contextmanager
def store_address(guestbook: project.Project) -> Iterator[str]:
    """Open the store to this machine until the block ends. Yields host:port.

    It uses a Service, because `kubectl port-forward` ends when PostgreSQL closes a connection, and a network policy,
    because only `web` may connect to the store.
    """
    name = "db-for-tests"
    file = guestbook.folder / "policy.json"
    spec = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "db"}}, "ingress": [{}]}
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name}, "spec": spec}
    file.write_text(json.dumps(policy))
    guestbook.kubectl("apply", "-n", NAMESPACE, "-f", str(file))
    guestbook.kubectl("expose", "pod", "db-0", "-n", NAMESPACE, "--name", name, "--type=NodePort", "--port=5432")
    try:
        port = guestbook.get_objects("service", name, "-n", NAMESPACE)["spec"]["ports"][0]["nodePort"]
        yield project.run_cluster("forward", str(port)).stdout.strip().removeprefix("http://")
    finally:
        guestbook.kubectl("delete", f"service/{name}", f"networkpolicy/{name}", "-n", NAMESPACE)


def test_tests_of_the_sample_pass_with_the_real_store(guestbook: project.Project) -> None:
    """Without a server they are skipped. They create a database of their own."""
    secrets = guestbook.get_objects("secrets", "-n", NAMESPACE)["items"]
    (password,) = {base64.b64decode(secret["data"]["POSTGRES_PASSWORD"]).decode() for secret in secrets}
    requirements = [APPLICATION / "web" / name for name in ("requirements.txt", "requirements-test.txt")]
    with store_address(guestbook) as address:
        url = f"postgresql://guestbook:{urllib.parse.quote(password, safe='')}@{address}/guestbook"
        result = project.run_command(
            str(project.ROOT / ".venv" / "bin" / "uv"),
            *["run", "--quiet", "--isolated", "--no-project"],
            *[word for file in requirements for word in ("--with-requirements", str(file))],
            *["pytest", "-q", "-rs", str(APPLICATION / "web" / "tests" / "test_postgres.py")],
            cwd=project.ROOT,
            env={**os.environ, "TEST_DATABASE_URL": url},
            timeout=200,
        )
    assert result.exit_code == 0, result.output
    assert re.search(r"^\d+ passed in ", result.stdout, re.MULTILINE), "no test is skipped\n" + result.output


def test_submitted_entry_is_on_the_page_and_in_postgresql(guestbook: project.Project, address: str) -> None:
    message = f"text <{uuid.uuid4().hex}>"
    # As a browser sends the form.
    response = httpx.post(
        address,
        data={"name": "Ada", "message": message},
        headers={"Origin": address},
        follow_redirects=True,
        timeout=10,
    )
    assert response.status_code == 200, response.text
    page = httpx.get(address, timeout=10).text
    assert message.replace("<", "&lt;").replace(">", "&gt;") in page
    assert message not in page, "the entry is escaped"
    query = "psql -U guestbook -d guestbook -At -c 'select message from entries'"
    stored = guestbook.kubectl("exec", "-n", NAMESPACE, "db-0", "--", "sh", "-c", query).stdout
    assert message in stored.splitlines()


def test_entries_survive_their_pods(guestbook: project.Project, address: str) -> None:
    message = uuid.uuid4().hex
    api = f"{address}/api/entries"
    assert httpx.post(api, json={"name": "Grace", "message": message}, timeout=10).status_code == 201
    guestbook.kubectl("delete", "pods", "--all", "-n", NAMESPACE)

    def is_listed() -> bool:
        try:
            return message in httpx.get(api, timeout=5).text
        except httpx.TransportError:
            return False

    prober.wait_until(is_listed, seconds=120)


def test_api_reports_missing_fields(address: str) -> None:
    response = httpx.post(f"{address}/api/entries", json={"name": ""}, timeout=10)
    assert response.status_code in {400, 422}
    assert "message" in response.json()["problems"]

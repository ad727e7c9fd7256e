"""The guest book on the real cluster: what is written on the page is in PostgreSQL and survives its pods."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dev import project
from tests.support import prober

pytestmark = pytest.mark.cluster

APPLICATION = Path(__file__).resolve().parents[1]
NAMESPACE = "guestbook-sample"


@pytest.fixture(scope="module")
def guestbook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[project.Project]:
    made = project.Project.create(tmp_path_factory.mktemp("guestbook"), application=APPLICATION, stack="sample")
    made.up()
    yield made
    made.destroy()


@pytest.fixture(scope="module")
def address(guestbook: project.Project) -> str:
    return project.cluster("forward", str(guestbook.outputs()["services"]["web"]["nodePort"])).out.strip()


def test_the_page_shows_what_was_written_to_postgresql(guestbook: project.Project, address: str) -> None:
    message = f"seen <{uuid.uuid4().hex}>"
    # A form on the page, as a browser sends it.
    sent = httpx.post(
        address,
        data={"name": "Ada", "message": message},
        headers={"Origin": address},
        follow_redirects=True,
        timeout=10,
    )
    assert sent.status_code == 200, sent.text
    page = httpx.get(address, timeout=10).text
    assert message.replace("<", "&lt;").replace(">", "&gt;") in page
    assert message not in page, "what visitors write is escaped"
    query = "psql -U guestbook -d guestbook -At -c 'select message from entries'"
    kept = guestbook.kubectl("exec", "-n", NAMESPACE, "db-0", "--", "sh", "-c", query).out
    assert message in kept.splitlines()


def test_entries_survive_their_pods(guestbook: project.Project, address: str) -> None:
    message = uuid.uuid4().hex
    api = f"{address}/api/entries"
    assert httpx.post(api, json={"name": "Grace", "message": message}, timeout=10).status_code == 201
    guestbook.kubectl("delete", "pods", "--all", "-n", NAMESPACE)

    def answered() -> bool:
        try:
            return message in httpx.get(api, timeout=5).text
        except httpx.TransportError:
            return False

    prober.until(answered, seconds=120)


def test_the_api_says_what_is_wrong(address: str) -> None:
    answer = httpx.post(f"{address}/api/entries", json={"name": ""}, timeout=10)
    assert answer.status_code in {400, 422}
    assert "message" in answer.json()["problems"]

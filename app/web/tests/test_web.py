"""The page, the API and the probes, with a book in memory."""

import logging

import pytest
from starlette.testclient import TestClient

from guestbook import book, entries, web

ADA = {"name": "Ada", "message": "Hello"}


def test_submitted_entry_is_on_the_page(client: TestClient) -> None:
    response = client.post("/", data=ADA)
    assert (response.status_code, response.headers["location"]) == (303, "/")
    page = client.get("/")
    assert page.status_code == 200
    assert '<p class="message">Hello</p>' in page.text
    assert "<span>Ada</span>" in page.text
    assert "23 November 2026, 12:30 UTC" in page.text
    assert "Answered by pod <code>web-7c9-abcde</code>" in page.text


def test_entry_is_escaped(client: TestClient) -> None:
    client.post("/", data={"name": '"><b>x', "message": "<script>alert(1)</script>"})
    page = client.get("/").text
    assert "<script" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_invalid_form_keeps_the_text_and_shows_the_problem(client: TestClient, memory) -> None:
    response = client.post("/", data={"name": "", "message": 'typed "this"'})
    assert response.status_code == 422
    assert "Your name is empty." in response.text
    assert "typed &#34;this&#34;</textarea>" in response.text
    assert memory.stored == []


def test_page_without_entries(client: TestClient) -> None:
    assert "There are no entries yet" in client.get("/").text


def test_api_stores_and_lists_newest_first(client: TestClient) -> None:
    first = client.post("/api/entries", json=ADA)
    assert first.status_code == 201
    assert first.json() == {"id": 1, **ADA, "written": "2026-11-23T12:30:00+00:00"}
    client.post("/api/entries", json={"name": "Bob", "message": "Second"})
    assert [entry["id"] for entry in client.get("/api/entries").json()["entries"]] == [2, 1]


@pytest.mark.parametrize(
    ("content", "status", "error"),
    [
        (b"{", 400, "the body is not valid JSON"),
        (b"[1]", 400, "send an object"),
        (b"[" * 9000, 400, "the body is not valid JSON"),
        (b"\xff", 400, "the body is not valid JSON"),
        (b'"' + b"x" * web.MAX_BODY_BYTES + b'"', 413, "limited to 16384 bytes"),
    ],
)
def test_api_rejects_an_invalid_body(client: TestClient, content: bytes, status: int, error: str) -> None:
    response = client.post("/api/entries", content=content, headers={"content-type": "application/json"})
    assert response.status_code == status
    assert error in response.json()["error"]


def test_api_reports_all_invalid_fields(client: TestClient) -> None:
    response = client.post("/api/entries", json={"name": "", "text": "x"})
    assert response.status_code == 422
    assert response.json()["problems"] == {
        "name": "is empty",
        "message": "is missing",
        "text": "is unknown; send name and message",
    }


def test_api_accepts_only_json(client: TestClient) -> None:
    response = client.post("/api/entries", data=ADA)
    assert (response.status_code, response.json()) == (415, {"error": "send application/json"})


@pytest.mark.parametrize("path", ["/", "/api/entries"])
@pytest.mark.parametrize(
    ("headers", "is_rejected"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin"}, False),
        ({"origin": "http://testserver"}, False),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),
        ({"origin": "http://elsewhere.example.com"}, True),
        ({"origin": "null"}, True),
    ],
)
def test_cross_site_request_is_rejected(
    client: TestClient, memory, path: str, headers: dict, is_rejected: bool
) -> None:
    body = {"json": ADA} if path.startswith("/api") else {"data": ADA}
    response = client.post(path, headers=headers, **body)
    assert (response.status_code == 403) is is_rejected
    assert len(memory.stored) == (0 if is_rejected else 1)


def test_responses_have_security_headers(client: TestClient) -> None:
    for path in ("/", "/api/entries", "/static/style.css", "/nothing-here"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"


def test_without_database_the_pod_is_live_but_not_ready(client: TestClient, memory) -> None:
    assert (client.get("/healthz").status_code, client.get("/readyz").status_code) == (200, 200)
    memory.unavailable_reason = "connection refused"
    assert (client.get("/healthz").status_code, client.get("/readyz").status_code) == (200, 503)
    page = client.get("/")
    assert page.status_code == 503
    assert "The database is not available" in page.text
    assert "connection refused" not in page.text
    response = client.post("/api/entries", json=ADA)
    assert (response.status_code, response.headers["retry-after"]) == (503, "2")


def test_page_has_the_newest_entries(client: TestClient) -> None:
    for number in range(book.MAX_LISTED + 1):
        client.post("/api/entries", json={"name": "n", "message": f"entry {number}."})
    page = client.get("/").text
    assert "entry 50." in page
    assert "entry 0." not in page


def test_version_has_the_name_of_the_pod(client: TestClient) -> None:
    assert client.get("/version").json() == {"title": "Guest book", "pod": "web-7c9-abcde"}


def test_requests_are_logged_without_successful_probes(client: TestClient, caplog) -> None:
    caplog.set_level(logging.INFO, logger="guestbook.request")
    client.get("/healthz")
    assert caplog.records == []
    client.get("/api/entries?secret=1")
    assert [(record.getMessage(), record.status) for record in caplog.records] == [("GET /api/entries", 200)]


def test_form_has_the_limits_of_the_validation(client: TestClient) -> None:
    page = client.get("/").text
    assert f'maxlength="{entries.MAX_NAME_LENGTH}"' in page
    assert f'maxlength="{entries.MAX_MESSAGE_LENGTH}"' in page

"""The page, the API and the cluster's questions, over a book in memory."""

import logging

import pytest
from starlette.testclient import TestClient

from guestbook import book, entries, web

ADA = {"name": "Ada", "message": "Hello"}


def test_the_form_writes_an_entry_and_the_page_shows_it(client: TestClient) -> None:
    written = client.post("/", data=ADA)
    assert (written.status_code, written.headers["location"]) == (303, "/")
    page = client.get("/")
    assert page.status_code == 200
    assert '<p class="message">Hello</p>' in page.text
    assert "<span>Ada</span>" in page.text
    assert "23 November 2026, 12:30 UTC" in page.text
    assert "Answered by pod <code>web-7c9-abcde</code>" in page.text


def test_what_a_visitor_writes_is_text_and_never_markup(client: TestClient) -> None:
    client.post("/", data={"name": '"><b>x', "message": "<script>alert(1)</script>"})
    page = client.get("/").text
    assert "<script" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_wrong_form_keeps_what_was_typed_and_says_what_is_wrong(client: TestClient, memory) -> None:
    answer = client.post("/", data={"name": "", "message": 'typed "this"'})
    assert answer.status_code == 422
    assert "Your name is empty; write something." in answer.text
    assert "typed &#34;this&#34;</textarea>" in answer.text
    assert memory.written == []


def test_an_empty_book_says_so(client: TestClient) -> None:
    assert "Nobody has written yet" in client.get("/").text


def test_the_api_writes_and_lists_newest_first(client: TestClient) -> None:
    first = client.post("/api/entries", json=ADA)
    assert first.status_code == 201
    assert first.json() == {"id": 1, **ADA, "written": "2026-11-23T12:30:00+00:00"}
    client.post("/api/entries", json={"name": "Bob", "message": "Second"})
    assert [entry["id"] for entry in client.get("/api/entries").json()["entries"]] == [2, 1]


@pytest.mark.parametrize(
    ("content", "status", "error"),
    [
        (b"{", 400, "the body is no JSON"),
        (b"[1]", 400, "send an object"),
        (b"[" * 9000, 400, "the body is no JSON"),
        (b"\xff", 400, "the body is no JSON"),
        (b'"' + b"x" * web.BODY_MAX + b'"', 413, "at most 16384 bytes"),
    ],
)
def test_the_api_refuses_what_it_cannot_read(client: TestClient, content: bytes, status: int, error: str) -> None:
    answer = client.post("/api/entries", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert error in answer.json()["error"]


def test_the_api_names_every_wrong_field(client: TestClient) -> None:
    answer = client.post("/api/entries", json={"name": "", "text": "x"})
    assert answer.status_code == 422
    assert answer.json()["problems"] == {
        "name": "is empty; write something",
        "message": "is missing",
        "text": "is not known; send name and message",
    }


def test_the_api_takes_json_only(client: TestClient) -> None:
    answer = client.post("/api/entries", data=ADA)
    assert (answer.status_code, answer.json()) == (415, {"error": "send application/json"})


@pytest.mark.parametrize("path", ["/", "/api/entries"])
@pytest.mark.parametrize(
    ("headers", "refused"),
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
def test_another_site_cannot_write(client: TestClient, memory, path: str, headers: dict, refused: bool) -> None:
    sent = {"json": ADA} if path.startswith("/api") else {"data": ADA}
    answer = client.post(path, headers=headers, **sent)
    assert (answer.status_code == 403) is refused
    assert len(memory.written) == (0 if refused else 1)


def test_every_answer_has_the_guarding_headers(client: TestClient) -> None:
    for path in ("/", "/api/entries", "/static/style.css", "/nothing-here"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"


def test_without_its_database_it_lives_but_is_not_ready(client: TestClient, memory) -> None:
    assert (client.get("/healthz").status_code, client.get("/readyz").status_code) == (200, 200)
    memory.away = "connection refused"
    assert (client.get("/healthz").status_code, client.get("/readyz").status_code) == (200, 503)
    page = client.get("/")
    assert page.status_code == 503
    assert "The database is away for the moment" in page.text
    assert "connection refused" not in page.text
    answer = client.post("/api/entries", json=ADA)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


def test_a_page_holds_the_newest_fifty(client: TestClient) -> None:
    for number in range(book.SHOWN + 1):
        client.post("/api/entries", json={"name": "n", "message": f"entry {number}."})
    page = client.get("/").text
    assert "entry 50." in page
    assert "entry 0." not in page


def test_version_names_the_pod(client: TestClient) -> None:
    assert client.get("/version").json() == {"title": "Guest book", "pod": "web-7c9-abcde"}


def test_a_request_is_one_line_in_the_log_and_a_good_probe_is_none(client: TestClient, caplog) -> None:
    caplog.set_level(logging.INFO, logger="guestbook.request")
    client.get("/healthz")
    assert caplog.records == []
    client.get("/api/entries?secret=1")
    assert [(record.getMessage(), record.status) for record in caplog.records] == [("GET /api/entries", 200)]


def test_what_the_form_allows_is_what_the_rules_allow(client: TestClient) -> None:
    page = client.get("/").text
    assert f'maxlength="{entries.NAME_MAX}"' in page
    assert f'maxlength="{entries.MESSAGE_MAX}"' in page

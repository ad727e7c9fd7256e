"""The page and the API."""

import contextlib
import functools
import json
import pathlib
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable

import jinja2
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import guestbook
from guestbook import book, entries, guard

HERE = pathlib.Path(__file__).parent
BODY_MAX = 16 * 1024
"""Bytes. The longest entry in the longest encoding, with room."""

Handler = Callable[[Request], Awaitable[Response]]


async def page(request: Request) -> Response:
    """The book and the form."""
    return await _page(request)


async def write(request: Request) -> Response:
    """The form was sent: write the entry and show the page anew, or show the form with what is wrong."""
    sent = urllib.parse.parse_qs((await _body(request)).decode("utf-8", "replace"), keep_blank_values=True)
    fields = {name: values[-1] for name, values in sent.items()}
    try:
        await _book(request).add(entries.check(fields))
    except entries.InvalidError as error:
        return await _page(request, fields=fields, problems=error.problems, status=422)
    # Not the page itself: reloading it must not write a second time.
    return RedirectResponse("/", status_code=303)


async def list_entries(request: Request) -> Response:
    """GET /api/entries: the newest entries."""
    return JSONResponse({"entries": [entry.as_json() for entry in await _book(request).latest()]}, headers=FRESH)


async def add_entry(request: Request) -> Response:
    """POST /api/entries with `{"name": ..., "message": ...}`: 201 and the entry, or 422 and all problems."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "send application/json")
    try:
        sent = json.loads(await _body(request))
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"the body is no JSON: {error}") from error
    if not isinstance(sent, dict):
        raise HTTPException(400, 'send an object: {"name": "...", "message": "..."}')
    try:
        entry = await _book(request).add(entries.check(sent))
    except entries.InvalidError as error:
        return JSONResponse({"error": "the entry is not valid", "problems": error.problems}, status_code=422)
    return JSONResponse(entry.as_json(), status_code=201)


async def alive(_: Request) -> Response:
    """GET /healthz: the process answers. Nothing else is asked: a restart would not bring a database back."""
    return PlainTextResponse("ok\n")


async def ready(request: Request) -> Response:
    """GET /readyz: 200 if requests can be served, 503 and the reason if not."""
    await _book(request).ready()
    return PlainTextResponse("ready\n")


async def who(request: Request) -> Response:
    """GET /version: which pod answered. Its name holds the hash of the release's pods."""
    return JSONResponse({"title": guestbook.TITLE, "pod": request.app.state.pod}, headers=FRESH)


FRESH = {"cache-control": "no-store"}


def application(store: book.Book, pod: str) -> Starlette:
    """The ASGI application over a book; `pod` is the name to show. A PostgresBook is opened and closed with it."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            if isinstance(store, book.PostgresBook):
                stack.push_async_callback(store.close)
                await store.open()
            yield

    app = Starlette(
        routes=[
            Route("/", page, methods=["GET"]),
            Route("/", _same_site(write), methods=["POST"]),
            Route("/api/entries", list_entries, methods=["GET"]),
            Route("/api/entries", _same_site(add_entry), methods=["POST"]),
            Route("/healthz", alive),
            Route("/readyz", ready),
            Route("/version", who),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ],
        middleware=[Middleware(guard.Guard)],
        exception_handlers={book.AwayError: _away, HTTPException: _refused},
        lifespan=lifespan,
    )
    app.state.book, app.state.pod = store, pod
    loader = jinja2.FileSystemLoader(HERE / "templates")
    app.state.templates = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    return app


def _same_site(handler: Handler) -> Handler:
    @functools.wraps(handler)
    async def checked(request: Request) -> Response:
        if guard.from_elsewhere(request.headers):
            raise HTTPException(403, "this was sent from another site; open the guest book itself")
        return await handler(request)

    return checked


def _book(request: Request) -> book.Book:
    return request.app.state.book


async def _body(request: Request) -> bytes:
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > BODY_MAX:
            raise HTTPException(413, f"at most {BODY_MAX} bytes")
    return bytes(read)


async def _page(
    request: Request, fields: dict[str, str] | None = None, problems: dict[str, str] | None = None, status: int = 200
) -> Response:
    problem = None
    written: list[entries.Entry] = []
    try:
        written = await _book(request).latest()
    except book.AwayError as error:
        problem, status = str(error), 503
    content = request.app.state.templates.get_template("page.html").render(
        title=guestbook.TITLE,
        pod=request.app.state.pod,
        entries=written,
        away=problem is not None,
        fields=fields or {},
        problems=problems or {},
        name_max=entries.NAME_MAX,
        message_max=entries.MESSAGE_MAX,
    )
    if problem:
        guard.log.warning("page without entries", extra={"why": problem})
    return HTMLResponse(content, status_code=status, headers=FRESH)


async def _away(_: Request, error: Exception) -> Response:
    # The reason goes to the log and to the cluster's question; it holds an address, and no password.
    guard.log.warning("database away", extra={"why": str(error)})
    headers = {"retry-after": "2", **FRESH}
    return JSONResponse({"error": "the database is away; try again"}, status_code=503, headers=headers)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": error.detail}, status_code=error.status_code, headers=error.headers)
    return PlainTextResponse(f"{error.detail}\n", status_code=error.status_code, headers=error.headers)

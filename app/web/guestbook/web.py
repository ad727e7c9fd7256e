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
MAX_BODY_BYTES = 16 * 1024
"""More than the longest entry in the longest encoding."""

Handler = Callable[[Request], Awaitable[Response]]


async def show_page(request: Request) -> Response:
    """GET /: the entries and the form."""
    return await _render_page(request)


async def submit_form(request: Request) -> Response:
    """POST /: store the entry and redirect to the page, or show the form with the problems."""
    parameters = urllib.parse.parse_qs((await _read_body(request)).decode("utf-8", "replace"), keep_blank_values=True)
    fields = {name: texts[-1] for name, texts in parameters.items()}
    try:
        await _get_book(request).add_entry(entries.validate(fields))
    except entries.InvalidError as error:
        return await _render_page(request, fields=fields, problems=error.problems, status=422)
    # Without the redirect, reloading the page would store the entry again.
    return RedirectResponse("/", status_code=303)


async def list_entries(request: Request) -> Response:
    """GET /api/entries: the newest entries."""
    return JSONResponse(
        {"entries": [entry.to_json() for entry in await _get_book(request).list_entries()]}, headers=NO_STORE
    )


async def add_entry(request: Request) -> Response:
    """POST /api/entries with `{"name": ..., "message": ...}`: 201 and the entry, or 422 and all problems."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "send application/json")
    try:
        fields = json.loads(await _read_body(request))
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"the body is not valid JSON: {error}") from error
    if not isinstance(fields, dict):
        raise HTTPException(400, 'send an object: {"name": "...", "message": "..."}')
    try:
        entry = await _get_book(request).add_entry(entries.validate(fields))
    except entries.InvalidError as error:
        return JSONResponse({"error": "the entry is not valid", "problems": error.problems}, status_code=422)
    return JSONResponse(entry.to_json(), status_code=201)


async def check_liveness(_: Request) -> Response:
    """GET /healthz: the process answers. It does not query the database, because a restart would not repair it."""
    return PlainTextResponse("ok\n")


async def check_readiness(request: Request) -> Response:
    """GET /readyz: 200 if the pod can serve requests, otherwise 503."""
    await _get_book(request).check_ready()
    return PlainTextResponse("ready\n")


async def show_version(request: Request) -> Response:
    """GET /version: the name of the pod that answers."""
    return JSONResponse({"title": guestbook.TITLE, "pod": request.app.state.pod}, headers=NO_STORE)


NO_STORE = {"cache-control": "no-store"}


def create_application(store: book.Book, pod: str) -> Starlette:
    """Create the ASGI application. It opens and closes a PostgresBook. `pod` is the name that the page shows."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            if isinstance(store, book.PostgresBook):
                stack.push_async_callback(store.close)
                await store.open()
            yield

    app = Starlette(
        routes=[
            Route("/", show_page, methods=["GET"]),
            Route("/", _require_same_site(submit_form), methods=["POST"]),
            Route("/api/entries", list_entries, methods=["GET"]),
            Route("/api/entries", _require_same_site(add_entry), methods=["POST"]),
            Route("/healthz", check_liveness),
            Route("/readyz", check_readiness),
            Route("/version", show_version),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ],
        middleware=[Middleware(guard.Guard)],
        exception_handlers={book.UnavailableError: _handle_unavailable, HTTPException: _handle_http_error},
        lifespan=lifespan,
    )
    app.state.book, app.state.pod = store, pod
    loader = jinja2.FileSystemLoader(HERE / "templates")
    app.state.templates = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    return app


def _require_same_site(handler: Handler) -> Handler:
    @functools.wraps(handler)
    async def handle_same_site(request: Request) -> Response:
        if guard.is_cross_site(request.headers):
            raise HTTPException(403, "the request comes from another site")
        return await handler(request)

    return handle_same_site


def _get_book(request: Request) -> book.Book:
    return request.app.state.book


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(413, f"the body is limited to {MAX_BODY_BYTES} bytes")
    return bytes(body)


async def _render_page(
    request: Request, fields: dict[str, str] | None = None, problems: dict[str, str] | None = None, status: int = 200
) -> Response:
    reason = None
    listed: list[entries.Entry] = []
    try:
        listed = await _get_book(request).list_entries()
    except book.UnavailableError as error:
        reason, status = str(error), 503
    content = request.app.state.templates.get_template("page.html").render(
        title=guestbook.TITLE,
        pod=request.app.state.pod,
        entries=listed,
        is_unavailable=reason is not None,
        fields=fields or {},
        problems=problems or {},
        max_name_length=entries.MAX_NAME_LENGTH,
        max_message_length=entries.MAX_MESSAGE_LENGTH,
    )
    if reason:
        guard.log.warning("the page has no entries", extra={"reason": reason})
    return HTMLResponse(content, status_code=status, headers=NO_STORE)


async def _handle_unavailable(_: Request, error: Exception) -> Response:
    # The reason contains an address, so only the log has it.
    guard.log.warning("the database is not available", extra={"reason": str(error)})
    headers = {"retry-after": "2", **NO_STORE}
    return JSONResponse({"error": "the database is not available; try again"}, status_code=503, headers=headers)


async def _handle_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": error.detail}, status_code=error.status_code, headers=error.headers)
    return PlainTextResponse(f"{error.detail}\n", status_code=error.status_code, headers=error.headers)

"""Middleware: security headers in every response, and a line in the log for every request."""

import logging
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("guestbook.request")

HEADERS = {
    # No content of other sites, no scripts, and no use in a frame.
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
PROBE_PATHS = ("/healthz", "/readyz")
"""The cluster requests these every few seconds. Only failures are logged."""


def is_cross_site(headers: Headers) -> bool:
    """Return whether another site made a browser send this request. Such a request must not change anything.

    Browsers send Sec-Fetch-Site, and old browsers Origin. Programs send neither, and have no cookies of a visitor.
    """
    site = headers.get("sec-fetch-site")
    if site:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")


class Guard:
    """The ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request. Other events, such as startup and shutdown, are passed on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        finally:
            level = logging.DEBUG if scope["path"] in PROBE_PATHS and status == 200 else logging.INFO
            duration = round((time.perf_counter() - started) * 1000, 1)
            log.log(
                level,
                "%s %s",
                scope["method"],
                scope["path"],
                extra={"status": status, "milliseconds": duration},
            )

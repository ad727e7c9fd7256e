"""Two layers around every request: headers that a browser obeys, and a line in the log."""

import logging
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("guestbook.request")

HEADERS = {
    # Nothing from elsewhere, no script at all, in nobody's frame.
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
QUIET = ("/healthz", "/readyz")
"""Asked every few seconds by the cluster: logged only when the answer is bad."""


def from_elsewhere(headers: Headers) -> bool:
    """Whether a browser sent this request on behalf of another site, so that it must not change anything.

    Every browser of today says so in Sec-Fetch-Site; an older one sends Origin. A program sends neither, and holds no
    visitor's cookies either.
    """
    site = headers.get("sec-fetch-site")
    if site:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")


class Guard:
    """The ASGI layer that does both."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; anything else, such as the start and the end, is passed on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, with_headers)
        finally:
            level = logging.DEBUG if scope["path"] in QUIET and status == 200 else logging.INFO
            spent = round((time.perf_counter() - started) * 1000, 1)
            log.log(
                level,
                "%s %s",
                scope["method"],
                scope["path"],
                extra={"status": status, "milliseconds": spent},
            )

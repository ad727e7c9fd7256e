"""Serves the guest book: `python -m guestbook`, on port 8000."""

import logging
import sys

import uvicorn

from guestbook import book, logs, settings, web


def main() -> int:
    """Serve until SIGTERM, then finish the requests in hand."""
    logs.configure()
    try:
        given = settings.read()
    except settings.IncompleteError as error:
        logging.getLogger("guestbook").critical("%s", error)
        return 1
    uvicorn.run(
        web.application(book.PostgresBook(given), given.pod),
        host="0.0.0.0",
        port=8000,
        log_config=None,  # ours
        access_log=False,  # guard.py writes one, with the time spent
        server_header=False,
        # Shorter than the 30 s that a cluster gives, longer than the slowest answer.
        timeout_graceful_shutdown=20,
        # Longer than most proxies keep a connection: who closes first must not be us, or their next request fails.
        timeout_keep_alive=75,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

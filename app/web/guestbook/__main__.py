"""Serves the guest book: `python -m guestbook`, on port 8000."""

import logging
import sys

import uvicorn

from guestbook import book, logs, settings, web


def main() -> int:
    """Serve until SIGTERM, then finish the requests in flight."""
    logs.configure()
    try:
        database_settings = settings.read_settings()
    except settings.MissingSettingsError as error:
        logging.getLogger("guestbook").critical("%s", error)
        return 1
    uvicorn.run(
        web.create_application(book.PostgresBook(database_settings), database_settings.pod),
        host="0.0.0.0",
        port=8000,
        log_config=None,  # logs.configure has set it
        access_log=False,  # guard.py logs requests with their duration
        server_header=False,
        # Shorter than the grace period of the pod (30 s), longer than the slowest response.
        timeout_graceful_shutdown=20,
        # Longer than the keep-alive of most proxies: if the server closes first, their next request fails.
        timeout_keep_alive=75,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

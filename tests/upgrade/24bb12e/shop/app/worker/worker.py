"""Packs orders, one at a time, until it is told to stop. It takes no requests."""

import configparser
import json
import os
import signal
import threading
import urllib.error
import urllib.request

stop = threading.Event()


def pack(api: str) -> int | None:
    """Packs the next order; None if there is none."""
    request = urllib.request.Request(f"{api}/orders/pack", data=b"", method="POST")  # noqa: S310 - our own API
    with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
        return json.load(response)["id"]


def main() -> None:
    config = configparser.ConfigParser()
    config.read("/etc/shop/worker.ini")
    pause = config.getfloat("worker", "seconds", fallback=1.0)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    while not stop.is_set():
        number = None
        try:
            number = pack(os.environ["API_URL"])
        except (urllib.error.URLError, TimeoutError) as error:
            print(f"the API does not answer: {error}")
        if number is not None:
            print(f"packed order {number}")
        else:
            stop.wait(pause)


if __name__ == "__main__":
    main()

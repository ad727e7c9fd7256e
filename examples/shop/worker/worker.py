"""Packs orders until SIGTERM. It has no port."""

import configparser
import json
import os
import signal
import threading
import urllib.error
import urllib.request

stop = threading.Event()


def pack_order(api: str) -> int | None:
    """Pack the next order and return its id. None: there is no open order."""
    request = urllib.request.Request(f"{api}/orders/pack", data=b"", method="POST")  # noqa: S310 - our own API
    with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
        return json.load(response)["id"]


def main() -> None:
    config = configparser.ConfigParser()
    config.read("/etc/shop/worker.ini")
    pause = config.getfloat("worker", "seconds", fallback=1.0)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    while not stop.is_set():
        order_id = None
        try:
            order_id = pack_order(os.environ["API_URL"])
        except (urllib.error.URLError, TimeoutError) as error:
            print(f"the API does not answer: {error}")
        if order_id is not None:
            print(f"packed order {order_id}")
        else:
            stop.wait(pause)


if __name__ == "__main__":
    main()

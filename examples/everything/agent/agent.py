"""Asks Kubernetes for the pods of its namespace, and logs how many there are; with --check: did it, lately?"""

import json
import os
import signal
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
LAST = Path("/tmp/last")  # noqa: S108 - the one folder that a container may always write to
EVERY = 5.0


def pods() -> int:
    """How many pods there are. The token is short-lived and renewed: it is read each time."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    namespace = (ACCOUNT / "namespace").read_text()
    request = urllib.request.Request(
        f"https://{host}:{port}/api/v1/namespaces/{namespace}/pods",
        headers={"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}"},
    )
    trusted = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, timeout=5, context=trusted) as response:  # noqa: S310
        return len(json.load(response)["items"])


def main() -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print(f"the theme is {Path('/var/cache/agent/theme').read_text()}")
    while not stop.is_set():
        try:
            print(f"{pods()} pods")
            LAST.touch()
        except (urllib.error.URLError, TimeoutError) as error:
            print(f"Kubernetes does not answer: {error}")
        stop.wait(EVERY)


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(not (LAST.exists() and time.time() - LAST.stat().st_mtime < 6 * EVERY))
    main()

"""Logs the number of pods in its namespace. With --check: exits with 0 if it has done so recently."""

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
LAST_SUCCESS = Path("/tmp/last")  # noqa: S108 - every container may write to /tmp
INTERVAL = 5.0


def count_pods() -> int:
    """Return the number of pods. The kubelet renews the token, so it is read in each call."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    namespace = (ACCOUNT / "namespace").read_text()
    request = urllib.request.Request(
        f"https://{host}:{port}/api/v1/namespaces/{namespace}/pods",
        headers={"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}"},
    )
    tls = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, timeout=5, context=tls) as response:  # noqa: S310
        return len(json.load(response)["items"])


def main() -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print(f"the theme is {Path('/var/cache/agent/theme').read_text()}")
    while not stop.is_set():
        try:
            print(f"{count_pods()} pods")
            LAST_SUCCESS.touch()
        except (urllib.error.URLError, TimeoutError) as error:
            print(f"Kubernetes does not answer: {error}")
        stop.wait(INTERVAL)


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(not (LAST_SUCCESS.exists() and time.time() - LAST_SUCCESS.stat().st_mtime < 6 * INTERVAL))
    main()

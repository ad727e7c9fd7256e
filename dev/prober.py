"""A steady, bounded load from outside the cluster that records every response."""

import dataclasses
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

T = TypeVar("T")


@dataclasses.dataclass(slots=True)
class Prober:
    """Requests a URL on 127.0.0.1 repeatedly from a few threads, until the block ends.

    A complete response with a 2xx status is a success. Everything else is a failure, a redirect too. Like every HTTP
    client, the prober retries a GET once on a new connection if the server closed the kept-alive connection. A failed
    new connection and a timeout are failures. With ``keep_alive=False``, each request opens a connection.
    """

    url: str
    threads: int = 4
    per_second: float = 10
    limit: float = 300
    timeout: float = 10
    keep_alive: bool = True
    answered: int = 0
    longest_pause: float = 0
    """The most seconds between two successes, of any thread."""
    failures: list[str] = dataclasses.field(default_factory=list[str])
    bodies: set[str] = dataclasses.field(default_factory=set[str])
    _last_success: float = dataclasses.field(default_factory=time.monotonic)
    _stop: threading.Event = dataclasses.field(default_factory=threading.Event)
    _workers: list[threading.Thread] = dataclasses.field(default_factory=list[threading.Thread])
    _lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        if not self.url.startswith("http://127.0.0.1:"):
            raise ValueError(f"a load may target only this machine, not {self.url}")
        self._last_success = time.monotonic()
        self._workers = [threading.Thread(target=self._send_requests, daemon=True) for _ in range(self.threads)]
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for worker in self._workers:
            worker.join(timeout=300)

    def wait_for_answers(self, count: int) -> None:
        """Wait until this many more requests succeed or fail."""
        before = self._count_requests()
        wait_until(lambda: self._count_requests() >= before + count, seconds=self.limit, interval=0.05)

    def _count_requests(self) -> int:
        with self._lock:
            return self.answered + len(self.failures)

    def _send_requests(self) -> None:
        end = time.monotonic() + self.limit
        limits = httpx.Limits(max_keepalive_connections=None if self.keep_alive else 0)
        with httpx.Client(timeout=self.timeout, limits=limits) as client:
            while not self._stop.is_set() and time.monotonic() < end:
                response = self._get(client)
                with self._lock:
                    if isinstance(response, str):
                        self.failures.append(f"{time.strftime('%X')} {response}")
                    elif not response.is_success:
                        self.failures.append(f"{time.strftime('%X')} {response.status_code} {response.text[:200]}")
                    else:
                        self.answered += 1
                        now = time.monotonic()
                        self.longest_pause = max(self.longest_pause, now - self._last_success)
                        self._last_success = now
                        self.bodies.add(response.text)
                self._stop.wait(self.threads / self.per_second)

    def _get(self, client: httpx.Client) -> httpx.Response | str:
        """Return the response, or an error message."""
        connections: list[str] = []

        def trace(event: str, _: dict[str, Any]) -> None:
            if event == "connection.connect_tcp.started":
                connections.append(event)

        try:
            return client.get(self.url, extensions={"trace": trace})
        except httpx.TransportError as error:
            if connections or isinstance(error, httpx.TimeoutException):
                return repr(error)
        # The server had closed a kept-alive connection.
        try:
            return httpx.get(self.url, timeout=self.timeout)
        except httpx.TransportError as error:
            return f"{error!r}, also on a new connection"


def wait_until(check: Callable[[], T], *, seconds: float, interval: float = 0.5) -> T:
    """Call a check until its result is true, and return the result. Raises AssertionError with the last result."""
    end = time.monotonic() + seconds
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"the condition was not met within {seconds} s: {result!r}")
        time.sleep(interval)

"""A steady, bounded load from outside the cluster that remembers every answer."""

import dataclasses
import threading
import time
from types import TracebackType
from typing import Any, Self

import httpx


@dataclasses.dataclass(slots=True)
class Prober:
    """Asks one address on 127.0.0.1 again and again, from a few threads, until the block ends.

    Answered means: a whole answer with a status of 2xx. Everything else is a failure; a redirect too, it is not
    followed. One case is asked again, once and on a fresh connection, as every HTTP client does: a GET on a connection
    kept alive from before that the server closed meanwhile. A first connection that fails and a timeout are failures.
    """

    url: str
    threads: int = 4
    per_second: float = 10
    limit: float = 300
    patience: float = 10
    answered: int = 0
    failures: list[str] = dataclasses.field(default_factory=list)
    bodies: set[str] = dataclasses.field(default_factory=set)
    _stop: threading.Event = dataclasses.field(default_factory=threading.Event)
    _workers: list[threading.Thread] = dataclasses.field(default_factory=list)
    _lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        if not self.url.startswith("http://127.0.0.1:"):
            raise ValueError(f"a load only ever goes to this machine, not to {self.url}")
        self._workers = [threading.Thread(target=self._ask, daemon=True) for _ in range(self.threads)]
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for worker in self._workers:
            worker.join(timeout=300)

    def answer(self, count: int) -> None:
        """Wait until so many more requests have had an answer or have failed."""
        before = self._asked()
        until(lambda: self._asked() >= before + count, seconds=self.limit, every=0.05)

    def _asked(self) -> int:
        with self._lock:
            return self.answered + len(self.failures)

    def _ask(self) -> None:
        end = time.monotonic() + self.limit
        with httpx.Client(timeout=self.patience) as kept:
            while not self._stop.is_set() and time.monotonic() < end:
                answer = self._get(kept)
                with self._lock:
                    if isinstance(answer, str):
                        self.failures.append(f"{time.strftime('%X')} {answer}")
                    elif not answer.is_success:
                        self.failures.append(f"{time.strftime('%X')} {answer.status_code} {answer.text[:200]}")
                    else:
                        self.answered += 1
                        self.bodies.add(answer.text)
                self._stop.wait(self.threads / self.per_second)

    def _get(self, kept: httpx.Client) -> httpx.Response | str:
        """The answer, or what went wrong."""
        opened: list[str] = []

        def trace(event: str, _: dict[str, Any]) -> None:
            if event == "connection.connect_tcp.started":
                opened.append(event)

        try:
            return kept.get(self.url, extensions={"trace": trace})
        except httpx.TransportError as error:
            if opened or isinstance(error, httpx.TimeoutException):
                return repr(error)
        # The connection was an old one, and the server had closed it.
        try:
            return httpx.get(self.url, timeout=self.patience)
        except httpx.TransportError as error:
            return f"{error!r}, on a fresh connection too"


def until(question, *, seconds: float, every: float = 0.5):
    """Ask until the answer is true, and return it; at the end the last answer is what failed."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not so after {seconds} s: {answer!r}")
        time.sleep(every)

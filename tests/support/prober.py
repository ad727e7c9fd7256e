"""A steady, bounded load from outside the cluster that remembers every answer."""

import dataclasses
import threading
import time
from types import TracebackType
from typing import Self

import httpx


@dataclasses.dataclass(slots=True)
class Prober:
    """Asks one address on 127.0.0.1 again and again, from a few threads, until the block ends.

    Failed means: no complete answer below 500 after one retry of the GET on a fresh connection. The retry is what
    every HTTP client does when a kept-alive connection is closed under it.
    """

    url: str
    threads: int = 4
    per_second: float = 10
    limit: float = 300
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
            worker.join(timeout=15)

    def _ask(self) -> None:
        end = time.monotonic() + self.limit
        with httpx.Client(timeout=5) as kept:
            while not self._stop.is_set() and time.monotonic() < end:
                try:
                    answer = kept.get(self.url)
                except httpx.TransportError:
                    answer = self._again()
                with self._lock:
                    if isinstance(answer, str):
                        self.failures.append(f"{time.strftime('%X')} {answer}")
                    elif answer.status_code >= 500:
                        self.failures.append(f"{time.strftime('%X')} {answer.status_code} {answer.text[:200]}")
                    else:
                        self.answered += 1
                        self.bodies.add(answer.text)
                self._stop.wait(self.threads / self.per_second)

    def _again(self) -> httpx.Response | str:
        try:
            return httpx.get(self.url, timeout=5)
        except httpx.TransportError as error:
            return repr(error)


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

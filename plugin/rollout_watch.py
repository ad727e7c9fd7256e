"""The watch over one rollout: judged at every change, told as it goes, ended by success or a report of what failed."""

import asyncio
import datetime
import time
from collections.abc import Sequence

from plugin import engine, resource
from seaway import errors
from seaway.kubernetes.api import kinds
from seaway.kubernetes.cluster import client, reflector, snapshot
from seaway.rollout import causes, health, report, target, workload_health

MIN_INTERVAL = 0.05
"""Seconds between two judgements, at least: changes come in bursts."""
MAX_INTERVAL = 1.0
"""Seconds between two judgements, at most: deadlines pass without any change."""
FAILURE_SETTLE = 3.0
"""Seconds after the first failure in which the others are gathered: a person mends all of them at once."""
DISCONNECT_GRACE = 60.0
"""Seconds that the API server may be away at no cost to the deadlines, and after the last of them."""
DISCONNECT_NOTICE = 2.0
"""Seconds that it may be away before that is worth a line that stays."""
STATUS_INTERVAL = 1.0
"""Seconds between two status rows: where there is no terminal, each is a line of its own."""
MAX_ROWS = 4
"""Workloads that the status row shows one by one."""
LOG_TAIL_LINES = 20
"""Lines of a log."""
LOG_MAX_BYTES = 64 * 1024
"""Bytes of a log: a line may have any length."""


class RolloutWatch:
    """One rollout. The deadlines' clock starts here.

    Args:
        namespace: that the targets live in.
        log: of the resource.
    """

    def __init__(
        self, cluster: client.KubeClient, namespace: str, targets: Sequence[target.Target], log: engine.Log
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._targets = targets
        self._log = log
        self._start = time.monotonic()
        self._started = datetime.datetime.now(datetime.UTC)
        self._disconnected_since: float | None = None
        self._disconnected_seconds = 0.0
        self._reported: set[tuple[str, str]] = set()
        """(owner, cause) of the findings, (owner, "complete") of what is done."""
        self._status_row: str = ""
        self._status_row_at = -STATUS_INTERVAL

    @property
    def _elapsed(self) -> float:
        """Seconds since the beginning; those without an API server do not count, nothing can go on in them."""
        return time.monotonic() - self._start - min(self._disconnected_seconds, DISCONNECT_GRACE)

    async def wait(self) -> None:
        """Return when all targets are complete.

        Raises:
            resource.Refused: some have failed; the text is the report of all that have.
            errors.Unavailable: the API server stayed away, or refuses.
        """
        failed: float | None = None
        looked = False
        async with reflector.Reflector(self._cluster, self._namespace) as seen:
            while True:
                if await self._is_disconnected(seen.disconnected_reason):
                    await seen.wait_for_change(MAX_INTERVAL)
                    continue
                now, begun = seen.take_snapshot(), time.monotonic()
                verdicts = [
                    health.assess_workload(one, now, elapsed=self._elapsed, started=self._started)
                    for one in self._targets
                ]
                judging = time.monotonic() - begun
                if not looked:
                    # What was complete from the first is no news: it was not changed.
                    self._reported |= {(one.target.owner, "complete") for one in verdicts if one.state == "complete"}
                    looked = True
                await self._report_progress(verdicts)
                states = {one.state for one in verdicts}
                if states <= {"complete"}:
                    return
                # Whatever heals in time was no failure after all.
                failed = (failed or time.monotonic()) if "failed" in states else None
                if failed and ("progressing" not in states or time.monotonic() - failed > FAILURE_SETTLE):
                    raise resource.ResourceError(await self._build_report(verdicts, now))
                # Hundreds of workloads take a while to judge: the news about them need time too.
                await asyncio.sleep(max(MIN_INTERVAL, judging))
                await seen.wait_for_change(MAX_INTERVAL)

    async def _is_disconnected(self, reason: str | None) -> bool:
        """Whether the API server does not answer: then what was seen last says nothing about now."""
        now = time.monotonic()
        if reason is None:
            if self._disconnected_since is not None:
                self._disconnected_seconds += now - self._disconnected_since
                self._disconnected_since = None
            return False
        if self._disconnected_since is None:
            self._disconnected_since = now
            await self._show_status("the cluster does not answer, waiting for it")
        if now - self._start > max((one.deadline for one in self._targets), default=0) + DISCONNECT_GRACE:
            raise errors.Unavailable(reason)
        if now - self._disconnected_since > DISCONNECT_NOTICE and ("", "away") not in self._reported:
            self._reported.add(("", "away"))
            await self._log.warning(f"waiting for the cluster: {reason}")
        return True

    async def _report_progress(self, verdicts: Sequence[workload_health.WorkloadHealth]) -> None:
        """What is new since the last time. A fatal finding is not: the report tells it within seconds, once."""
        for one in verdicts:
            owner = one.target.owner
            for finding in one.findings:
                if not finding.fatal and self._is_new(owner, finding.cause):
                    pod = f" (pod {finding.pod})" if finding.pod else ""
                    link = causes.format_runbook_link(finding.cause)
                    await self._log.warning(f"{owner}: {finding.line}{pod}\n  {finding.hint}\n  see {link}")
            if one.state == "complete" and self._is_new(owner, "complete"):
                await self._log.status(f"{one.summary}, after {self._elapsed:.0f} s")
        if (
            any(one.state != "complete" for one in verdicts)
            and time.monotonic() - self._status_row_at >= STATUS_INTERVAL
        ):
            await self._show_status(format_status_row(verdicts))

    def _is_new(self, owner: str, what: str) -> bool:
        """Whether it is told for the first time; the status row is covered by the line then, and due again."""
        if (owner, what) in self._reported:
            return False
        self._reported.add((owner, what))
        self._status_row = ""
        return True

    async def _show_status(self, text: str) -> None:
        if text != self._status_row:
            self._status_row, self._status_row_at = text, time.monotonic()
            await self._log.status(text)

    async def _build_report(self, verdicts: Sequence[workload_health.WorkloadHealth], seen: snapshot.Snapshot) -> str:
        """With the last lines of the containers that it asks for; what cannot be read is left out."""
        wanted = report.list_log_requests(verdicts, seen)
        found = await asyncio.gather(*map(self._read_log_tail, wanted))
        logs = {(one.pod, one.container): text for one, text in zip(wanted, found, strict=True) if text}
        return report.format_report(verdicts, seen, logs, now=datetime.datetime.now(datetime.UTC))

    async def _read_log_tail(self, wanted: report.LogRequest) -> str:
        path = kinds.build_log_path(self._namespace, wanted.pod)
        bounds = {"tailLines": str(LOG_TAIL_LINES), "limitBytes": str(LOG_MAX_BYTES)}
        previous = {"previous": "true"} if wanted.previous else {}
        try:
            return await self._cluster.get_text(path, container=wanted.container, **bounds, **previous)
        except errors.Unavailable:
            return ""


def format_status_row(workloads: Sequence[workload_health.WorkloadHealth]) -> str:
    """All workloads in one line: those that are not complete first, and only the first of very many."""
    open_ones = [one.summary for one in workloads if one.state != "complete"]
    parts = open_ones[:MAX_ROWS]
    if len(open_ones) > MAX_ROWS:
        parts.append(f"{len(open_ones) - MAX_ROWS} more")
    if len(workloads) > len(open_ones):
        parts.append(f"{len(workloads) - len(open_ones)} of {len(workloads)} complete")
    return " · ".join(parts)

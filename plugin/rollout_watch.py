"""The watch over one rollout: judged at every change, told as it goes, ended by success or a report of what failed."""

import asyncio
import datetime
import time
from collections.abc import Sequence

from plugin import engine, resource
from seaway import errors
from seaway.kubernetes.api import paths
from seaway.kubernetes.cluster import client, reflector, snapshot
from seaway.rollout import causes, health, report, target, workload_health

GAP = 0.05
"""Seconds between two judgements, at least: changes come in bursts."""
PERIOD = 1.0
"""Seconds between two judgements, at most: deadlines pass without any change."""
SETTLE = 3.0
"""Seconds after the first failure in which the others are gathered: a person mends all of them at once."""
GRACE = 60.0
"""Seconds that the API server may be away at no cost to the deadlines, and after the last of them."""
HICCUP = 2.0
"""Seconds that it may be away before that is worth a line that stays."""
STATUS = 1.0
"""Seconds between two status rows: where there is no terminal, each is a line of its own."""
ROWS = 4
"""Workloads that the status row shows one by one."""
TAIL = 20
"""Lines of a log."""
LONGEST = 64 * 1024
"""Bytes of a log: a line may have any length."""


class Watch:
    """One rollout. The deadlines' clock starts here.

    Args:
        namespace: that the targets live in.
        log: of the resource.
    """

    def __init__(
        self, cluster: client.Cluster, namespace: str, targets: Sequence[target.Target], log: engine.Log
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._targets = targets
        self._log = log
        self._begun = time.monotonic()
        self._started = datetime.datetime.now(datetime.UTC)
        self._away_since: float | None = None
        self._away = 0.0
        self._told: set[tuple[str, str]] = set()
        """(owner, cause) of the findings, (owner, "complete") of what is done."""
        self._row: str = ""
        self._row_at = -STATUS

    @property
    def _elapsed(self) -> float:
        """Seconds since the beginning; those without an API server do not count, nothing can go on in them."""
        return time.monotonic() - self._begun - min(self._away, GRACE)

    async def end(self) -> None:
        """Return when all targets are complete.

        Raises:
            resource.Refused: some have failed; the text is the report of all that have.
            errors.Unavailable: the API server stayed away, or refuses.
        """
        failed: float | None = None
        looked = False
        async with reflector.Mirror(self._cluster, self._namespace) as seen:
            while True:
                if await self._is_away(seen.away):
                    await seen.changed(PERIOD)
                    continue
                now, begun = seen.snapshot(), time.monotonic()
                verdicts = [
                    health.judge(one, now, elapsed=self._elapsed, started=self._started) for one in self._targets
                ]
                judging = time.monotonic() - begun
                if not looked:
                    # What was complete from the first is no news: it was not changed.
                    self._told |= {(one.target.owner, "complete") for one in verdicts if one.state == "complete"}
                    looked = True
                await self._tell(verdicts)
                states = {one.state for one in verdicts}
                if states <= {"complete"}:
                    return
                # Whatever heals in time was no failure after all.
                failed = (failed or time.monotonic()) if "failed" in states else None
                if failed and ("progressing" not in states or time.monotonic() - failed > SETTLE):
                    raise resource.Refused(await self._report(verdicts, now))
                # Hundreds of workloads take a while to judge: the news about them need time too.
                await asyncio.sleep(max(GAP, judging))
                await seen.changed(PERIOD)

    async def _is_away(self, reason: str | None) -> bool:
        """Whether the API server does not answer: then what was seen last says nothing about now."""
        now = time.monotonic()
        if reason is None:
            if self._away_since is not None:
                self._away += now - self._away_since
                self._away_since = None
            return False
        if self._away_since is None:
            self._away_since = now
            await self._status("the cluster does not answer, waiting for it")
        if now - self._begun > max((one.deadline for one in self._targets), default=0) + GRACE:
            raise errors.Unavailable(reason)
        if now - self._away_since > HICCUP and ("", "away") not in self._told:
            self._told.add(("", "away"))
            await self._log.warning(f"waiting for the cluster: {reason}")
        return True

    async def _tell(self, verdicts: Sequence[workload_health.Verdict]) -> None:
        """What is new since the last time. A fatal finding is not: the report tells it within seconds, once."""
        for one in verdicts:
            owner = one.target.owner
            for finding in one.findings:
                if not finding.fatal and self._new(owner, finding.cause):
                    pod = f" (pod {finding.pod})" if finding.pod else ""
                    link = causes.link(finding.cause)
                    await self._log.warning(f"{owner}: {finding.line}{pod}\n  {finding.remedy}\n  see {link}")
            if one.state == "complete" and self._new(owner, "complete"):
                await self._log.status(f"{one.row}, after {self._elapsed:.0f} s")
        if any(one.state != "complete" for one in verdicts) and time.monotonic() - self._row_at >= STATUS:
            await self._status(row(verdicts))

    def _new(self, owner: str, what: str) -> bool:
        """Whether it is told for the first time; the status row is covered by the line then, and due again."""
        if (owner, what) in self._told:
            return False
        self._told.add((owner, what))
        self._row = ""
        return True

    async def _status(self, text: str) -> None:
        if text != self._row:
            self._row, self._row_at = text, time.monotonic()
            await self._log.status(text)

    async def _report(self, verdicts: Sequence[workload_health.Verdict], seen: snapshot.Snapshot) -> str:
        """With the last lines of the containers that it asks for; what cannot be read is left out."""
        wanted = report.wanted(verdicts, seen)
        found = await asyncio.gather(*map(self._tail, wanted))
        logs = {(one.pod, one.container): text for one, text in zip(wanted, found, strict=True) if text}
        return report.report(verdicts, seen, logs, now=datetime.datetime.now(datetime.UTC))

    async def _tail(self, wanted: report.Log) -> str:
        path = f"{paths.path('v1', 'Pod', self._namespace, wanted.pod)}/log"
        bounds = {"tailLines": str(TAIL), "limitBytes": str(LONGEST)}
        previous = {"previous": "true"} if wanted.previous else {}
        try:
            return await self._cluster.text(path, container=wanted.container, **bounds, **previous)
        except errors.Unavailable:
            return ""


def row(verdicts: Sequence[workload_health.Verdict]) -> str:
    """All workloads in one line: those that are not complete first, and only the first of very many."""
    open_ones = [one.row for one in verdicts if one.state != "complete"]
    parts = open_ones[:ROWS]
    if len(open_ones) > ROWS:
        parts.append(f"{len(open_ones) - ROWS} more")
    if len(verdicts) > len(open_ones):
        parts.append(f"{len(verdicts) - len(open_ones)} of {len(verdicts)} complete")
    return " · ".join(parts)

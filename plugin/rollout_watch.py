"""Waits for one rollout: assesses it at every change, reports progress, and ends with success or a report."""

import asyncio
import dataclasses
import datetime
import time
from collections.abc import Iterable, Mapping, Sequence

from seaway import errors
from seaway.kubernetes.api import kinds, unstructured
from seaway.kubernetes.cluster import client, reflector, snapshot
from seaway.rollout import causes, evidence, health, node_usage, report, routes, target, workload_health
from seaway.syntax import diagnosis

from . import engine

MIN_INTERVAL = 0.05
"""Minimum seconds between two assessments: changes come in bursts."""
MAX_INTERVAL = 1.0
"""Maximum seconds between two assessments: deadlines pass without a change."""
FAILURE_SETTLE = 3.0
"""Seconds after the first failure in which others are collected, so that people can fix all of them at once."""
SUSPICION_SECONDS = 3.0
"""Seconds that a failing probe must last until its usual causes are reported. The program may be about to crash, and
its error is the cause."""
DISCONNECT_GRACE = 60.0
"""Seconds without an API server that do not count towards the deadlines; also the limit after the last deadline."""
DISCONNECT_NOTICE = 2.0
"""Seconds without an API server until a warning."""
STATUS_INTERVAL = 1.0
"""Seconds between two status rows: without a terminal, each is a line of its own."""
LOOKUP_INTERVAL = 2.0
"""Seconds between two requests for objects that are not watched."""
MAX_ROWS = 4
"""Workloads in the status row."""
MAX_PODS = 1000
"""Pods of the cluster that are read to find what fills its nodes."""
LOG_TAIL_LINES = 200
"""A traceback of several threads is long."""
LOG_MAX_BYTES = 64 * 1024
"""A line may have any length."""


class RolloutWatch:
    """One rollout. The deadlines start now. ``finished``: see ``health.assess_workload``."""

    def __init__(
        self,
        cluster: client.KubeClient,
        namespace: str,
        targets: Sequence[target.Target],
        log: engine.Log,
        finished: Iterable[str] = (),
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._targets = targets
        self._log = log
        self._finished = {*finished}
        self._start = time.monotonic()
        self._started = datetime.datetime.now(datetime.UTC)
        self._disconnected_since: float | None = None
        self._disconnected_seconds = 0.0
        self._logs: dict[tuple[str, str], str] = {}
        """The last lines of containers with findings, by pod and container."""
        self._requests: Mapping[str, str] | None = None
        """See ``node_usage``; None until a pod does not fit."""
        self._has_routes = any(target_.routes for target_ in targets)
        self._lookups: dict[str, snapshot.Object | None] = {}
        """Gateways, which may be of another namespace, and their classes. What may not be read is left out."""
        self._looked_up_at = -LOOKUP_INTERVAL
        self._reported: set[tuple[str, str]] = set()
        """(owner, cause) of findings, and (owner, "complete")."""
        self._suspected_since: dict[str, float] = {}
        """By owner: when a probe began to fail."""
        self._status_row: str = ""
        self._status_row_at = -STATUS_INTERVAL

    @property
    def _elapsed(self) -> float:
        """Seconds since the start, without those without an API server, in which no rollout can progress."""
        return time.monotonic() - self._start - min(self._disconnected_seconds, DISCONNECT_GRACE)

    async def wait(self) -> None:
        """Return when all targets are complete.

        Raises:
            engine.ResourceError: some have failed; the text is the report.
        """
        failed: float | None = None
        first = True
        async with reflector.Reflector(self._cluster, self._namespace, list_kinds(self._targets)) as live:
            while True:
                if await self._is_disconnected(live.disconnected_reason):
                    await live.wait_for_change(MAX_INTERVAL)
                    continue
                start = time.monotonic()
                live_objects = live.take_snapshot()
                await self._look_up(live_objects)
                workloads = self._assess(live_objects)
                duration = time.monotonic() - start
                self._note_suspicions(workloads)
                workloads = await self._add_evidence(workloads, live_objects)
                if first:
                    # A workload that is complete from the start was not changed: do not report it.
                    self._reported |= {
                        (workload.target.owner, "complete") for workload in workloads if workload.state == "complete"
                    }
                    first = False
                await self._report_progress(workloads)
                states = {workload.state for workload in workloads}
                if states <= {"complete"}:
                    return
                # A workload that recovers in time did not fail.
                failed = (failed or time.monotonic()) if "failed" in states else None
                if failed and ("progressing" not in states or time.monotonic() - failed > FAILURE_SETTLE):
                    raise engine.ResourceError(await self._build_report(workloads, live_objects))
                # Hundreds of workloads take a while to assess, and their events need time too.
                await asyncio.sleep(max(MIN_INTERVAL, duration))
                await live.wait_for_change(MAX_INTERVAL)

    def _assess(self, live_objects: snapshot.Snapshot) -> list[workload_health.WorkloadHealth]:
        index = evidence.ObjectIndex(live_objects, self._logs, self._requests or {}, self._lookups)
        # A short TTL deletes a Job before the others of its step have finished.
        self._finished |= {
            unstructured.get_name(job)
            for job in live_objects.list_objects("Job")
            if unstructured.is_terminating(job) and unstructured.is_condition_true(job, "Complete")
        }
        workloads = [
            health.assess_workload(
                target_, index, elapsed=self._elapsed, started=self._started, finished=self._finished
            )
            for target_ in self._targets
        ]
        self._finished |= {workload.target.name for workload in workloads if workload.state == "complete"}
        return workloads

    async def _look_up(self, live_objects: snapshot.Snapshot) -> None:
        """Read what explains a route without an answer. No watch follows it, so it is read again after a while."""
        if self._has_routes and time.monotonic() - self._looked_up_at >= LOOKUP_INTERVAL:
            self._looked_up_at = time.monotonic()
            self._lookups = await routes.look_up(self._cluster, live_objects)

    async def _add_evidence(
        self, workloads: list[workload_health.WorkloadHealth], live_objects: snapshot.Snapshot
    ) -> list[workload_health.WorkloadHealth]:
        """The health with more evidence of new findings.

        A program often says itself why it cannot be reached. A full node is filled by the pods of other namespaces.
        """
        findings = [
            finding
            for workload in workloads
            for finding in workload.findings
            if self._is_due(workload, finding) and (workload.target.owner, finding.cause) not in self._reported
        ]
        if not findings:
            return workloads
        await self._read_logs(findings, live_objects)
        if self._requests is None and any(finding.cause == "unschedulable" for finding in findings):
            self._requests = await self._read_requests()
        return self._assess(live_objects)

    def _note_suspicions(self, workloads: Sequence[workload_health.WorkloadHealth]) -> None:
        suspected = {
            workload.target.owner
            for workload in workloads
            if any(finding.cause in causes.SUSPICIONS for finding in workload.findings)
        }
        now = time.monotonic()
        self._suspected_since = {owner: self._suspected_since.get(owner, now) for owner in suspected}

    def _is_due(self, workload: workload_health.WorkloadHealth, finding: workload_health.Finding) -> bool:
        """Whether a finding can be reported while the rollout waits. Fatal ones are left to the report."""
        since = self._suspected_since.get(workload.target.owner, time.monotonic())
        is_certain = finding.cause not in causes.SUSPICIONS or time.monotonic() - since >= SUSPICION_SECONDS
        return is_certain and not finding.fatal

    def _omit_suspicions(self, workload: workload_health.WorkloadHealth) -> workload_health.WorkloadHealth:
        findings = (finding for finding in workload.findings if finding.fatal or self._is_due(workload, finding))
        return dataclasses.replace(workload, findings=tuple(findings))

    async def _is_disconnected(self, reason: str | None) -> bool:
        """Whether the API server does not answer: the last snapshot is then out of date."""
        now = time.monotonic()
        if reason is None:
            if self._disconnected_since is not None:
                self._disconnected_seconds += now - self._disconnected_since
                self._disconnected_since = None
            return False
        if self._disconnected_since is None:
            self._disconnected_since = now
            await self._show_status("the cluster does not answer, waiting for it")
        if now - self._start > max((target_.deadline for target_ in self._targets), default=0) + DISCONNECT_GRACE:
            raise errors.Unavailable(reason)
        if now - self._disconnected_since > DISCONNECT_NOTICE and ("", "disconnected") not in self._reported:
            self._reported.add(("", "disconnected"))
            await self._log.warning(f"waiting for the cluster: {reason}")
        return True

    async def _report_progress(self, workloads: Sequence[workload_health.WorkloadHealth]) -> None:
        """Show what is new. Fatal findings are left to the report, which follows within seconds."""
        for workload in workloads:
            owner = workload.target.owner
            for finding in workload.findings:
                if self._is_due(workload, finding) and self._is_new(owner, finding.cause):
                    pod = f" (pod {finding.pod})" if finding.pod else ""
                    await self._log.warning(f"{owner}: {finding.message}{pod}")
                    # While the rollout waits, Pulumi shows only the first line of a text.
                    await self._log.info(f"fix: {finding.hint}\n  more: {diagnosis.format_help(finding.cause)}")
            if workload.state == "complete" and self._is_new(owner, "complete"):
                await self._log.status(f"{workload.summary}, after {self._elapsed:.0f} s")
        incomplete = any(workload.state != "complete" for workload in workloads)
        if incomplete and time.monotonic() - self._status_row_at >= STATUS_INTERVAL:
            await self._show_status(format_status_row(list(map(self._omit_suspicions, workloads))))

    def _is_new(self, owner: str, event: str) -> bool:
        """Whether it is reported for the first time. The new line covers the status row, which is then due again."""
        if (owner, event) in self._reported:
            return False
        self._reported.add((owner, event))
        self._status_row = ""
        return True

    async def _show_status(self, text: str) -> None:
        if text != self._status_row:
            self._status_row, self._status_row_at = text, time.monotonic()
            await self._log.status(text)

    async def _build_report(
        self, workloads: Sequence[workload_health.WorkloadHealth], live_objects: snapshot.Snapshot
    ) -> str:
        """The report, with the logs that can be read."""
        findings = [workload.findings[0] for workload in workloads if workload.state == "failed"]
        await self._read_logs(findings, live_objects)
        index = evidence.ObjectIndex(live_objects, self._logs, self._requests or {})
        return report.format_report(self._assess(live_objects), index, now=datetime.datetime.now(datetime.UTC))

    async def _read_logs(self, findings: Iterable[workload_health.Finding], live_objects: snapshot.Snapshot) -> None:
        requests = report.list_log_requests(findings, evidence.ObjectIndex(live_objects))
        texts = await asyncio.gather(*map(self._read_log_tail, requests))
        read = zip(requests, texts, strict=True)
        self._logs |= {(request.pod, request.container): text for request, text in read if text}

    async def _read_requests(self) -> Mapping[str, str]:
        """Empty if they cannot be read, or are too many."""
        try:
            pods = await self._cluster.get(kinds.build_path("Pod"), limit=str(MAX_PODS))
        except errors.Unavailable:
            return {}
        return {} if pods["metadata"].get("continue") else node_usage.summarize_requests(pods["items"])

    async def _read_log_tail(self, request: report.LogRequest) -> str:
        query = {"container": request.container, "tailLines": str(LOG_TAIL_LINES), "limitBytes": str(LOG_MAX_BYTES)}
        if request.previous:
            query["previous"] = "true"
        try:
            return await self._cluster.get_text(kinds.build_log_path(self._namespace, request.pod), **query)
        except errors.Unavailable:
            return ""


def list_kinds(targets: Iterable[target.Target]) -> tuple[str, ...]:
    """The kinds that the health of the targets is computed from. Those of routes may be unknown to the cluster."""
    has_routes = any(target_.routes for target_ in targets)
    return (*snapshot.WATCHED_KINDS, *(routes.WATCHED_KINDS if has_routes else ()))


def format_status_row(workloads: Sequence[workload_health.WorkloadHealth]) -> str:
    """All workloads in one line: first those that are not complete, up to ``MAX_ROWS``."""
    incomplete = [workload.summary for workload in workloads if workload.state != "complete"]
    parts = incomplete[:MAX_ROWS]
    if len(incomplete) > MAX_ROWS:
        parts.append(f"{len(incomplete) - MAX_ROWS} more")
    if len(workloads) > len(incomplete):
        parts.append(f"{len(workloads) - len(incomplete)} of {len(workloads)} complete")
    return " · ".join(parts)

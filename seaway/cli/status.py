"""``seaway status``: the health of the workloads of a stack. Needs only a kubeconfig.

``--json`` prints one object, with ``--watch`` one on a line for each change. Times are UTC: ``2026-03-01T10:00:00Z``::

    application, stack, context, namespace    strings
    release      null, or {id, since}: the last release that was deployed completely
    healthy      whether there are workloads and all are complete, or only jobs that have ended; the exit code is 0
                 then, otherwise 1
    finished     a list of names: the jobs of a release without services, if all of them have succeeded and are deleted
    workloads    a list of
        name         of the service, store or job
        kind         service, store or job
        object       {kind, name} of the Kubernetes object
        state        complete, progressing or failed
        ready        ready pods of any version; for a job: succeeded pods
        desired      pods that there should be
        scale        null, or {min, max}: the limits of the autoscaler
        updated      pods of the newest version
        runs         null; for a CronJob {schedule, zone, suspended, state, last}: schedule and last may be null,
                     state is that of the newest run: none, running, done or failed
        addresses    where it is reachable from outside the cluster: http://10.0.0.7:30080, or pending while the
                     cluster assigns one; empty: it is not published
        image        of the newest version, in full
        since        start of the newest version
        restarts     of all containers of its pods
        disks        a list of lines about its disks that have another size than declared
        event        null, or the newest warning of the last hour: {time, object, reason, message}
        findings     a list of {cause, message, hint, runbook, pod, container, fatal, more}: pod and container may be
                     null, more is the number of other pods with the same finding
    external     a list of {name, address}: the external stores that the workloads call

``--drift --json`` prints one object::

    application, stack, context, namespace    as above
    release      id of the release that the cluster is compared with
    drift        a list; the exit code is 4 if one of them is not harmless, otherwise 0
        object       {kind, name}
        field        as spec.template.spec.containers[web].image; empty for the whole object
        how          edited, deleted or added
        declared     the deployed value; null if it was added
        live         the value in the cluster; null if it was deleted
        by           null, or the field manager and time: kubectl-edit at 2026-03-01T10:00:00Z
        harmless     whether everything that is declared is as declared: it blocks nothing
"""

import argparse
import asyncio
import contextlib
import datetime
import sys
from collections.abc import Callable, Generator, Sequence
from typing import Any

from rich import live

from seaway import errors
from seaway.cli import command, connection, display, output, release_state, stack, status_report
from seaway.kubernetes.api import kinds, unstructured
from seaway.kubernetes.cluster import client, reflector, snapshot
from seaway.release import drift, record_store, stack_state
from seaway.rollout import addresses
from seaway.rollout import status as workload_status

UNKNOWN = 2
"""The cluster cannot be reached, so the health is unknown, unlike with 1."""

DRIFTED = 4
"""What is declared differs in the cluster. Its own exit code, since the command itself has not failed."""

DRIFT_HEADINGS = ("KIND/NAME", "FIELD", "DECLARED", "LIVE", "BY")

REDRAW_INTERVAL = 5.0
"""Seconds between updates of the ages without a change."""

CHANGE_BATCH_SECONDS = 0.3
"""Seconds in which changes are collected: a rollout makes many at once."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Exit codes: 0, healthy; 1, not healthy; 2, unknown; 4, drift."
    stack.add_option(parser)
    command.add_json_option(parser, __name__)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("-w", "--watch", action="store_true", help="keep running and show each change; stop with Ctrl-C")
    mode.add_argument("--drift", action="store_true", help="compare live objects with the release, field by field")


def run(arguments: argparse.Namespace) -> int:
    target = stack.find_target(arguments)
    try:
        if arguments.drift:
            return show_drift(target, as_json=arguments.json)
        return show_status(target, watch=arguments.watch, as_json=arguments.json)
    except errors.Unavailable as error:
        command.print_errors(error, as_json=arguments.json)
        return UNKNOWN


def show_status(target: stack.TargetStack, *, watch: bool = False, as_json: bool = False) -> int:
    """Print the status once, or until Ctrl-C; return the exit code."""
    return asyncio.run(_watch(target, as_json=as_json) if watch else _print_once(target, as_json=as_json))


async def _print_once(target: stack.TargetStack, *, as_json: bool) -> int:
    async with connection.connect(target) as cluster:
        live_objects = await reflector.read_snapshot(cluster, target.namespace)
        details = await _read_details(cluster, target, live_objects)
    report = _build_report(target, details, live_objects)
    if as_json:
        command.print_json(report.to_json())
    else:
        screen = display.create_screen()
        display.write(screen, report.render(screen.width))
    return command.SUCCESS if report.healthy else command.FAILURE


_Details = tuple[record_store.CurrentRelease | None, dict[str, tuple[str, ...]], Sequence[str]]
"""The recorded release, the addresses, and the jobs that have ended."""


async def _read_details(
    cluster: client.KubeClient, target: stack.TargetStack, live_objects: snapshot.Snapshot
) -> _Details:
    release, by_workload = await asyncio.gather(
        record_store.find_current(cluster, target.namespace),
        addresses.read_addresses(
            cluster, target.namespace, app_name=target.app, stack=target.name, live_objects=live_objects
        ),
    )
    rows = connection.list_workloads(target, live_objects, addresses=by_workload)
    return release, by_workload, await _find_finished_jobs(cluster, target, release) if release and not rows else ()


async def _find_finished_jobs(
    cluster: client.KubeClient, target: stack.TargetStack, release: record_store.CurrentRelease
) -> Sequence[str]:
    """The jobs of a release that has nothing else: they have succeeded, or the release would not be the current one."""
    try:
        manifests = await record_store.read_manifests(cluster, target.namespace, release.id)
        workloads = [manifest for manifest in manifests if manifest["kind"] in kinds.WORKLOAD_KINDS]
        if any(manifest["kind"] != "Job" for manifest in workloads):
            return ()
        return [
            unstructured.get_label(manifest, workload_status.NAME_LABEL) or unstructured.get_name(manifest)
            for manifest in workloads
        ]
    except (record_store.ReleaseNotFound, record_store.RecordChanged, AttributeError, KeyError, TypeError):
        return ()  # everyone who may write ConfigMaps may have written the record


def _build_report(
    target: stack.TargetStack, details: _Details, live_objects: snapshot.Snapshot
) -> status_report.StatusReport:
    now = datetime.datetime.now(datetime.UTC)
    release, by_workload, finished = details
    rows = connection.list_workloads(target, live_objects, addresses=by_workload)
    return status_report.StatusReport(target=target, release=release, rows=rows, finished=finished, now=now)


async def _watch(target: stack.TargetStack, *, as_json: bool) -> int:
    """Runs until it is interrupted."""
    details: _Details = None, {}, ()
    async with connection.connect(target) as cluster, reflector.Reflector(cluster, target.namespace) as watched:
        with _open_output(as_json=as_json) as show:
            while True:
                # The reflector reports a lost connection and reconnects.
                with contextlib.suppress(errors.Unavailable):
                    details = await _read_details(cluster, target, watched.take_snapshot())
                show(_build_report(target, details, watched.take_snapshot()), watched.disconnected_reason)
                await watched.wait_for_change(REDRAW_INTERVAL)
                await asyncio.sleep(CHANGE_BATCH_SECONDS)


class StreamOutput:
    """Without a terminal: one JSON object on a line, or one line for each workload, whenever it changes."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._last: dict[str, str] = {}
        self._notice = connection.ConnectionNotice()

    def show(self, report: status_report.StatusReport, disconnected_reason: str | None) -> None:
        """Print the changes."""
        self._notice.print_change(disconnected_reason)
        if disconnected_reason is not None:
            return
        if self._as_json:
            lines = {"": command.format_json(report.to_json())}
        else:
            lines = {row.name: row.health.summary for row in report.rows} or {"": report.format_nothing_deployed()}
            for name in self._last.keys() - lines.keys() - {""}:
                print(f"{command.format_clock()} {name} was deleted", flush=True)
        for name, line in lines.items():
            if self._last.get(name) != line:
                if self._as_json:
                    output.write_document(f"{line}\n")
                else:
                    print(f"{command.format_clock()} {line}")
                sys.stdout.flush()
        self._last = lines


@contextlib.contextmanager
def _open_output(*, as_json: bool) -> Generator[Callable[[status_report.StatusReport, str | None], None]]:
    screen = display.create_screen()
    if as_json or not screen.is_terminal:
        yield StreamOutput(as_json=as_json).show
        return
    with live.Live(console=screen, auto_refresh=False) as drawing:
        yield lambda report, reason: drawing.update(report.render(screen.width, reason), refresh=True)


def show_drift(target: stack.TargetStack, *, as_json: bool) -> int:
    """Print how the cluster differs from the deployed release; return the exit code."""
    release, differences = asyncio.run(_read_drift(target, release_state.find_evidence(target)))
    if as_json:
        drifted = [_difference_to_json(difference) for difference in differences]
        command.print_json(status_report.target_to_json(target) | {"release": release, "drift": drifted})
    else:
        total = command.count(len(differences), "difference") if differences else "no drift"
        if harmless := sum(difference.is_harmless for difference in differences):
            total += f", {harmless} of them harmless additions"
        heading = (target.app, f"stack {target.name}", f"context {target.context}", f"release {release}", total)
        display.print_line(" · ".join(heading))
        rows = (
            (
                f"{difference.kind}/{difference.name}",
                difference.path or display.EMPTY,
                display.format_value(difference.change.declared),
                display.format_value(difference.change.live),
                difference.set_by or display.EMPTY,
            )
            for difference in differences
        )
        display.print_table(DRIFT_HEADINGS, rows)
    return command.SUCCESS if all(difference.is_harmless for difference in differences) else DRIFTED


async def _read_drift(
    target: stack.TargetStack, state: stack_state.ReleaseState | None
) -> tuple[str, list[drift.Difference]]:
    async with connection.connect(target) as cluster:
        return await drift.detect(cluster, target.namespace, state)


def _difference_to_json(difference: drift.Difference) -> dict[str, Any]:
    return {
        "object": {"kind": difference.kind, "name": difference.name},
        "field": difference.path,
        "how": difference.change_type,
        "declared": difference.change.declared,
        "live": difference.change.live,
        "by": difference.set_by,
        "harmless": difference.is_harmless,
    }

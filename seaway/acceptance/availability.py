"""Whether a service answers while a pod of it is deleted, and while it is restarted."""

import asyncio
import datetime
import time
from collections.abc import Awaitable, Callable, Collection, Sequence

from seaway import errors
from seaway.acceptance import deployment, measurement, results
from seaway.kubernetes.api import kinds, unstructured
from seaway.kubernetes.cluster import reflector, snapshot
from seaway.manifests import names
from seaway.model import application
from seaway.rollout import status

CONNECTIONS = 4
INTERVAL = 0.1
"""Seconds from a request of a connection to its next: 40 requests a second in all."""

QUIET_SECONDS = 2
"""Seconds with requests before and after a disturbance."""

RECOVERY_SECONDS = 300
"""Maximum seconds until a service is healthy again."""

RESTART_ANNOTATION = "kubectl.kubernetes.io/restartedAt"
"""As `kubectl rollout restart` sets it."""

_SINGLE_HINT = "one replica cannot keep answering: set `scale: 2`"
_HINT = (
    "after SIGTERM the program must accept no further connections, but answer its requests; `preStopDelay` is the time"
    " in which the network stops sending new ones"
)


async def run(
    tested: deployment.Deployment, service: application.Service, source: measurement.Source
) -> list[results.Result]:
    """Disturb a service twice."""
    kind = "DaemonSet" if service.daemon_set else "Deployment"

    async def delete_pod() -> Collection[str]:
        pod = tested.pods[service.name]
        await tested.cluster.delete(kinds.build_path("Pod", tested.environment.namespace, unstructured.get_name(pod)))
        return {unstructured.get_name(pod)}

    async def restart() -> Collection[str]:
        pods = {unstructured.get_name(pod) for pod in await _list_pods(tested, service.name)}
        path = kinds.build_path(kind, tested.environment.namespace, service.name)
        now = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
        patch = {"spec": {"template": {"metadata": {"annotations": {RESTART_ANNOTATION: now}}}}}
        await tested.cluster.merge_patch(path, patch, field_manager=names.MANAGER)
        return pods

    return [
        await _disturb(tested, service, source, "pod-deleted", delete_pod),
        await _disturb(tested, service, source, "restarted", restart),
    ]


async def _disturb(
    tested: deployment.Deployment,
    service: application.Service,
    source: measurement.Source,
    code: str,
    disturb: Callable[[], Awaitable[Collection[str]]],
) -> results.Result:
    options = {"connections": CONNECTIONS, "interval": INTERVAL, "seconds": 2 * RECOVERY_SECONDS}
    async with source.start(**options) as finish:
        await asyncio.sleep(QUIET_SECONDS)
        replicas = len(await _list_pods(tested, service.name))
        gone = await disturb()
        recovered = await _wait_until_healthy(tested, service.name, gone)
        await asyncio.sleep(QUIET_SECONDS)
        figures = await finish()
    return judge(service.name, code, figures, source.description, replicas=replicas, recovered=recovered)


def judge(
    name: str, code: str, figures: measurement.Figures, description: str, *, replicas: int, recovered: bool = True
) -> results.Result:
    """The result of a disturbance."""
    hint = ""
    is_failed = bool(figures["failed"]) or not recovered
    if figures["failed"]:
        hint = _SINGLE_HINT if replicas < 2 else _HINT
    message = f"{format_failures(figures)}; longest pause {figures['longestPause']:g} s, {description}"
    if not recovered:
        message = f"not healthy {RECOVERY_SECONDS} s later; {message}"
        hint = hint or "for the reason: seaway status"
    return results.Result(
        row="availability",
        workload=name,
        code=code,
        subject=f"{replicas} pods",
        outcome="failed" if is_failed else "passed",
        message=message,
        hint=hint,
        figures=figures,
    )


def format_failures(figures: measurement.Figures) -> str:
    """``3 of 800 requests failed (no answer in time)``."""
    errors_: dict[str, int] = figures["errors"]
    most = f" ({max(errors_, key=lambda text: errors_[text])})" if errors_ else ""
    return f"{figures['failed']} of {figures['requests']} requests failed{most}"


async def _list_pods(tested: deployment.Deployment, name: str) -> Sequence[snapshot.Object]:
    pods = (await reflector.read_snapshot(tested.cluster, tested.environment.namespace, ("Pod",))).list_objects("Pod")
    app_name, stack = tested.environment.app.name, tested.environment.settings.stack
    return [
        pod for pod in pods if status.belongs_to_application(pod, app_name, stack) and status.get_owner(pod) == name
    ]


async def _wait_until_healthy(tested: deployment.Deployment, name: str, gone: Collection[str]) -> bool:
    """Whether a service became healthy again, without these pods. They may fail requests until their end."""
    environment = tested.environment
    end = time.monotonic() + RECOVERY_SECONDS
    while time.monotonic() < end:
        await asyncio.sleep(0.5)
        try:
            live_objects = await reflector.read_snapshot(tested.cluster, environment.namespace)
        except errors.Unavailable:
            continue  # the API server may be busy; the limit is the end
        rows = status.list_workloads(
            live_objects,
            app_name=environment.app.name,
            stack=environment.settings.stack,
            now=datetime.datetime.now(datetime.UTC),
        )
        remaining = {unstructured.get_name(pod) for pod in live_objects.list_objects("Pod")}
        if not remaining & {*gone} and any(row.name == name and row.is_healthy for row in rows):
            return True
    return False

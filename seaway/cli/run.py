"""``seaway run``: runs a command in a new pod of a service or job, and deletes the pod. Needs only a kubeconfig.

The pod has the image, environment, secrets, volumes and network policies of the deployed service or job, but no disk of
a store. It gets no requests of the Service and is not part of the PodDisruptionBudget. The exit code is that of the
command.

Where the image has a shell, the container only waits, and the command is started in it: its whole output, signals and
exit code are known then. When the connection is lost, the container ends, and Kubernetes deletes the pod. Where the
image has no shell, or the command is not known, the container runs the command itself, and its log is printed.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import datetime
import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from seaway import errors
from seaway.cli import command, connection, pod_choice, pod_session, stack, terminal
from seaway.kubernetes.api import kinds, references, unstructured
from seaway.kubernetes.cluster import client, reflector, snapshot, streams
from seaway.manifests import names, one_off
from seaway.rollout import evidence, health
from seaway.rollout import target as rollout_target

START_SECONDS = 300
"""Maximum seconds until the pod runs."""

STOP_SECONDS = 15
"""Seconds to wait for the deletion of the pod, in addition to its grace period."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "The exit code is that of the command. 1 and 2 may also be errors of seaway itself, see stderr."
    parser.add_argument("service", metavar="SERVICE", help="a service or job")
    stack.add_option(parser)
    help_text = "the command and its arguments, without the image's entrypoint [the command of the service or job]"
    parser.add_argument("command", nargs="*", metavar="-- COMMAND", help=help_text)


def run(arguments: argparse.Namespace) -> int:
    target = stack.find_target(arguments)
    return terminal.run(lambda signals: _run_once(target, arguments, signals))


async def _run_once(target: stack.TargetStack, arguments: argparse.Namespace, signals: terminal.Signals) -> int:
    async with connection.connect(target) as cluster:
        row, workload = await pod_choice.find_workload(cluster, target, arguments.service)
        if row.kind == "store":
            hint = f"run the command in its pod: seaway exec {row.name} -- COMMAND"
            raise command.UsageError(f"{row.name} is a store, and only one pod may use its disk; {hint}")
        one_off_run = OneOffRun(cluster, workload, row.health.target, signals)
        words = arguments.command or one_off_run.get_declared_command()
        limit = one_off.MAX_SECONDS if arguments.command else one_off.get_time_limit(workload)
        code = await one_off_run.run_held(words, limit) if words else None
        return await one_off_run.run_plain(arguments.command, limit) if code is None else code


class OneOffRun:
    """One command, in one pod."""

    def __init__(
        self,
        cluster: client.KubeClient,
        workload: dict[str, Any],
        declared: rollout_target.Target,
        signals: terminal.Signals,
    ) -> None:
        self._cluster = cluster
        self._workload = workload
        self._declared = declared
        self._owner = declared.owner
        self._signals = signals
        self._namespace: str = workload["metadata"]["namespace"]

    def get_declared_command(self) -> list[str]:
        """The command of the workload; empty if only the image or Kubernetes knows it."""
        template = kinds.find_pod_template(self._workload) or {}
        container = unstructured.find_container(template, self._owner)
        words = [*container.get("command", ()), *container.get("args", ())]
        is_known = container.get("command") and not any(map(references.list_names, words))
        return list(map(references.unquote, words)) if is_known else []

    async def run_held(self, words: Sequence[str], limit: int) -> int | None:
        """Run a command in a container that waits; None if the image has no shell."""
        script = ("sh", "-c", pod_session.CONTROL_SCRIPT)
        async with self._create_job(script, is_held=True) as name:
            place, state = await self._wait_for_start(name)
            if "running" not in state:
                message = unstructured.get_state_message(state)
                if streams.is_program_missing(message):
                    return None
                raise errors.Unavailable(f"pod {place.pod} ended before the command started: {message}")
            async with place.open_command(()) as attached, pod_session.run_control(attached) as control:
                await self._set_limit(name, limit)
                return await pod_session.run_command(place, words, control=control, signals=self._signals)

    async def run_plain(self, words: Sequence[str], limit: int) -> int:
        """Run a command as that of the container; without words, the container's own."""
        tty = terminal.is_terminal()
        async with self._create_job(words, is_held=False, tty=tty) as name:
            place, state = await self._wait_for_start(name)
            message = unstructured.get_state_message(state)
            if streams.is_program_missing(message):
                command.report(f"the image of {self._owner} has no such program: {message}")
                return pod_session.COMMAND_NOT_FOUND
            await self._set_limit(name, limit)
            await (self._attach_terminal(place) if tty else self._follow_log(place))
            return await self._wait_for_exit_code(place.pod)

    @contextlib.asynccontextmanager
    async def _create_job(self, words: Sequence[str], *, is_held: bool, tty: bool = False) -> AsyncGenerator[str]:
        """A Job with its policies, by name. It is deleted with the block."""
        # The name of its pod has 6 more characters.
        name = f"{names.shorten_name(self._owner, names.LABEL_LIMIT - 17)}-run-{secrets.token_hex(3)}"
        manifest, disks = one_off.build_job(
            self._workload, self._owner, name=name, command=words, is_held=is_held, tty=tty
        )
        if disks:
            command.report(f"not mounted, because only stores may use their disks: {', '.join(disks)}")
        path = kinds.build_path("Job", self._namespace)
        policies_path = kinds.build_path("NetworkPolicy", self._namespace)
        existing = (await self._cluster.get(policies_path))["items"]
        try:
            job = {**await terminal.finish(self._cluster.create(path, manifest)), "kind": "Job"}
            policies = one_off.build_policies(job, self._workload, existing)
            await self._cluster.gather(self._cluster.create(policies_path, policy) for policy in policies)
            yield name
        finally:
            await terminal.finish(self._cluster.delete(f"{path}/{name}", propagationPolicy="Background"))
            await self._wait_until_deleted(name)

    async def _wait_for_start(self, name: str) -> tuple[streams.Place, snapshot.Object]:
        """The main container and its state when it runs, or has ended."""
        job_target = dataclasses.replace(
            self._declared, kind="Job", name=name, deadline=one_off.MAX_SECONDS, declared_kind=self._declared.kind
        )
        start, started = time.monotonic(), datetime.datetime.now(datetime.UTC)
        reported = "its pod has not started"
        async with reflector.Reflector(self._cluster, self._namespace) as watched:
            while (elapsed := time.monotonic() - start) < START_SECONDS:
                live_objects = watched.take_snapshot()
                pods = live_objects.list_objects("Pod")
                pod = next((pod for pod in pods if unstructured.get_label(pod, names.ONE_OFF_LABEL) == name), None)
                state = unstructured.get_container_state(pod or {}, self._owner)
                if pod and (
                    {"running", "terminated"} & state.keys()
                    or streams.is_program_missing(unstructured.get_state_message(state))
                ):
                    place = streams.Place(
                        cluster=self._cluster,
                        namespace=self._namespace,
                        pod=unstructured.get_name(pod),
                        container=self._owner,
                    )
                    return place, state
                index = evidence.ObjectIndex(live_objects)
                assessed = health.assess_workload(job_target, index, elapsed=elapsed, started=started)
                for finding in assessed.findings[:1]:
                    # A rollout waits until old pods release their part of the quota.
                    if finding.fatal or finding.cause == "quota":
                        raise errors.Unavailable(f"{name} did not start: {finding.message}; {finding.hint}")
                    if finding.message != reported:
                        command.report(f"waiting for {name}: {finding.message}")
                        reported = finding.message
                await watched.wait_for_change(1)
        raise errors.Unavailable(f"{name} did not start within {START_SECONDS} s: {reported}")

    async def _set_limit(self, name: str, seconds: int) -> None:
        path = kinds.build_path("Job", self._namespace, name)
        patch = {"spec": {"activeDeadlineSeconds": seconds}}
        await self._cluster.merge_patch(path, patch, field_manager=names.MANAGER)

    async def _attach_terminal(self, place: streams.Place) -> None:
        # A container that has ended already has no terminal.
        with contextlib.suppress(errors.Unavailable):
            await pod_session.run_command(place, (), control=None, signals=self._signals, attach=True)

    async def _follow_log(self, place: streams.Place) -> None:
        """Print the log to its end, and send stdin."""
        printer, sender = asyncio.create_task(_print_log(place)), asyncio.create_task(_send_input(place))
        try:
            await asyncio.wait((printer, sender), return_when=asyncio.FIRST_COMPLETED)
            if sender.done():
                sender.result()  # a log without news does not show that the network is dead
            await printer
        finally:
            printer.cancel()
            sender.cancel()

    async def _wait_for_exit_code(self, pod: str) -> int:
        path = kinds.build_path("Pod", self._namespace, pod)
        while True:
            state = unstructured.get_container_state(await self._cluster.get(path), self._owner)
            if "terminated" in state:
                return state["terminated"]["exitCode"]
            await asyncio.sleep(0.2)

    async def _wait_until_deleted(self, name: str) -> None:
        template = kinds.find_pod_template(self._workload) or {}
        end = time.monotonic() + STOP_SECONDS + template["spec"].get("terminationGracePeriodSeconds", 30)
        path, selector = kinds.build_path("Pod", self._namespace), f"{names.ONE_OFF_LABEL}={name}"
        while (await self._cluster.get(path, labelSelector=selector))["items"]:
            if time.monotonic() > end:
                command.report(f"the pod of {name} is still being deleted")
                return
            await asyncio.sleep(0.2)


async def _print_log(place: streams.Place) -> None:
    path = kinds.build_log_path(place.namespace, place.pod)
    async with place.cluster.stream_bytes(path, container=place.container, follow="true") as chunks:
        async for chunk in chunks:
            await terminal.write(terminal.STDOUT, chunk)


async def _send_input(place: streams.Place) -> None:
    async with contextlib.AsyncExitStack() as opened:
        try:
            attached = await opened.enter_async_context(place.open_command(()))
        except errors.Unavailable:
            return  # the container has ended already
        sender = asyncio.create_task(pod_session.send_input(attached))
        opened.callback(sender.cancel)
        async for _ in attached.receive():
            pass  # the log has the output

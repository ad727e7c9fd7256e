"""``seaway exec``: runs a command, by default a shell, in a container that runs already. Needs only a kubeconfig.

The exit code is that of the command. The program must be in the image. Where the image has no shell, ``seaway exec``
without a command starts an ephemeral container beside the main one, with the image of the setting ``debugImage``. It
ends with the command, and its entry stays in the pod until the pod is deleted.
https://kubernetes.io/docs/concepts/workloads/pods/ephemeral-containers/
"""

import argparse
import asyncio
import contextlib
import dataclasses
import secrets
from collections.abc import AsyncGenerator

from seaway.cli import command, connection, pod_choice, pod_session, stack, terminal
from seaway.kubernetes.api import unstructured
from seaway.kubernetes.cluster import ephemeral, snapshot, streams
from seaway.manifests import debug_container, names


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "The exit code is that of the command. 1 and 2 may also be errors of seaway itself, see stderr."
    parser.add_argument("service", metavar="SERVICE", help="a service or store, or a job that runs")
    stack.add_option(parser)
    parser.add_argument("-c", "--container", metavar="NAME", help="a sidecar [the main container]")
    parser.add_argument("command", nargs="*", metavar="-- COMMAND", help="the command and its arguments [a shell]")


def run(arguments: argparse.Namespace) -> int:
    target = stack.find_target(arguments)
    return terminal.run(lambda signals: _execute(target, arguments, signals))


async def _execute(target: stack.TargetStack, arguments: argparse.Namespace, signals: terminal.Signals) -> int:
    async with connection.connect(target) as cluster:
        pod = await pod_choice.choose_pod(cluster, target, arguments.service, arguments.container)
        pod_choice.report_unready(target, pod)
        place = streams.Place(
            cluster=cluster,
            namespace=target.namespace,
            pod=unstructured.get_name(pod),
            container=arguments.container or arguments.service,
        )
        async with pod_session.open_control(place) as control:
            if control or arguments.command:
                return await _run_in(place, arguments.command, control, signals)
        async with _start_debug_container(place, pod, stack.read_debug_image(target)) as (debug, control):
            return await pod_session.run_command(debug, pod_session.SHELL, control=control, signals=signals)


async def _run_in(
    place: streams.Place, words: list[str], control: pod_session.Control | None, signals: terminal.Signals
) -> int:
    try:
        return await pod_session.run_command(place, words or pod_session.SHELL, control=control, signals=signals)
    except streams.NotStartedError as error:
        if not error.is_missing:
            raise
        command.report(f"the image of container {place.container} has neither a shell nor {words[0]}: {error}")
        return pod_session.COMMAND_NOT_FOUND
    except asyncio.CancelledError:
        if control is None:
            command.report(f"the command may still run in pod {place.pod}: its image has no shell that could end it")
        raise


@contextlib.asynccontextmanager
async def _start_debug_container(
    place: streams.Place, pod: snapshot.Object, image: str
) -> AsyncGenerator[tuple[streams.Place, pod_session.Control]]:
    """An ephemeral container that ends with the block, and the control in it."""
    name = f"debug-{secrets.token_hex(3)}"
    command.report(f"the image of {place.container} has no shell; starting ephemeral container {name} with {image}")
    words = ("sh", "-c", pod_session.CONTROL_SCRIPT)
    patch = debug_container.build_patch(pod, place.container, name=name, image=image, command=words)
    debug = dataclasses.replace(place, container=name)
    await ephemeral.start(debug, patch, field_manager=names.MANAGER)
    command.report(f"files of {place.container}: /proc/1/root; the container ends with this command")
    async with debug.open_command(()) as attached, pod_session.run_control(attached) as control:
        yield debug, control

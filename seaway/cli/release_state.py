"""The release in the state of a stack, read with Pulumi. The state vouches for the records in the cluster."""

from seaway import errors
from seaway.cli import command, stack
from seaway.kubernetes.cluster import client
from seaway.release import record_store, stack_state
from seaway.syntax import diagnosis


def find_state(target: stack.TargetStack) -> stack_state.ReleaseState | None:
    """The last release in the state of a stack; None: nothing was deployed."""
    return stack_state.ReleaseState.find(stack_state.export_resources(target.folder, target.name))


def read_state(target: stack.TargetStack) -> stack_state.ReleaseState:
    """The last release in the state of a stack."""
    state = find_state(target)
    if state is None:
        raise errors.Unavailable(
            f"the state of stack {target.name} has no release: the next successful pulumi up writes one"
        )
    return state


def find_evidence(target: stack.TargetStack) -> stack_state.ReleaseState | None:
    """Like ``find_state`` for a report that works without the state: a failure is a warning."""
    try:
        state = find_state(target)
        missing = f"the state of stack {target.name} has no SHA-256 of it yet; the next successful pulumi up adds it"
    except (errors.Unavailable, diagnosis.InvalidInput) as error:
        state, missing = None, str(error)
    if state is None or state.find_sha256(state.id) is None:
        command.report(f"the record in the cluster cannot be verified: {missing}")
    return state


async def read_current(cluster: client.KubeClient, namespace: str) -> record_store.CurrentRelease | None:
    """The release that the cluster records as deployed; None: it records none."""
    path = record_store.get_path(namespace, record_store.CURRENT_NAME)
    return record_store.parse_current(await cluster.find(path))

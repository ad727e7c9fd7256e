"""The release in the state of a stack, read with Pulumi. The state vouches for the records in the cluster."""

from seaway import errors
from seaway.cli import command, stack
from seaway.release import stack_state
from seaway.syntax import diagnosis


def find_state(target: stack.TargetStack) -> stack_state.ReleaseState | None:
    """The last release in the state of a stack; None: nothing was deployed."""
    return stack_state.ReleaseState.find(
        stack_state.export_resources(target.folder, command.qualify_stack(target.name)), target.application_name
    )


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

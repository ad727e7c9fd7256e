"""What a stack's state vouches for, read through Pulumi."""

import sys

from seaway import errors
from seaway.cli import stack
from seaway.release import stack_state
from seaway.syntax import diagnosis


def find_state(target: stack.TargetStack) -> stack_state.ReleaseState | None:
    """The last release in the state of a stack; None: none was deployed.

    Raises:
        errors.Unavailable: the state cannot be read.
        diagnosis.InvalidInput: the state's release is none of this version of Seaway.
    """
    return stack_state.ReleaseState.find(stack_state.export_resources(target.folder, target.name))


def read_state(target: stack.TargetStack) -> stack_state.ReleaseState:
    """The last release in the state of a stack.

    Raises:
        errors.Unavailable: the state cannot be read, or has no release.
        diagnosis.InvalidInput: as ``find_state``.
    """
    found = find_state(target)
    if found is None:
        raise errors.Unavailable(
            f"the state of stack {target.name} has no release: the next pulumi up that succeeds writes one"
        )
    return found


def find_evidence(target: stack.TargetStack) -> stack_state.ReleaseState | None:
    """The same where it only makes a report better: that there is no state to be had is printed, and not an error."""
    try:
        found = find_state(target)
        missing = f"the state of stack {target.name} has no SHA-256 of it yet; the next pulumi up that succeeds adds it"
    except (errors.Unavailable, diagnosis.InvalidInput) as error:
        found, missing = None, str(error)
    if found is None or found.find_sha256(found.id) is None:
        print(f"seaway: nothing vouches for the record in the cluster: {missing}", file=sys.stderr)
    return found

"""The rules about ``seaway:checks``: what a check weighs in one environment, instead of what it weighs by itself."""

from collections.abc import Collection, Iterator

from seaway.model import settings
from seaway.syntax import decode, diagnosis, nodes


def check(said: settings.Settings, values: nodes.Table, *, checks: Collection[str]) -> Iterator[diagnosis.Problem]:
    """What is wrong with the weights of a stack.

    Args:
        said: the stack's settings.
        values: the stack's configuration, for the places.
        checks: the ids that there are, those of policies among them.
    """
    written = nodes.inside(values, "checks")
    for id_, weight in said.checks.items():
        path = f"seaway:checks.{id_}"
        place = written[id_].place if id_ in written else values.place
        if id_ in settings.POLICIES:
            remedy = "say what may pass in seaway:policy, or waive one change in seaway:waivers"
            yield diagnosis.Problem(place, path, f"{id_} is a policy of the preview, and no check", remedy)
        elif id_ not in checks:
            close = decode.closest(id_.upper(), [one for one in checks if one not in settings.POLICIES])
            remedy = f"did you mean {close}?" if close else "docs/checks.md has all of them"
            yield diagnosis.Problem(place, path, f"there is no check {diagnosis.quoted(id_)}", remedy)
        elif weight == "warning" and not said.build:
            # Otherwise one word would do what a waiver does, without its reason, its owner and its end.
            wrong = "a check is made lighter only where one builds"
            remedy = "waive it in seaway:waivers, with a reason, an owner and an end"
            yield diagnosis.Problem(place, path, wrong, remedy)

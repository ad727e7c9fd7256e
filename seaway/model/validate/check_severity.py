"""The rules about ``seaway:checkSeverity``: what a check weighs in one environment, instead of what it weighs by itself."""

from collections.abc import Collection, Iterator

from seaway.model import settings
from seaway.syntax import decode, diagnosis, nodes


def check(
    stack_settings: settings.Settings, config: nodes.MappingNode, *, checks: Collection[str]
) -> Iterator[diagnosis.Diagnostic]:
    """What is wrong with the weights of a stack.

    Args:
        said: the stack's settings.
        values: the stack's configuration, for the places.
        checks: the ids that there are, those of policies among them.
    """
    written = nodes.get_pairs(config, "checkSeverity")
    for id_, weight in stack_settings.check_severity.items():
        path = f"seaway:checkSeverity.{id_}"
        place = written[id_].location if id_ in written else config.location
        if id_ in settings.POLICY_IDS:
            remedy = "say what may pass in seaway:policy, or waive one change in seaway:waivers"
            yield diagnosis.Diagnostic(place, path, f"{id_} is a policy of the preview, and no check", remedy)
        elif id_ not in checks:
            close = decode.find_closest(id_.upper(), [one for one in checks if one not in settings.POLICY_IDS])
            remedy = f"did you mean {close}?" if close else "docs/checks.md has all of them"
            yield diagnosis.Diagnostic(place, path, f"there is no check {diagnosis.quote(id_)}", remedy)
        elif weight == "warning" and not stack_settings.build:
            # Otherwise one word would do what a waiver does, without its reason, its owner and its end.
            wrong = "a check is made lighter only where one builds"
            remedy = "waive it in seaway:waivers, with a reason, an owner and an end"
            yield diagnosis.Diagnostic(place, path, wrong, remedy)

"""Rules about ``seaway:checkSeverity``, which changes the severity of checks in one environment."""

from collections.abc import Collection, Iterator

from seaway.model import settings
from seaway.model.validate import waivers
from seaway.syntax import diagnosis, nodes


def check(
    stack_settings: settings.Settings, config: nodes.MappingNode, *, checks: Collection[str]
) -> Iterator[diagnosis.Diagnostic]:
    """The errors in the severities of a stack.

    Args:
        stack_settings: the settings of the stack.
        config: the configuration of the stack, for its locations.
        checks: the ids of all checks and policies.
    """
    pairs = nodes.get_pairs(config, "checkSeverity")
    for id_, severity in stack_settings.check_severity.items():
        path = f"seaway:checkSeverity.{id_}"
        location = pairs[id_].location if id_ in pairs else config.location
        if id_ in settings.POLICY_IDS:
            hint = "set seaway:policy, or waive one change in seaway:waivers"
            message = f"{id_} is a policy of the preview, not a check"
            yield diagnosis.Diagnostic(location, path, message, hint, "unknown-check")
        elif id_ not in checks:
            known = [check for check in checks if check not in settings.POLICY_IDS]
            yield diagnosis.Diagnostic(location, path, *waivers.describe_unknown_check(id_, known), "unknown-check")
        elif severity == "warning" and not stack_settings.build:
            # Otherwise one word would do what a waiver does, without its reason, owner and last day.
            message = "the severity of a check can be lowered only in environments that build"
            hint = "waive the check in seaway:waivers, with a reason, an owner and a last day"
            yield diagnosis.Diagnostic(location, path, message, hint, "not-allowed")

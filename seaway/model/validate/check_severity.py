"""Rules about ``seaway:checkSeverity``, which changes the severity of checks in one environment."""

from collections.abc import Collection

from seaway.model import settings
from seaway.model.validate import waivers
from seaway.syntax import diagnosis


def check(
    stack_settings: settings.Settings, config: diagnosis.SourceLocations, *, checks: Collection[str]
) -> diagnosis.Diagnostics:
    """The errors in the severities of a stack. ``checks``: the ids of all checks and policies."""
    for id_, severity in stack_settings.check_severity.items():
        part = config.at(f"seaway:checkSeverity.{id_}")
        if id_ in settings.POLICY_IDS:
            hint = "set seaway:policy, or waive one change in seaway:waivers"
            yield part.report("unknown-check", f"{id_} is a policy of the preview, not a check", hint)
        elif id_ not in checks:
            known = [check for check in checks if check not in settings.POLICY_IDS]
            yield part.report("unknown-check", *waivers.describe_unknown_check(id_, known))
        elif severity == "warning" and not stack_settings.build:
            # Otherwise one word would do what a waiver does, without its reason, owner and last day.
            message = "the severity of a check can be lowered only in environments that build"
            hint = "waive the check in seaway:waivers, with a reason, an owner and a last day"
            yield part.report("not-allowed", message, hint)

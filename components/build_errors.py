"""Explains failed builds: the last error of a run names the step, its output, the cause and a hint.

Pulumi shows the output of a build while it runs, and keeps none of it. Its error is the builder's, which names only the
command that failed. An error hook replaces that error.
"""

import time
from collections.abc import Iterable

import pulumi
from pulumi.runtime import settings
from pulumi.runtime.proto import resource_pb2

from seaway.files import private
from seaway.images import build_failures, build_inputs, build_reports

from . import buildkit, messages, stack_config

CANCELLED = "context canceled"


MIN_HIDDEN_LENGTH = 8
"""Characters of a line of a secret with several lines, such as a key: a log has each line after a prefix."""


class BuildFailed(Exception):  # noqa: N818 - the engine shows the text
    """The explanation of a failed build."""


def hide_secrets(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets and their lines."""
    whole = {secret.strip() for secret in secrets}
    lines = {line.strip() for secret in whole for line in secret.splitlines()}
    hidden = whole | {line for line in lines if len(line) >= MIN_HIDDEN_LENGTH}
    for part in sorted(filter(None, hidden), key=len, reverse=True):
        text = text.replace(part, "[secret]")
    return text


def explain_failures(
    name: str, inputs: build_inputs.BuildInputs, location: str, stack_inputs: stack_config.StackInputs
) -> pulumi.ResourceOptions:
    """The options of the resource that builds an image; without an effect if the command line has no error hooks.

    ``location``: of the staged context, relative to the project.
    """
    has_hooks = settings.monitor_supports_feature(resource_pb2.RESOURCE_MONITOR_FEATURE_ERROR_HOOKS)
    # Pulumi's mocks have the feature, but nothing that calls a hook. A preview builds nothing.
    if not has_hooks or not messages.is_run():
        return pulumi.ResourceOptions()
    environment, started = stack_inputs.environment, time.time()

    async def explain(failure: pulumi.ErrorHookArgs) -> bool:
        error = failure.errors[0]
        if CANCELLED in error:
            return False  # the user interrupted the run
        try:
            text = await explain_error(error)
        except Exception as problem:  # the builder's error must not be lost
            pulumi.log.debug(f"the build of {name} cannot be explained: {problem!r}")
            return False
        build_reports.add(environment.folder, f"error: {text}")
        # The engine shows the text of the exception in place of the builder's error, after words of its own.
        raise BuildFailed(f"\nerror: {text}")

    async def explain_error(error: str) -> str:
        log, missing = "", ""
        if environment.settings.engine == "docker":
            missing = "seaway:engine docker keeps no log"
        else:
            try:
                log = await buildkit.read_log((environment.folder / location).resolve(), since=started)
            except buildkit.Unavailable as unavailable:
                missing = str(unavailable)
        secrets = [await secret.future() or "" for secret in stack_inputs.build_secrets.values()]
        log, error = hide_secrets(log, secrets), hide_secrets(error, secrets)
        file = build_reports.get_log_path(environment.folder, environment.format_file_name(name))
        if log:
            private.write_file(file, log)
        explained = build_failures.explain_failure(name, inputs, environment, error=error, log=log)
        return explained.format(log_file=str(file.relative_to(environment.folder)) if log else "", missing_log=missing)

    # Pulumi shows: error hook "build of web" failed
    hook = pulumi.ErrorHook(f"build of {environment.add_prefix(name)}", explain)
    return pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(on_error=[hook]))

"""The key of a stack's secret fingerprints: ``seaway up`` and ``make up`` generate a missing one."""

import os
from collections.abc import Mapping

from seaway import errors
from seaway.cli import command, pulumi_cli, release_state, stack
from seaway.project import stack_file
from seaway.release import fingerprints


def ensure_key(target: stack.TargetStack) -> None:
    """Set ``seaway:fingerprintKey`` of a stack that has secrets and no key.

    A stack that was deployed without a key keeps the names of its Secrets until their values change. In CI nothing is
    written: a key that is not committed would differ in the next run and restart the pods each time.
    """
    config = stack_file.read_config(stack.find_file(target.folder, target.name))
    names = stack_file.get_secret_names(config)
    if not names or stack_file.FINGERPRINT_KEY in config.pairs or os.environ.get("CI") in ("true", "1"):
        return
    state = release_state.find_state(target)
    deployed: Mapping[str, str] = state.decode_record().secrets if state else {}
    recorded = {name: fingerprint for name, fingerprint in deployed.items() if name in names}
    if lost := sorted(name for name, fingerprint in recorded.items() if fingerprints.is_keyed(fingerprint)):
        raise errors.Unavailable(
            f"{fingerprints.SETTING} is not in Pulumi.{target.name}.yaml, but the names of the Secrets of"
            f" {', '.join(lost)} were computed with one: take the file from the checkout that deployed them, or set"
            " another key, which restarts pods: openssl rand -hex 32 |"
            f" pulumi config set --secret {fingerprints.SETTING} --stack {target.name}"
        )
    unkeyed = {name: fingerprint for name, fingerprint in recorded.items() if fingerprints.is_unkeyed(fingerprint)}
    key = fingerprints.FingerprintKey.generate(unkeyed).format_setting()
    pulumi_cli.set_secret(target.folder, target.name, fingerprints.SETTING, key)
    command.report(f"Pulumi.{target.name}.yaml has a new secret, {fingerprints.SETTING}: commit it")

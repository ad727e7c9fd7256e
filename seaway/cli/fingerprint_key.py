"""The key of a stack's secret fingerprints, written where it is missing: by ``seaway up`` and ``make up``."""

import os
import sys
from collections.abc import Mapping

from seaway import errors
from seaway.cli import pulumi_cli, stack, vouchers
from seaway.project import stack_file
from seaway.release import fingerprints


def ensure_key(target: stack.TargetStack) -> None:
    """Set ``seaway:fingerprintKey`` of a stack that has secrets and no key.

    A stack that was deployed without a key keeps the names of its Secrets until their values change. In CI nothing is
    written: a key that is not committed would be another one in the next run, and restart pods each time.

    Raises:
        errors.Unavailable: the state cannot be read, the key is lost, or pulumi cannot write it.
        diagnosis.InvalidInput: the stack's file is wrong, or there is no program pulumi.
    """
    values = stack_file.read_config(stack.find_file(target.folder, target.name))
    given = stack_file.get_secret_names(values)
    if not given or stack_file.FINGERPRINT_KEY in values.pairs or os.environ.get("CI") in ("true", "1"):
        return
    state = vouchers.find_state(target)
    written: Mapping[str, str] = state.decode_record().secrets if state else {}
    recorded = {name: fingerprint for name, fingerprint in written.items() if name in given}
    if lost := sorted(name for name, one in recorded.items() if fingerprints.is_keyed(one)):
        raise errors.Unavailable(
            f"{fingerprints.SETTING} is not in Pulumi.{target.name}.yaml, and the Secrets of {', '.join(lost)} were"
            " named with one: take the file from the checkout that deployed them, or set another key, which restarts"
            f" pods: openssl rand -hex 32 | pulumi config set --secret {fingerprints.SETTING} --stack {target.name}"
        )
    keep = {name: one for name, one in recorded.items() if fingerprints.is_unkeyed(one)}
    pulumi_cli.set_secret(
        target.folder, target.name, fingerprints.SETTING, fingerprints.FingerprintKey.generate(keep).format_setting()
    )
    print(f"seaway: Pulumi.{target.name}.yaml has a new secret, {fingerprints.SETTING}: commit it", file=sys.stderr)

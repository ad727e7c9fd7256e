"""The key of a stack's secret fingerprints, written where it is missing: by ``seaway up`` and ``make up``."""

import os
import sys
from collections.abc import Mapping

from seaway import errors
from seaway.cli import pulumi_cli, stack, vouchers
from seaway.project import stack_file
from seaway.release import fingerprints


def ensure_key(where: stack.Stack) -> None:
    """Set ``seaway:fingerprintKey`` of a stack that has secrets and no key.

    A stack that was deployed without a key keeps the names of its Secrets until their values change. In CI nothing is
    written: a key that is not committed would be another one in the next run, and restart pods each time.

    Raises:
        errors.Unavailable: the state cannot be read, the key is lost, or pulumi cannot write it.
        problems.Invalid: the stack's file is wrong, or there is no program pulumi.
    """
    values = stack_file.read(stack.known(where.folder, where.name))
    given = stack_file.secrets_given(values)
    if not given or stack_file.FINGERPRINT_KEY in values.entries or os.environ.get("CI") in ("true", "1"):
        return
    state = vouchers.find_state(where)
    written: Mapping[str, str] = state.record().secrets if state else {}
    recorded = {name: fingerprint for name, fingerprint in written.items() if name in given}
    if lost := sorted(name for name, one in recorded.items() if fingerprints.is_keyed(one)):
        raise errors.Unavailable(
            f"{fingerprints.SETTING} is not in Pulumi.{where.name}.yaml, and the Secrets of {', '.join(lost)} were"
            " named with one: take the file from the checkout that deployed them, or set another key, which restarts"
            f" pods: openssl rand -hex 32 | pulumi config set --secret {fingerprints.SETTING} --stack {where.name}"
        )
    keep = {name: one for name, one in recorded.items() if fingerprints.is_former(one)}
    pulumi_cli.set_secret(
        where.folder, where.name, fingerprints.SETTING, fingerprints.FingerprintKey.generate(keep).text()
    )
    print(f"seaway: Pulumi.{where.name}.yaml has a new secret, {fingerprints.SETTING}: commit it", file=sys.stderr)

"""``seaway release save``: writes the deployed release, from the stack's state, to ``releases/<id>.yaml``."""

import argparse

from seaway.cli import command, release_state, stack
from seaway.project import release, release_lock


def configure(parser: argparse.ArgumentParser) -> None:
    stack.add_option(parser)


def run(arguments: argparse.Namespace) -> int:
    target = stack.find_target(arguments)
    deployed = release_state.read_state(target).build_release()
    path = release.get_path(target.folder, deployed.id)
    exists = path.exists()
    lock = release_lock.read(target.folder, target.lock_name)
    release.save_release(target.folder, deployed, lock.sha256 if lock.release == deployed.id else None)
    name = path.relative_to(target.folder)
    print(f"{name} exists: nothing to do" if exists else f"{name} is written; commit it")
    return command.SUCCESS

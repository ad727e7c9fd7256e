"""``seaway release sign``: signs the deployed release of a stack: its images, and its file in releases/.

Needs cosign, push access to the registry, and a private key: a file of `cosign generate-key-pair`, or the URI of a key
service, as awskms://, gcpkms://, azurekms:// or hashivault://. With ``--sbom`` also syft.
"""

import argparse

from seaway.cli import command, release_state, stack
from seaway.project import release, release_lock
from seaway.release import signatures


def configure(parser: argparse.ArgumentParser) -> None:
    stack.add_option(parser)
    parser.add_argument(
        "--key", metavar="KEY", required=True, help="the private key: a file, or the URI of a key service"
    )
    parser.add_argument("--sbom", action="store_true", help="also attach a signed list of packages to each image")
    parser.add_argument(
        "--transparency-log", action="store_true", help="also publish the signatures in the public log of Sigstore"
    )


def run(arguments: argparse.Namespace) -> int:
    target = stack.find_target(arguments)
    deployed = release_state.read_state(target).build_release()
    lock = release_lock.read(target.folder, target.lock_name)
    release.save_release(target.folder, deployed, lock.sha256 if lock.release == deployed.id else None)
    key, transparency_log = arguments.key, arguments.transparency_log
    for name, image in deployed.images.items():
        reference = image.build_reference(None)
        signatures.sign_image(reference, key, transparency_log=transparency_log)
        print(f"{name}: {reference} is signed", flush=True)
        if arguments.sbom:
            signatures.attest_packages(reference, key, transparency_log=transparency_log)
            print(f"{name}: its list of packages is attached", flush=True)
    path = signatures.sign_release(target.folder, deployed.id, key, transparency_log=transparency_log)
    file = release.get_path(target.folder, deployed.id).relative_to(target.folder)
    print(f"release {deployed.id} is signed; commit {file} and {path.relative_to(target.folder)}")
    return command.SUCCESS

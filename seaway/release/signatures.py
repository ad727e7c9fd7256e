"""Signatures of releases: of their files in releases/, and of their images in the registry.

The program ``cosign`` (https://docs.sigstore.dev/cosign) makes and verifies them, ``syft`` lists the packages of an
image. The signature of a file is beside it, as ``releases/<id>.yaml.sig``. The registry stores those of an image under
tags of their own, ``sha256-<digest>.sig`` and ``.att``, so no digest changes.

With a key, only the registry is contacted, unless ``seaway:trust`` requires the transparency log.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from seaway import errors, programs
from seaway.files import roots, writer
from seaway.images import registry
from seaway.model import application, image_reference, settings
from seaway.project import release, release_lock
from seaway.syntax import diagnosis, encode, redaction

SUFFIX = ".sig"

_KEY_VARIABLE = "SEAWAY_TRUSTED_KEY"
_PEM_START = "-----BEGIN PUBLIC KEY-----"
_TIMEOUT = 900.0
"""In seconds: syft reads all layers of an image."""

_INSTALL_HINTS = {
    "cosign": "install cosign 2.6 or later: https://docs.sigstore.dev/cosign/system_config/installation",
    "syft": "install syft: https://github.com/anchore/syft#installation",
}
_FORMAT_OPTIONS = ("--new-bundle-format=false",)
"""The default of cosign 3 is another format, which requires a trusted root from the network."""

_SIGN_OPTIONS = ("--yes", "--use-signing-config=false", *_FORMAT_OPTIONS)


def sign_release(folder: Path, release_id: str, key: str, *, transparency_log: bool) -> Path:
    """Sign a release's file; return the path of the signature. ``key``: a file, or the URI of a key service."""
    path = release.get_path(folder, release_id)
    options = [f"--key={key}", f"--tlog-upload={str(transparency_log).lower()}", *_SIGN_OPTIONS]
    signature = _run_cosign(["sign-blob", *options, str(path)], transparency_log=transparency_log)
    writer.write_file(folder, get_path(folder, release_id), signature.decode().strip() + "\n")
    return get_path(folder, release_id)


def sign_image(reference: str, key: str, *, transparency_log: bool) -> None:
    """Sign an image in its registry. ``reference``: with a digest."""
    options = [f"--key={key}", f"--tlog-upload={str(transparency_log).lower()}", *_SIGN_OPTIONS]
    identity = f"--sign-container-identity={image_reference.remove_digest(reference)}"
    _run_cosign(["sign", *options, identity, *_locate_image(reference)], transparency_log=transparency_log)


def attest_packages(reference: str, key: str, *, transparency_log: bool) -> None:
    """List the packages of an image (SBOM), and attach the list to it, signed."""
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "sbom.spdx.json"))
        env = {"SYFT_CHECK_FOR_APP_UPDATE": "false"}
        if registry.uses_plain_http(reference):
            env["SYFT_REGISTRY_INSECURE_USE_HTTP"] = "true"
        image = f"registry:{registry.resolve_address(reference)}"
        _run_program("syft", ["scan", "--quiet", f"--output=spdx-json={file}", image], env)
        options = [f"--key={key}", f"--tlog-upload={str(transparency_log).lower()}", *_SIGN_OPTIONS]
        predicate = ["--type=spdxjson", f"--predicate={file}"]
        _run_cosign(["attest", *options, *predicate, *_locate_image(reference)], transparency_log=transparency_log)


def copy_image_signatures(source: str, target: str) -> None:
    """Copy what is attached to an image: its signatures and attestations. Both references have the same digest."""
    digest = (image_reference.get_digest(source) or "").replace(":", "-")
    repositories = [image_reference.remove_tag(image_reference.remove_digest(image)) for image in (source, target)]
    for suffix in (".sig", ".att"):
        tagged, copied = (f"{repository}:{digest}{suffix}" for repository in repositories)
        try:
            signature_digest = registry.resolve_digest(tagged)
        except registry.ImageNotFound:
            continue
        registry.copy_image(f"{repositories[0]}@{signature_digest}", copied)


def get_path(folder: Path, release_id: str) -> Path:
    """The signature of a release's file."""
    path = release.get_path(folder, release_id)
    return path.with_name(f"{path.name}{SUFFIX}")


def find_unsigned(
    folder: Path,
    release_id: str,
    base: application.Application,
    images: Mapping[str, str],
    trust: settings.Trust,
    *,
    check_images: bool = True,
) -> Iterator[diagnosis.Diagnostic]:
    """What of a release no trusted key has signed: nothing of it may be promoted or deployed.

    Args:
        folder: of the project.
        release_id: its file vouches for the release, if it is signed.
        base: the application to deploy, without the overlay.
        images: references with digests by name, where they are pulled from.
        trust: of the stack to deploy to.
        check_images: verify the images in their registry. Without it, nothing is contacted.

    Raises:
        diagnosis.InvalidInput: a key, cosign, or the release's file is missing or invalid.
        errors.Unavailable: the transparency log or the registry cannot be reached.
    """
    keys = [_read_key(folder, key) for key in trust.keys]
    file, signature = release.get_path(folder, release_id), get_path(folder, release_id)
    location = diagnosis.SourceLocation(str(file.relative_to(folder)))
    hint = "sign the release where it was built, and commit the signature: seaway release sign --key KEY"
    if not os.path.lexists(signature):
        message = f"is not signed: {signature.name} does not exist"
        yield diagnosis.Diagnostic(location, "", message, hint, "not-signed")
        return
    content = release_lock.read_content(file, folder)
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary, signature.name)
        copy.write_bytes(release_lock.read_content(signature, folder))
        reason = _verify(["verify-blob", *_FORMAT_OPTIONS, f"--signature={copy}", "-"], keys, trust, content)
    if reason:
        message = f"no trusted key has signed it: {reason}"
        yield diagnosis.Diagnostic(location, "", message, hint, "not-signed")
        return
    signed = release.read(folder, release_id)
    digests = {name: image.digest for name, image in signed.images.items()}
    # Decoded from different files, equal applications may have different default objects.
    is_same = encode.to_plain(signed.application) == encode.to_plain(base)
    if not is_same or digests != {name: image_reference.get_digest(image) for name, image in images.items()}:
        message = "is signed, but the stack would deploy another application, or other images"
        yield diagnosis.Diagnostic(location, "", message, "restore environments/ and releases/ from git", "not-signed")
        return
    for name, reference in images.items() if check_images else ():
        if reason := _verify(["verify", "--output=text", *_FORMAT_OPTIONS, *_locate_image(reference)], keys, trust):
            message = f"no trusted key has signed {reference}: {reason}"
            yield diagnosis.Diagnostic(location, f"images.{name}", message, hint, "not-signed")


def _read_key(folder: Path, key: str) -> str:
    """The text of a public key. A file must not lead out of the project."""
    location, path = diagnosis.SourceLocation("the stack's settings"), "seaway:trust.keys"
    hint = "name the public key that cosign generate-key-pair wrote, cosign.pub"
    text = key
    if _PEM_START not in key:
        text = roots.Root(folder).read(folder / key, "", location, path, hint=hint).decode(errors="replace")
    if _PEM_START not in text:
        raise diagnosis.reject(location, path, "invalid-value", f"{diagnosis.quote(key)} is not a public key", hint)
    return text


def _verify(command: Sequence[str], keys: Sequence[str], trust: settings.Trust, content: bytes = b"") -> str | None:
    """Why no key has signed; None: one has."""
    options = [] if trust.transparency_log else ["--insecure-ignore-tlog=true"]
    reason = "there is no key"
    for key in keys:
        try:
            _run_cosign(
                [command[0], f"--key=env://{_KEY_VARIABLE}", *options, *command[1:]],
                {_KEY_VARIABLE: key},
                content,
                transparency_log=trust.transparency_log,
            )
        except errors.Unavailable as error:
            reason = str(error)
        else:
            return None
    return reason


def _locate_image(reference: str) -> list[str]:
    """The arguments that name an image in its registry."""
    option = ["--allow-http-registry=true"] if registry.uses_plain_http(reference) else []
    return [*option, registry.resolve_address(reference)]


def _run_cosign(
    arguments: Sequence[str], env: Mapping[str, str] | None = None, content: bytes = b"", *, transparency_log: bool
) -> bytes:
    # With a file of its own, cosign does not update the keys of the log from https://tuf-repo-cdn.sigstore.dev. It is
    # read for certificates only, which a key does not have.
    quiet = {} if transparency_log else {"SIGSTORE_CT_LOG_PUBLIC_KEY_FILE": os.devnull}
    return _run_program("cosign", arguments, {**quiet, **(env or {})}, content)


def _run_program(name: str, arguments: Sequence[str], env: Mapping[str, str], content: bytes = b"") -> bytes:
    """Run a program and return its output.

    Raises:
        diagnosis.InvalidInput: it is not installed.
        errors.Unavailable: it failed; the text is the last line of its errors.
    """
    program = shutil.which(name)
    if program is None:
        message = f"{name} is not installed, and signatures require it"
        location = diagnosis.SourceLocation("PATH")
        raise diagnosis.reject(location, "", "program-not-found", message, _INSTALL_HINTS[name])
    command, variables = [program, *arguments], {**registry.build_environment(), **env}
    try:
        done = programs.run(command, env=variables, content=content, timeout=_TIMEOUT)
    except OSError as error:
        raise errors.Unavailable(f"{name}: {error.strerror}") from None
    if done.returncode:
        lines = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
        reason = lines[-1] if lines else f"exit code {done.returncode}"
        text = reason.removeprefix("Error: ").removeprefix("error during command execution: ")
        raise errors.Unavailable(f"{name}: {redaction.redact_passwords(diagnosis.clean_line(text))}")
    return done.stdout

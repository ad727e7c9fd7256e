"""Registries: digests, and copies of images. The only module that connects to them.

It runs ``skopeo`` (https://github.com/containers/skopeo) or ``crane``
(https://github.com/google/go-containerregistry), whichever is found first. Credentials are those of ``docker login``:
``$REGISTRY_AUTH_FILE``, else ``$DOCKER_CONFIG/config.json``, else the default of the program.

``$SEAWAY_REGISTRY_ADDRESSES`` (``registry.localhost:5000=10.0.0.2:5000``, separated by commas) has the addresses of
registries whose names only the cluster resolves. References stay as they are written.
"""

import hashlib
import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from seaway import errors, programs
from seaway.model import image_reference
from seaway.syntax import diagnosis

ADDRESSES_VARIABLE = "SEAWAY_REGISTRY_ADDRESSES"

_LOCAL_HOST = re.compile(r"(localhost|127(\.\d+){3}|\[::1\]|.+\.localhost)(:\d+)?")
"""Registries that may use plain HTTP: the rule of Docker, and the names of this machine (RFC 6761)."""

_NOT_FOUND = re.compile(r"manifest unknown|name unknown|\b404\b", re.IGNORECASE)
_UNAUTHORIZED = re.compile(
    r"unauthorized|authentication required|invalid username|forbidden|\b403\b|(?<!permission )denied", re.IGNORECASE
)
"""Docker Hub also answers so for a repository that does not exist."""

_ANSWER_SECONDS, _COPY_SECONDS = 120.0, 3600.0
"""Time limits: of a question, and of a copy of all layers."""

_POLICY_FILES = (Path("/etc/containers/policy.json"), Path.home() / ".config" / "containers" / "policy.json")


class Unavailable(errors.Unavailable):
    """A registry is unreachable or refuses access. The text is one line for the user."""


class ImageNotFound(Unavailable):
    """The registry does not have the image."""


def resolve_digest(reference: str) -> str:
    """The current digest of a reference, ``sha256:...``; of a multi-platform image that of the list.

    Raises:
        ImageNotFound: the registry does not have the image.
    """
    return _find_tool().resolve_digest(image_reference.remove_tag(reference))


def has_image(reference: str) -> bool:
    """Whether the registry has the image."""
    try:
        resolve_digest(reference)
    except ImageNotFound:
        return False
    return True


def copy_image(source: str, target: str) -> bool:
    """Copy an image with all its platforms; return whether it had to be copied.

    Args:
        source: with a digest, which the copy keeps.
        target: with the tag that the copy gets.

    Raises:
        ImageNotFound: the source does not exist.
    """
    digest = image_reference.get_digest(source)
    if digest is None:
        raise ValueError(f"{source} has no digest")
    tool = _find_tool()
    try:
        if tool.resolve_digest(target) == digest:
            return False
    except ImageNotFound:
        pass
    tool.copy_image(image_reference.remove_tag(source), target)
    stored = tool.resolve_digest(target)
    if stored != digest:
        raise Unavailable(f"{target}: the registry has {stored} after {source} was copied to it; copy it again")
    return True


class _Skopeo:
    """https://github.com/containers/skopeo/tree/main/docs"""

    def __init__(self, program: str) -> None:
        self._program = program

    def resolve_digest(self, reference: str) -> str:
        args = ["inspect", "--raw", *_authfile_option(), *_plain_http_option("--tls-verify=false", reference)]
        raw = _run([self._program, *args, f"docker://{resolve_address(reference)}"], reference)
        return f"sha256:{hashlib.sha256(raw).hexdigest()}"

    def copy_image(self, source: str, target: str) -> None:
        # Skopeo fails without a policy file. A policy of the user is kept.
        policy = [] if any(file.exists() for file in _POLICY_FILES) else ["--insecure-policy"]
        args = ["copy", "--quiet", "--all", "--preserve-digests", "--retry-times=2", *_authfile_option()]
        args += [
            *_plain_http_option("--src-tls-verify=false", source),
            *_plain_http_option("--dest-tls-verify=false", target),
        ]
        ends = (f"docker://{resolve_address(source)}", f"docker://{resolve_address(target)}")
        _run([self._program, *policy, *args, *ends], source, target, timeout=_COPY_SECONDS)


class _Crane:
    """https://github.com/google/go-containerregistry/tree/main/cmd/crane/doc

    It finds credentials by itself. Its one option is for source and target, and it tries HTTPS first: with the option,
    it would accept any certificate of a remote registry, and send it the credentials.
    """

    def __init__(self, program: str) -> None:
        self._program = program

    def resolve_digest(self, reference: str) -> str:
        command = [
            self._program,
            "digest",
            *_plain_http_option("--insecure", reference),
            "--",
            resolve_address(reference),
        ]
        return _run(command, reference).decode().strip()

    def copy_image(self, source: str, target: str) -> None:
        if uses_plain_http(source) != uses_plain_http(target):
            raise Unavailable(
                f"{source} -> {target}: crane cannot copy between a registry of this machine and a remote one without"
                " turning off the verification of certificates for both; install skopeo: apt-get install skopeo"
            )
        args = ["copy", *_plain_http_option("--insecure", source, target)]
        ends = (resolve_address(source), resolve_address(target))
        _run([self._program, *args, "--", *ends], source, target, timeout=_COPY_SECONDS)


def _find_tool() -> _Skopeo | _Crane:
    for name, tool in (("skopeo", _Skopeo), ("crane", _Crane)):
        if path := shutil.which(name):
            return tool(path)
    message = "neither skopeo nor crane is installed, and connecting to registries requires one of them"
    hint = "apt-get install skopeo, or install crane: https://github.com/google/go-containerregistry/releases"
    raise diagnosis.reject(diagnosis.SourceLocation("PATH"), "", "program-not-found", message, hint)


def uses_plain_http(reference: str) -> bool:
    """Whether the registry may use plain HTTP: its name is one of this machine."""
    return _LOCAL_HOST.fullmatch(image_reference.get_registry(reference)) is not None


def resolve_address(reference: str) -> str:
    """The reference with the address of the registry, if its name has one in the variable."""
    host = image_reference.get_registry(reference)
    known = parse_addresses(os.environ)
    return f"{known[host]}{reference.removeprefix(host)}" if host in known else reference


def parse_addresses(environ: Mapping[str, str]) -> dict[str, str]:
    """Addresses by name, from the variable."""
    pairs = [pair.strip().partition("=") for pair in environ.get(ADDRESSES_VARIABLE, "").split(",") if pair.strip()]
    for name, _, address in pairs:
        if not name or not address:
            location = diagnosis.SourceLocation(ADDRESSES_VARIABLE)
            message = f"{diagnosis.quote(name or address)} does not have the form name=address"
            raise diagnosis.reject(
                location, "", "invalid-value", message, "write host:port=host:port,host:port=host:port"
            )
    return {name: address for name, _, address in pairs}


def _plain_http_option(option: str, *references: str) -> list[str]:
    return [option] if any(map(uses_plain_http, references)) else []


def _authfile_option() -> list[str]:
    """Skopeo reads all locations except the variable of Docker."""
    folder = os.environ.get("DOCKER_CONFIG")
    if os.environ.get("REGISTRY_AUTH_FILE") or not folder or not (file := Path(folder, "config.json")).is_file():
        return []
    return [f"--authfile={file}"]


def build_environment() -> dict[str, str]:
    """The environment of a program that connects to registries."""
    # The addresses in the variable are local: no proxy resolves them.
    no_proxy = ",".join(
        [*parse_addresses(os.environ).values(), os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""]
    )
    return {**os.environ, "NO_PROXY": no_proxy, "no_proxy": no_proxy}


def _run(command: Sequence[str], *references: str, timeout: float = _ANSWER_SECONDS) -> bytes:
    """Run the program and return its output."""
    try:
        done = programs.run(command, env=build_environment(), timeout=timeout)
    except OSError as error:
        raise _create_error(f"{Path(command[0]).name} {error.strerror}", references) from None
    if done.returncode:
        raise _create_error(done.stderr.decode(errors="replace"), references)
    return done.stdout


def _create_error(stderr: str, references: Sequence[str]) -> Unavailable:
    """The error in one line: the last line of the program has the cause."""
    line = next((line for line in reversed(stderr.splitlines()) if line.strip()), "no answer")
    images = " -> ".join(references)
    hosts = list(dict.fromkeys(map(image_reference.get_registry, references)))
    if _UNAUTHORIZED.search(line):
        logins = " or ".join(f"docker login {shlex.quote(host)}" for host in hosts)
        return Unavailable(f"{images}: the image does not exist, or you have no access to it; {logins}")
    if _NOT_FOUND.search(line):
        return ImageNotFound(f"{images}: the image does not exist in {hosts[0]}; push it, or correct the name")
    text = re.sub(r'^.*msg="(.*)"$', r"\1", line.strip()).replace('\\"', '"').removeprefix("Error: ")
    cause = text.rpartition('": ')[2] or text
    return Unavailable(f"{images}: {cause}; check the name, and the connection to {' and '.join(hosts)}")

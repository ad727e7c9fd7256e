"""Registries: what a tag names now, whether an image is there, and copies. The one place that talks to them.

It does so through ``skopeo`` (https://github.com/containers/skopeo) or ``crane``
(https://github.com/google/go-containerregistry), whichever is found first. Credentials are those of ``docker login``:
``$REGISTRY_AUTH_FILE``, else ``$DOCKER_CONFIG/config.json``, else where the program looks by itself.

``$SEAWAY_REGISTRY_ADDRESSES`` (``registry.localhost:5000=10.0.0.2:5000``, more with commas) says where a registry
answers whose name only the cluster knows. Nothing else is renamed by it: references stay as they are written.
"""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from seaway import errors
from seaway.model import image_reference
from seaway.syntax import diagnosis

ADDRESSES_VARIABLE = "SEAWAY_REGISTRY_ADDRESSES"

_LOCAL_HOST = re.compile(r"(localhost|127(\.\d+){3}|\[::1\]|.+\.localhost)(:\d+)?")
"""Registries that may speak plain http: Docker's rule, and the names that never leave the machine (RFC 6761)."""

_NOT_FOUND = re.compile(r"manifest unknown|name unknown|\b404\b", re.IGNORECASE)
_UNAUTHORIZED = re.compile(
    r"unauthorized|authentication required|invalid username|forbidden|\b403\b|(?<!permission )denied", re.IGNORECASE
)
"""Docker Hub says so of a repository that does not exist, too."""

_POLICY_FILES = (Path("/etc/containers/policy.json"), Path.home() / ".config" / "containers" / "policy.json")


class Unavailable(errors.Unavailable):
    """A registry cannot be asked, or does not let us. The text is for the user, in one line."""


class ImageNotFound(Unavailable):
    """It answers, and has no such image."""


def resolve_digest(reference: str) -> str:
    """``sha256:...`` of what a reference names now: of the list, where there is one image for each platform.

    Raises:
        Absent: the registry has no such image.
        Unavailable: it does not answer, or not to us.
        diagnosis.InvalidInput: there is no program to ask with.
    """
    return _find_tool().resolve_digest(image_reference.remove_tag(reference))


def has_image(reference: str) -> bool:
    """Whether the registry has the image.

    Raises:
        Unavailable: it does not answer, or not to us.
        diagnosis.InvalidInput: there is no program to ask with.
    """
    try:
        resolve_digest(reference)
    except ImageNotFound:
        return False
    return True


def copy_image(source: str, target: str) -> bool:
    """Copy an image with all its platforms; whether there was anything to do.

    Args:
        source: with a digest, which stays the same.
        target: with a tag, which names the image from now on.

    Raises:
        Absent: there is no such source.
        Unavailable: a registry does not answer, or not to us, or has kept something else than it was sent.
        diagnosis.InvalidInput: there is no program to copy with.
    """
    wanted = image_reference.get_digest(source)
    if wanted is None:
        raise ValueError(f"{source} has no digest")
    tool = _find_tool()
    try:
        if tool.resolve_digest(target) == wanted:
            return False
    except ImageNotFound:
        pass
    tool.copy_image(image_reference.remove_tag(source), target)
    kept = tool.resolve_digest(target)
    if kept != wanted:
        raise Unavailable(f"{target}: the registry has {kept} after {source} was copied to it; copy it again")
    return True


class _Skopeo:
    """https://github.com/containers/skopeo/tree/main/docs"""

    def __init__(self, program: str) -> None:
        self._program = program

    def resolve_digest(self, reference: str) -> str:
        words = ["inspect", "--raw", *_authfile_option(), *_plain_http_option("--tls-verify=false", reference)]
        raw = _run([self._program, *words, f"docker://{resolve_address(reference)}"], reference)
        return f"sha256:{hashlib.sha256(raw).hexdigest()}"

    def copy_image(self, source: str, target: str) -> None:
        # What may be pulled is the user's to say; where nobody has said anything, skopeo stops.
        policy = [] if any(file.exists() for file in _POLICY_FILES) else ["--insecure-policy"]
        words = ["copy", "--quiet", "--all", "--preserve-digests", "--retry-times=2", *_authfile_option()]
        words += [
            *_plain_http_option("--src-tls-verify=false", source),
            *_plain_http_option("--dest-tls-verify=false", target),
        ]
        ends = (f"docker://{resolve_address(source)}", f"docker://{resolve_address(target)}")
        _run([self._program, *policy, *words, *ends], source, target)


class _Crane:
    """https://github.com/google/go-containerregistry/tree/main/cmd/crane/doc

    It finds credentials by itself, and its one option is for both ends: it tries https first.
    """

    def __init__(self, program: str) -> None:
        self._program = program

    def resolve_digest(self, reference: str) -> str:
        line = [self._program, "digest", *_plain_http_option("--insecure", reference), resolve_address(reference)]
        return _run(line, reference).decode().strip()

    def copy_image(self, source: str, target: str) -> None:
        words = ["copy", *_plain_http_option("--insecure", source, target)]
        _run([self._program, *words, resolve_address(source), resolve_address(target)], source, target)


def _find_tool() -> _Skopeo | _Crane:
    for name, tool in (("skopeo", _Skopeo), ("crane", _Crane)):
        if path := shutil.which(name):
            return tool(path)
    wrong = "there is neither skopeo nor crane, and registries are asked with one of them"
    remedy = "apt-get install skopeo, or take crane from https://github.com/google/go-containerregistry/releases"
    raise diagnosis.InvalidInput([diagnosis.Diagnostic(diagnosis.SourceLocation("PATH"), "", wrong, remedy)])


def uses_plain_http(reference: str) -> bool:
    """Whether the registry may speak plain http: on this machine only, by its name."""
    return _LOCAL_HOST.fullmatch(image_reference.get_registry(reference)) is not None


def resolve_address(reference: str) -> str:
    """The reference with where the registry answers instead of a name that only the cluster knows."""
    host = image_reference.get_registry(reference)
    known = parse_addresses(os.environ)
    return f"{known[host]}{reference.removeprefix(host)}" if host in known else reference


def parse_addresses(environ: Mapping[str, str]) -> dict[str, str]:
    """Addresses by name, of the variable.

    Raises:
        diagnosis.InvalidInput: it says something else.
    """
    pairs = [pair.strip().partition("=") for pair in environ.get(ADDRESSES_VARIABLE, "").split(",") if pair.strip()]
    for name, _, where in pairs:
        if not name or not where:
            wrong = f"{diagnosis.quote(name or where)} is not of the form name=address"
            remedy = "write host:port=host:port, and a comma before the next"
            raise diagnosis.InvalidInput(
                [diagnosis.Diagnostic(diagnosis.SourceLocation(ADDRESSES_VARIABLE), "", wrong, remedy)]
            )
    return {name: where for name, _, where in pairs}


def _plain_http_option(option: str, *about: str) -> list[str]:
    return [option] if any(map(uses_plain_http, about)) else []


def _authfile_option() -> list[str]:
    """skopeo knows every place but Docker's own variable."""
    folder = os.environ.get("DOCKER_CONFIG")
    if os.environ.get("REGISTRY_AUTH_FILE") or not folder or not (file := Path(folder, "config.json")).is_file():
        return []
    return [f"--authfile={file}"]


def _run(line: Sequence[str], *about: str) -> bytes:
    """What the program prints."""
    # An address that a name was given for is near, and no proxy knows it.
    near = ",".join(
        [*parse_addresses(os.environ).values(), os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""]
    )
    direct = {**os.environ, "NO_PROXY": near, "no_proxy": near}
    done = subprocess.run(line, env=direct, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        raise _create_error(done.stderr.decode(errors="replace"), about)
    return done.stdout


def _create_error(said: str, about: Sequence[str]) -> Unavailable:
    """What went wrong, in a line: the program's last one says it."""
    line = next((line for line in reversed(said.splitlines()) if line.strip()), "no answer")
    named = " -> ".join(about)
    hosts = list(dict.fromkeys(map(image_reference.get_registry, about)))
    if _UNAUTHORIZED.search(line):
        logins = " or ".join(f"docker login {host}" for host in hosts)
        return Unavailable(f"{named}: there is no such image, or it is not for you; {logins}")
    if _NOT_FOUND.search(line):
        return ImageNotFound(f"{named}: there is no such image in {hosts[0]}; push it, or correct the name")
    text = re.sub(r'^.*msg="(.*)"$', r"\1", line.strip()).replace('\\"', '"').removeprefix("Error: ")
    cause = text.rpartition('": ')[2] or text
    return Unavailable(f"{named}: {cause}; check the name, and the way to {' and '.join(hosts)}")

"""A release: it is promoted from one environment to the next, and holds nothing of any environment.

``releases/<id>.yaml`` is the file of a release: written once, kept in git, and never changed. Its id is a hash of its
content, so a change by hand is detected.
"""

import dataclasses
import os
import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self, cast

from seaway.files import writer
from seaway.model import application
from seaway.project import migration, release_lock
from seaway.syntax import decode, diagnosis, encode, field_help, hashing, nodes

ID_DIGITS = 12
"""Hexadecimal digits."""

FOLDER = release_lock.RELEASES_FOLDER

SAVE_COMMAND = "seaway release save --stack <stack>"
"""Writes the file of a release that runs."""

get_path = release_lock.get_release_path

_Application = application.Application


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseImage:
    """An image that was built."""

    content: Annotated[str, field_help.Help("its tag, the hash of its inputs")]
    repository: Annotated[str, field_help.Help("the repository that it was pushed to: `registry/application/service`")]
    digest: Annotated[str, field_help.Help("`sha256:...`, the same in every registry")]

    @classmethod
    def parse(cls, reference: str, content: str) -> Self:
        """From the deployed reference, ``repository@sha256:...``, and the content, a tag."""
        repository, _, digest = reference.partition("@")
        return cls(content=content.rpartition(":")[2], repository=repository, digest=digest)

    def build_reference(self, registry: str | None) -> str:
        """``repository@digest`` in another registry (``host[:port][/path]``); None: where it was pushed to."""
        if registry is None:
            return f"{self.repository}@{self.digest}"
        app, service = self.repository.split("/")[-2:]
        return f"{posixpath.join(registry, app, service)}@{self.digest}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The origin of a release. It is information for people, and not part of the id."""

    revision: Annotated[str | None, field_help.Help("the commit of the working tree")] = None
    dirty: Annotated[bool, field_help.Help("whether the working tree had uncommitted changes")] = False
    checks: Annotated[Mapping[str, str], field_help.Help("result by id of the check")] = dataclasses.field(
        default_factory=dict[str, str]
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The application and its images."""

    application: _Application
    """As declared, without the overlay of any environment, with the contents of its files and the names of its secrets,
    without their values."""
    images: Mapping[str, ReleaseImage] = dataclasses.field(default_factory=dict[str, ReleaseImage])
    """By name of the service, store or job that is built."""
    provenance: Provenance = Provenance()
    recorded: str | None = None
    """Time of the first deployment: RFC 3339, in UTC."""

    @property
    def id(self) -> str:
        """A hash of the application and the content of its images."""
        return compute_id(self.application, {name: image.content for name, image in self.images.items()})


def compute_id(app: application.Application, image_contents: Mapping[str, str]) -> str:
    """The id of the release with this application and these images. It is known before they are built.

    A content is a tag, with or without its repository: the repository is not part of the id.
    """
    tags = {name: content.rpartition(":")[2] for name, content in image_contents.items()}
    former = migration.restore_former_keys({"application": encode.to_plain(app)})
    return hashing.hash_content([former["application"], tags], ID_DIGITS)


def parse_file(folder: Path, id_: str, sha256: str | None = None) -> nodes.Node:
    """The nodes of a release's file; ``sha256``: of its bytes, as a lock file has it."""
    hint = f"restore it from git, or from a stack that runs it: {SAVE_COMMAND}"
    return release_lock.parse_file(get_path(folder, id_), folder, hint, sha256=sha256)


def read(folder: Path, id_: str, sha256: str | None = None) -> Release:
    """A release from its file; ``sha256``: of its bytes, None: as the lock file of any stack has it."""
    node = parse_file(folder, id_, sha256 or release_lock.find_sha256(folder, id_))
    decoded = decode.decode_node(Release, node)
    if decoded.id != id_:
        message = f"its content is that of release {decoded.id}"
        hint = f"it was changed by hand: restore it from git, or {SAVE_COMMAND}"
        raise diagnosis.reject(node.location, "", "release-changed", message, hint)
    return decoded


def save_release(folder: Path, release: Release, sha256: str | None = None) -> Path:
    """Write a release's file; a file that exists stays as it is.

    ``sha256``: of the bytes of the existing file, as a lock file has it: then the lock file vouches for it. Without it,
    its images must be those of the release, including their repositories.

    Raises:
        diagnosis.InvalidInput: the file exists with other images: two builds of the same content differ.
    """
    path = get_path(folder, release.id)
    if not os.path.lexists(path):
        writer.write_file(folder, path, format_release(release))
        return path
    saved = read(folder, release.id, sha256).images
    different = [
        name
        for name, image in release.images.items()
        if saved[name].digest != image.digest or (sha256 is None and saved[name].repository != image.repository)
    ]
    if different:
        message = f"the images of {', '.join(different)} in release {release.id} differ from those that run"
        hint = "a release never changes: promote the release in the file, or delete the file if it was never deployed"
        location = diagnosis.SourceLocation(f"{FOLDER}/{path.name}")
        raise diagnosis.reject(location, "", "release-changed", message, hint)
    return path


def format_release(release: Release) -> str:
    """The text of a release's file."""
    header = f"# Release {release.id} of {release.application.name}. Written by Seaway, once; commit it.\n"
    return header + release_lock.format_text(encode.to_plain(release))


def format_node(release: Release) -> nodes.Node:
    """The nodes of a release's file that is not written yet."""
    file = str(get_path(Path(), release.id))
    return release_lock.parse_content(format_release(release).encode(), file)[1]


def get_application_node(node: nodes.Node) -> nodes.Node:
    """The application in the nodes of a release's file."""
    return cast(nodes.MappingNode, node).pairs["application"].node


def list_ids(folder: Path) -> list[str]:
    """The ids of the releases that have a file."""
    return sorted(path.stem for path in (folder / FOLDER).glob("*.yaml") if len(path.stem) == ID_DIGITS)

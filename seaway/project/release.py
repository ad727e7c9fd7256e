"""A release: what is promoted from one environment to the next. It holds nothing of any environment.

``releases/<id>.yaml`` is a release as a file: written once, kept in git, and never changed. Its id follows from what is
in it, so a file that was changed by hand is found out.
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

_Application = application.Application


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseImage:
    """One that was built."""

    content: Annotated[str, field_help.Help("what stands for what it was built from: its tag")]
    repository: Annotated[str, field_help.Help("where it was pushed to: `registry/application/service`")]
    digest: Annotated[str, field_help.Help("`sha256:...`, the same in every registry")]

    @classmethod
    def parse(cls, reference: str, content: str) -> Self:
        """From what is deployed, ``repository@sha256:...``, and what stands for its content, a tag."""
        repository, _, digest = reference.partition("@")
        return cls(content=content.rpartition(":")[2], repository=repository, digest=digest)

    def build_reference(self, registry: str | None) -> str:
        """``repository@digest`` in another registry (``host[:port][/path]``); None: in its own."""
        if registry is None:
            return f"{self.repository}@{self.digest}"
        app, service = self.repository.split("/")[-2:]
        return f"{posixpath.join(registry, app, service)}@{self.digest}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a release comes from. It tells people something and counts for nothing."""

    revision: Annotated[str | None, field_help.Help("the commit of the working tree")] = None
    dirty: Annotated[bool, field_help.Help("whether the working tree had changes that are in no commit")] = False
    checks: Annotated[Mapping[str, str], field_help.Help("result by id of the check")] = dataclasses.field(
        default_factory=dict[str, str]
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What is promoted."""

    application: _Application
    """As it is described: without the overlay of any environment, the contents of its files in it. The names of its
    secrets are in it too, and their values nowhere."""
    images: Mapping[str, ReleaseImage] = dataclasses.field(default_factory=dict[str, ReleaseImage])
    """By name of the service, store or job that is built."""
    provenance: Provenance = Provenance()
    recorded: str | None = None
    """When it was deployed for the first time: RFC 3339, in UTC."""

    @property
    def id(self) -> str:
        """What stands for the application and the content of its images."""
        return compute_id(self.application, {name: one.content for name, one in self.images.items()})


def compute_id(app: application.Application, image_contents: Mapping[str, str]) -> str:
    """The id of the release with this application and these images: known before they are built.

    A content is a tag, with or without its repository: where an image is kept makes no other release.
    """
    tags = {name: content.rpartition(":")[2] for name, content in image_contents.items()}
    former = migration.restore_former_keys({"application": encode.to_plain(app)})
    return hashing.hash_content([former["application"], tags], ID_DIGITS)


def get_path(folder: Path, id_: str) -> Path:
    """The file of a release in the project's folder."""
    return release_lock.get_release_path(folder, id_)


def parse_file(folder: Path, id_: str, sha256: str | None = None) -> nodes.Node:
    """The file's nodes; ``sha256``: what a lock file says that its bytes hash to.

    Raises:
        diagnosis.InvalidInput: there is no such file, or it was changed after it was pinned.
    """
    remedy = f"take it from git, or from where it runs: {SAVE_COMMAND}"
    return release_lock.parse_file(get_path(folder, id_), folder, remedy, sha256=sha256)


def read(folder: Path, id_: str, sha256: str | None = None) -> Release:
    """A release from its file; ``sha256``: what a lock file says that its bytes hash to.

    Raises:
        diagnosis.InvalidInput: there is none, it is no release of this version of Seaway, or it was changed by hand.
    """
    node = parse_file(folder, id_, sha256)
    found = decode.decode_node(Release, node)
    if found.id != id_:
        wrong = f"its content is that of release {found.id}"
        raise diagnosis.InvalidInput(
            [
                diagnosis.Diagnostic(
                    node.location, "", wrong, f"it was changed by hand: take it from git, or {SAVE_COMMAND}"
                )
            ]
        )
    return found


def save_release(folder: Path, one: Release, sha256: str | None = None) -> Path:
    """Write a release's file; one that is there stays as it is.

    ``sha256``: what a lock file says that the bytes of the one that is there hash to. It then vouches for it; without,
    all of its images must be those of the release, their repositories included.

    Raises:
        diagnosis.InvalidInput: there is one already, with other images: the same content was built twice, differently.
    """
    path = get_path(folder, one.id)
    if os.path.lexists(path):
        kept = read(folder, one.id, sha256).images
        other = [
            name
            for name, image in one.images.items()
            if kept[name].digest != image.digest or (sha256 is None and kept[name].repository != image.repository)
        ]
        if other:
            wrong = f"release {one.id} has another image of {', '.join(other)} here than where it runs"
            remedy = "a release never changes: promote the one in the file, or remove it if it was never deployed"
            raise diagnosis.InvalidInput(
                [diagnosis.Diagnostic(diagnosis.SourceLocation(f"{FOLDER}/{path.name}"), "", wrong, remedy)]
            )
        return path
    writer.write_file(folder, path, format_release(one))
    return path


def format_release(one: Release) -> str:
    """What stands in a release's file."""
    told = f"# Release {one.id} of {one.application.name}. Written by Seaway, once; commit it.\n"
    return told + release_lock.format_text(encode.to_plain(one))


def format_node(one: Release) -> nodes.Node:
    """The nodes of a release's file that is not written yet."""
    file = get_path(Path(), one.id)
    return release_lock.parse_content(format_release(one).encode(), str(file))[1]


def get_application_node(node: nodes.Node) -> nodes.Node:
    """The application in a release that was read, for whoever merges an overlay on it."""
    return cast(nodes.MappingNode, node).pairs["application"].node


def list_ids(folder: Path) -> list[str]:
    """The ids of the releases that have a file."""
    return sorted(path.stem for path in (folder / FOLDER).glob("*.yaml") if len(path.stem) == ID_DIGITS)


SAVE_COMMAND = "seaway release save --stack <stack>"
"""The way to a release's file."""

"""The images that the one-node cluster can run, and how to add images to its registry."""

import dataclasses
import functools
import pathlib
import re
import shlex
import tarfile
import typing
import urllib.error
import urllib.request

import yaml

from dev import environment
from dev.cluster import layout
from dev.images import layers, oci, recipes, stand_ins
from seaway.files import roots
from seaway.images import outdated, registry
from seaway.model import image_reference
from seaway.project import environments

BUILT_TAG = "ctx-"
"""The tags of images that Seaway builds begin with this text."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueImage:
    """An image in the cluster's registry."""

    name: str
    """As the cluster pulls it: `registry.localhost:5000/base/python:3.11-bookworm`."""
    content: str
    """Its title, and its packages with their versions."""
    replaces: tuple[str, ...] = ()
    """The images that the dev stack replaces by it (`seaway:imageOverrides`)."""


def read_overrides() -> dict[str, str]:
    """Return the image overrides of the dev stack."""
    config = yaml.safe_load((environment.ROOT / "Pulumi.dev.yaml").read_text())["config"]
    return config.get("seaway:imageOverrides") or {}


def list_images(address: str, overrides: dict[str, str]) -> list[CatalogueImage]:
    """List the images in the registry at `address`, without images that Seaway has built. Raises CannotMakeError."""
    images: list[CatalogueImage] = []
    for repository in (oci.read_registry(address, "_catalog?n=1000") or {}).get("repositories", ()):
        for tag in (oci.read_registry(address, f"{repository}/tags/list") or {}).get("tags") or ():
            if not tag.startswith(BUILT_TAG):
                name = f"{layout.REGISTRY}/{repository}:{tag}"
                replaces = tuple(image for image, override in overrides.items() if override == name)
                content = read_content(address, repository, tag)
                images.append(CatalogueImage(name=name, content=content, replaces=replaces))
    return sorted(images, key=lambda image: image.name)


def read_content(address: str, repository: str, tag: str) -> str:
    """Return the title of an image and its packages; empty if the image has no labels."""
    manifest = oci.read_registry(address, f"{repository}/manifests/{tag}") or {}
    digest = manifest.get("config", {}).get("digest")
    config: dict[str, typing.Any] = oci.read_registry(address, f"{repository}/blobs/{digest}") or {} if digest else {}
    labels: dict[str, str] = config.get("config", {}).get("Labels") or {}
    title, _, _ = labels.get(recipes.TITLE, "").partition(",")
    return ": ".join(filter(None, (title, labels.get(oci.CONTENT_LABEL))))


def format_images(images: list[CatalogueImage]) -> str:
    """Format the list with the ways to add images."""
    lines = ["This cluster runs these images without another registry:"]
    for image in images:
        lines.append(f"  {', '.join(image.replaces) or image.name}")
        lines += [f"    runs {image.name}"] if image.replaces else []
        lines += [f"    {image.content}"] if image.content else []
    state = "answers" if reaches_registry("docker.io") else "does not answer"
    lines += [
        "An image of another registry runs if this machine reaches the registry. Docker Hub "
        f"({image_reference.DOCKER_HUB}) {state}.",
        f"To add an image ({', '.join(stand_ins.STAND_INS)} need no further setting):\n{format_ways('NAME:TAG')}",
    ]
    return "\n".join(lines)


def format_ways(name: str) -> str:
    """Return the commands that add an image."""
    own = name.removeprefix(f"{layout.REGISTRY}/")
    known = f"  make image NAME={own}   a replacement from Debian packages\n"
    return (
        f"{known if stand_ins.compose_stand_in(own) else ''}"
        f'  make image NAME={own} PACKAGES="..." COMMAND="..."   from Debian packages (apt-cache search)\n'
        f"  make image NAME={own} TAR=image.tar   from an archive of `docker save`, or an OCI archive\n"
        f"  make image NAME={own} FROM=REGISTRY/IMAGE:TAG   from another registry that this machine reaches\n"
        "  docs/dev-cluster.md has examples"
    )


@functools.cache
def reaches_registry(host: str) -> bool:
    """Return whether a registry answers within 3 seconds."""
    address = "registry-1.docker.io" if host == image_reference.DOCKER_HUB else host
    scheme = "http" if registry.uses_plain_http(f"{host}/image") else "https"
    try:
        with urllib.request.urlopen(f"{scheme}://{address}/v2/", timeout=3):  # noqa: S310 - the scheme is constant
            return True
    except urllib.error.HTTPError:
        return True  # most registries require a login here
    except OSError:
        return False


def add_stand_in(name: str, address: str, print_line: layers.Print) -> bool:
    """Build the replacement of a public image and push it. False: there is none. Raises CannotMakeError."""
    image = stand_ins.compose_stand_in(name)
    if image is not None and not oci.is_in_registry(image, address):
        _push_image(image, address, print_line)
    return image is not None


def add_packages(name: str, packages: str, command: str, address: str, print_line: layers.Print) -> None:
    """Build an image of Debian packages and push it. Raises CannotMakeError."""
    image = recipes.compose_image(name, tuple(packages.split()), tuple(shlex.split(command)))
    _push_image(image, address, print_line)


def _push_image(image: recipes.Image, address: str, print_line: layers.Print) -> None:
    oci.push_image(image, [layers.ensure_layer(layer, print_line) for layer in image.layer.list_stack()], address)


def add_archive(name: str, archive: pathlib.Path, address: str) -> None:
    """Push the image of an archive. Raises CannotMakeError."""
    try:
        with tarfile.open(archive) as tar:
            members = set(tar.getnames())
    except (OSError, tarfile.TarError) as error:
        raise layers.CannotMakeError(f"{archive}: cannot be read as a tar archive: {error}") from error
    kinds = {"manifest.json": "docker-archive", "oci-layout": "oci-archive"}
    kind = next((kind for member, kind in kinds.items() if member in members), None)
    if kind is None:
        raise layers.CannotMakeError(f"{archive}: not an image; write it with `docker save IMAGE -o {archive.name}`")
    oci.copy_image(f"{kind}:{archive.resolve()}", name, address)


def add_from_registry(name: str, source: str, address: str) -> None:
    """Copy an image from another registry. Raises CannotMakeError."""
    options = ["--src-tls-verify=false"] if registry.uses_plain_http(source) else []
    oci.copy_image(f"docker://{source}", name, address, *options)


def parse_name(text: str) -> str:
    """Return the name `repository:tag`, without the registry of the cluster. Raises CannotMakeError."""
    name = text.removeprefix(f"{layout.REGISTRY}/")
    if re.fullmatch(r"[a-z0-9]+((\.|_{1,2}|-+|/)[a-z0-9]+)*(:\w[\w.-]{0,127})?", name) is None:
        raise layers.CannotMakeError(f"NAME={text}: not a valid name; write it as in app.yaml: NAME=redis:7")
    return name if ":" in name else f"{name}:latest"


def format_next_steps(name: str) -> str:
    """Return the two ways to use an added image."""
    reference = f"{layout.REGISTRY}/{name}"
    command = f"pulumi config set --stack dev --path 'seaway:imageOverrides[\"{name}\"]' {reference}"
    return (
        f"{reference} is in the registry. In app.yaml, write `image: {reference}`.\n"
        f"Or keep the name {name} in app.yaml and Dockerfiles, and replace it in dev only:\n  {command}"
    )


def find_notes(stack: environments.Environment, address: str) -> list[str]:
    """List the images of the application that the dev stack replaces, and the images that the cluster cannot run.

    Raises:
        diagnosis.InvalidInput: a Dockerfile cannot be read.
        layers.CannotMakeError: the registry of the cluster does not answer.
    """
    root = roots.find_root(stack.folder, stack.settings.root)
    uses = outdated.find_image_uses(stack.app, (stack.folder / stack.settings.app).parent, root, {})
    content = {image.name: image.content for image in list_images(address, {})}
    notes: list[str] = []
    for use in uses:
        override = image_reference.find_override(use.reference, stack.settings.image_overrides)
        name = image_reference.remove_digest(override or use.reference)
        host, used_in = image_reference.get_registry(name), ", ".join(use.used_in)
        if name in content:
            notes += [f"{used_in}: this cluster runs {use.reference} as {content[name]}"] if override else []
        elif host == layout.REGISTRY:
            reason = f"{name} is not in this cluster's registry"
            notes.append(f"warning: {used_in}: {reason}; add it:\n{format_ways(name)}")
        elif not reaches_registry(host):
            notes.append(
                f"warning: {used_in}: this machine does not reach {host} for {name}; add it:\n{format_ways(name)}"
            )
    return notes

"""Images: which program runs. Images that Seaway builds are deployed by digest and pass."""

from seaway.checks import check, check_context
from seaway.images import context
from seaway.model import image_reference
from seaway.project import images_lock


@check.for_containers("IMG-01", "An image has a version", check.STRICT_FOR_RELEASES)
def image_tag(container: check_context.Container) -> check_context.Findings:
    """`latest`, or no tag, can be another program tomorrow, and the running version is unknown."""
    image = container.manifest["image"]
    if not isinstance(image, str) or "@" in image:  # an image that is being built has no text yet
        return
    name, _, tag = image.rpartition("/")[2].partition(":")
    if tag in ("", "latest"):
        is_declared = container.pod.workload.image in (None, image)
        path = container.get_model_path("image") if is_declared else "seaway:imageOverrides"
        hint = f"set a version in {path}, for example {name}:1.2.3"
        yield container.make_finding("image", f"{image} can be another program tomorrow", hint)


@check.for_containers(
    "IMG-02",
    "An image is pinned by its digest",
    check.warn_everywhere("public images are usually named by tag, and most version tags never move"),
)
def image_digest(container: check_context.Container) -> check_context.Findings:
    """A tag can be moved: two nodes then run different programs under one name, and a rollback restores neither. In a
    registry at localhost only this machine moves it, and its digest is of no use to others."""
    image = container.manifest["image"]
    if not isinstance(image, str) or "@" in image or image.rpartition(":")[2].startswith(context.TAG_PREFIX):
        return
    if image_reference.get_registry(image).partition(":")[0].rpartition(".")[2] == "localhost":
        return
    hint = f"pin it in {images_lock.FILE_NAME}: {images_lock.RENEW_COMMAND}"
    yield container.make_finding("image", f"{image} is a tag, and a tag can be moved", hint)


@check.for_application(
    "IMG-05",
    "A promoted release is signed",
    check.warn_everywhere("git and the stack's state vouch for a release; only a signature vouches for its builder"),
)
def signed_release(context: check_context.CheckContext) -> check_context.Findings:
    """A digest says which image runs, and not who built it. With `seaway:trust`, a stack refuses releases and images
    that no trusted key has signed."""
    environment = context.environment
    if environment.release is None or not environment.release.images or environment.settings.promotion is None:
        return
    if environment.settings.trust is None:
        hint = "set seaway:trust to the public key, and sign each release where it is built: seaway release sign"
        for namespace in context.list_objects("Namespace"):
            message = "its images are deployed by digest, and nothing verifies who built them"
            yield check_context.make_finding(namespace, "metadata.name", message, hint)

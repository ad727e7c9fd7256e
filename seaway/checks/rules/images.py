"""Which program runs. What is built here is deployed by its digest, so it has nothing to fear."""

from seaway.checks import check, check_context
from seaway.images import context
from seaway.project import images_lock


@check.for_containers("IMG-01", "An image has a version", check.STRICT_FOR_RELEASES)
def image_tag(container: check_context.Container) -> check_context.Findings:
    """`latest`, or no tag at all, is another program tomorrow, and nobody can say which one runs."""
    image = container.manifest["image"]
    if not isinstance(image, str) or "@" in image:  # what is known after the build only is a digest
        return
    name, _, tag = image.rpartition("/")[2].partition(":")
    if tag in ("", "latest"):
        written = container.pod.workload.image in (None, image)
        where = container.get_model_path("image") if written else "seaway:imageOverrides"
        wrong = f"{image} may be another program tomorrow"
        yield container.make_finding("image", wrong, f"name a version in {where}, as {name}:1.2.3")


@check.for_containers(
    "IMG-02",
    "An image is pinned by its digest",
    check.warn_everywhere("public images are named by a tag everywhere, and most tags of versions stay what they are"),
)
def image_digest(container: check_context.Container) -> check_context.Findings:
    """A tag can be moved: two nodes then run two programs under one name, and a rollback brings neither back."""
    image = container.manifest["image"]
    if not isinstance(image, str) or "@" in image or image.rpartition(":")[2].startswith(context.TAG_PREFIX):
        return
    wrong = f"{image} is a tag, and a tag can be moved"
    yield container.make_finding("image", wrong, f"pin it in {images_lock.FILE_NAME}: {images_lock.RENEW_COMMAND}")

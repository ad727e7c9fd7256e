"""Which program runs. What is built here is deployed by its digest, so it has nothing to fear."""

from seaway.checks import check, check_context
from seaway.images import context
from seaway.project import images_lock


@check.containers("IMG-01", "An image has a version", check.RELEASED)
def version(each: check_context.Container) -> check_context.Found:
    """`latest`, or no tag at all, is another program tomorrow, and nobody can say which one runs."""
    image = each.manifest["image"]
    if not isinstance(image, str) or "@" in image:  # what is known after the build only is a digest
        return
    name, _, tag = image.rpartition("/")[2].partition(":")
    if tag in ("", "latest"):
        written = each.pod.workload.image in (None, image)
        where = each.field("image") if written else "seaway:substitutes"
        wrong = f"{image} may be another program tomorrow"
        yield each.says("image", wrong, f"name a version in {where}, as {name}:1.2.3")


@check.containers(
    "IMG-02",
    "An image is pinned by its digest",
    check.advice("public images are named by a tag everywhere, and most tags of versions stay what they are"),
)
def digest(each: check_context.Container) -> check_context.Found:
    """A tag can be moved: two nodes then run two programs under one name, and a rollback brings neither back."""
    image = each.manifest["image"]
    if not isinstance(image, str) or "@" in image or image.rpartition(":")[2].startswith(context.TAG_PREFIX):
        return
    wrong = f"{image} is a tag, and a tag can be moved"
    yield each.says("image", wrong, f"pin it in {images_lock.FILE}: {images_lock.RENEW}")

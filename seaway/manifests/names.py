"""Names, labels and selectors: all of them, in one place.

Names of objects are fixed, so that ``kubectl`` finds them and links stay valid; only what must not change
under a running pod (configuration, secrets, jobs) carries a hash of its content.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from seaway.syntax import hashing

LABEL_LIMIT = 63
"""Characters of a DNS label and of a label's value. https://kubernetes.io/docs/concepts/overview/working-with-objects/names/"""

STATEFUL_SET_NAME_LIMIT = 52
"""Its pods carry the label ``controller-revision-hash: <name>-<10 characters>``, which ends at 63."""

MANAGER = "seaway"
PART_OF_LABEL = "app.kubernetes.io/part-of"
STACK_LABEL = "seaway/stack"

SCALE_ANNOTATION = "seaway/scale"
"""Annotation of a Deployment that an autoscaler rules: its bounds, ``2-10``."""

URLS_ANNOTATION = "seaway/urls"
"""Annotation of what runs a service that an Ingress leads to: where a person finds it, with blanks between."""

DEFAULT_GROUP_ID = 10001
"""That the volumes of a pod belong to whose user only the image knows."""

QUOTA_NAME = "seaway"
"""Name of the namespace's quota and limit range."""

PATCH_FORCE = {"pulumi.com/patchForce": "true"}
"""An `up` makes what is declared, also of what somebody scaled or edited by hand: without this the API server would
refuse the whole change as a conflict, and a rollback with it. `seaway status --drift` tells what was edited."""


hash_content = hashing.hash_content


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where the objects live: one application in one environment."""

    application: str
    stack: str
    namespace: str


def shorten_name(text: str, limit: int = LABEL_LIMIT) -> str:
    """``text`` itself, or its beginning and a hash of all of it: two long names never become one."""
    if len(text) <= limit:
        return text
    return f"{text[: limit - 9].rstrip('-._')}-{hash_content(text, 8)}"


def slugify_path(path: str) -> str:
    """A path as a DNS label: ``/var/run/postgresql`` is ``var-run-postgresql``.

    Whatever does not survive the way back gets a hash, so that ``/a-b`` and ``/a/b`` stay two.
    """
    name = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")
    return name if f"/{name.replace('-', '/')}" == path else f"{name}-{hash_content(path, 8)}".lstrip("-")


def build_labels(scope: Scope, name: str | None) -> dict[str, str]:
    """Labels of an object. ``part-of`` and the stack tell whose it is, to a reader and to the guard.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
    """
    own = {} if name is None else {"app.kubernetes.io/name": name}
    return own | {
        "app.kubernetes.io/instance": shorten_name(scope.namespace),
        PART_OF_LABEL: shorten_name(scope.application),
        "app.kubernetes.io/managed-by": MANAGER,
        STACK_LABEL: shorten_name(scope.stack),
    }


def build_selector(scope: Scope, name: str) -> dict[str, str]:
    """What picks a workload's pods. It can never change: so it says only what never does.

    ``part-of`` keeps away pods that somebody else puts into the namespace under the same name.
    """
    return {"app.kubernetes.io/name": name, PART_OF_LABEL: shorten_name(scope.application)}


def build_metadata(
    scope: Scope, name: str, *, owner: str | None = None, annotations: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """An object's metadata. ``of`` is the service, store or job that it belongs to; none: it is called the same."""
    meta: dict[str, Any] = {"name": name, "namespace": scope.namespace, "labels": build_labels(scope, owner or name)}
    return meta | {"annotations": {**PATCH_FORCE, **(annotations or {})}}


def build_shared_metadata(scope: Scope, name: str) -> dict[str, Any]:
    """The metadata of what is there for the whole namespace."""
    meta: dict[str, Any] = {"name": name, "namespace": scope.namespace, "labels": build_labels(scope, None)}
    return meta | {"annotations": dict(PATCH_FORCE)}

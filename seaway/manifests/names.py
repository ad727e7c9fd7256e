"""Names, labels, selectors and metadata of all objects.

Names are fixed, so that ``kubectl`` finds the objects and links stay valid. Only objects that must not change under a
running pod (configuration, secrets, jobs) have a hash of their content in the name.
"""

import re
from collections.abc import Mapping
from typing import Any

from seaway.kubernetes.api import kinds
from seaway.project import environments
from seaway.syntax import hashing

LABEL_LIMIT = 63
"""Characters of a DNS label and of a label value. https://kubernetes.io/docs/concepts/overview/working-with-objects/names/"""

STATEFUL_SET_NAME_LIMIT = 52
"""Its pods have the label ``controller-revision-hash: <name>-<10 characters>``, which is limited to 63."""

MANAGER = "seaway"
PART_OF_LABEL = "app.kubernetes.io/part-of"
STACK_LABEL = "seaway/stack"

ONE_OFF_LABEL = "seaway/one-off"
"""Label of the objects that `seaway run` creates and deletes: the name of its Job."""

SCALE_ANNOTATION = "seaway/scale"
"""Annotation of a Deployment with an autoscaler: its bounds, ``2-10``."""

URLS_ANNOTATION = "seaway/urls"
"""Annotation of a workload behind an Ingress: its URLs, separated by spaces."""

EXTERNAL_ANNOTATION = "seaway/external"
"""Annotation of a workload that calls external stores: ``db=db.example.com:5432``, separated by spaces."""

DISTURB_ANNOTATION = "seaway/test-disturb"
"""Annotation of a namespace in which `seaway test` must not disturb anything: ``false``."""

DEFAULT_GROUP_ID = 10001
"""The group of a pod's volumes if only the image defines the user."""

QUOTA_NAME = "seaway"
"""Name of the namespace's ResourceQuota and LimitRange."""

PATCH_FORCE = {"pulumi.com/patchForce": "true"}
"""An `up` overwrites fields that were scaled or edited by hand. Without this the API server would reject the whole
change as a conflict, and a rollback too. `seaway status --drift` shows the edits."""


def shorten_name(name: str, limit: int = LABEL_LIMIT) -> str:
    """The name, or its beginning with a hash of all of it: two long names stay different."""
    if len(name) <= limit:
        return name
    return f"{name[: limit - 9].rstrip('-._')}-{hashing.hash_content(name, 8)}"


def slugify_path(path: str) -> str:
    """A path as a DNS label: ``/var/run/postgresql`` is ``var-run-postgresql``.

    If the path cannot be derived from the label, it gets a hash: ``/a-b`` and ``/a/b`` stay different.
    """
    name = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")
    return name if f"/{name.replace('-', '/')}" == path else f"{name}-{hashing.hash_content(path, 8)}".lstrip("-")


def build_labels(environment: environments.Environment, name: str | None) -> dict[str, str]:
    """Labels of an object. ``part-of`` and the stack identify its owner, for people and for the guard of the plugin.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
    """
    labels = {} if name is None else {"app.kubernetes.io/name": name}
    return labels | {
        "app.kubernetes.io/instance": shorten_name(environment.namespace),
        PART_OF_LABEL: shorten_name(environment.app.name),
        "app.kubernetes.io/managed-by": MANAGER,
        STACK_LABEL: shorten_name(environment.settings.stack),
    }


def build_selector(environment: environments.Environment, name: str) -> dict[str, dict[str, str]]:
    """The label selector of a workload's pods. It can never change, so it has only labels that never change.

    ``part-of`` excludes pods that somebody else creates in the namespace under the same name.
    """
    return {"matchLabels": {"app.kubernetes.io/name": name, PART_OF_LABEL: shorten_name(environment.app.name)}}


def build_object(
    environment: environments.Environment,
    kind: str,
    name: str,
    *,
    owner: str | None = None,
    annotations: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The beginning of a manifest: API version, kind and metadata.

    ``owner``: the service, store or job that it belongs to; None: the one with the same name.
    """
    manifest = build_shared_object(environment, kind, name)
    manifest["metadata"]["labels"] = build_labels(environment, owner or name)
    manifest["metadata"]["annotations"] |= annotations or {}
    return manifest


def build_shared_object(environment: environments.Environment, kind: str, name: str) -> dict[str, Any]:
    """The same for an object that belongs to the whole application."""
    labels = build_labels(environment, None)
    metadata = {"name": name, "namespace": environment.namespace, "labels": labels, "annotations": dict(PATCH_FORCE)}
    return {"apiVersion": kinds.KINDS[kind].api_version, "kind": kind, "metadata": metadata}

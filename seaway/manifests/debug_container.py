"""The ephemeral container in which `seaway exec` starts a shell beside a container whose image has none.

https://kubernetes.io/docs/concepts/workloads/pods/ephemeral-containers/
"""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seaway.kubernetes.api import references, unstructured
from seaway.model import secrets

DEFAULT_USER = 65532
"""If neither the pod nor its status name the user: that of images without a shell."""

_COPIED_FIELDS = ("env", "envFrom")


def build_patch(
    pod: Mapping[str, Any],
    container: str,
    *,
    name: str,
    image: str,
    command: Sequence[str],
    has_environment: bool = True,
) -> dict[str, Any]:
    """The patch of a pod's ephemeral containers.

    It has the environment, the files and the user of ``container``, so that it meets the same rules of the namespace
    and may read the files of its processes. It cannot have resources of its own: it uses those of the pod.
    """
    target = unstructured.find_container(pod, container)
    reported = unstructured.get_mapping(unstructured.find_container_status(pod, container), "user", "linux")
    # The image of an ephemeral container may have another user, or root.
    users = (unstructured.get_user(pod, target), reported.get("uid"), DEFAULT_USER)
    user = next(user for user in users if user is not None)
    ephemeral: dict[str, Any] = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(map(references.quote, command)),
        "stdin": True,
        "stdinOnce": True,
        "targetContainerName": container,
        "securityContext": {**unstructured.get_mapping(target, "securityContext"), "runAsUser": user},
    }
    if has_environment:
        ephemeral |= {key: target[key] for key in _COPIED_FIELDS if key in target}
        ephemeral["volumeMounts"] = list(_build_mounts(unstructured.get_list(target, "volumeMounts")))
    return {"spec": {"ephemeralContainers": [ephemeral]}}


def _build_mounts(mounts: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The API refuses a ``subPath`` here: instead of each secret, the folder of all of them is mounted.

    Other single files would hide the rest of their folder, and are below /proc/1/root.
    """
    paths: set[str] = set()
    for mount in mounts:
        path = mount["mountPath"]
        if "subPath" in mount:
            path = posixpath.dirname(path)
        is_mountable = "subPath" not in mount or (mount["name"], path) == (secrets.VOLUME_NAME, secrets.MOUNT_FOLDER)
        if is_mountable and path not in paths:
            paths.add(path)
            yield {"name": mount["name"], "mountPath": path, "readOnly": mount.get("readOnly", False)}

"""Starts an ephemeral container beside a container that runs.

https://kubernetes.io/docs/concepts/workloads/pods/ephemeral-containers/
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from seaway import errors
from seaway.kubernetes.api import kinds, unstructured
from seaway.kubernetes.cluster import streams

START_SECONDS = 120
"""Maximum seconds until an ephemeral container runs: its image is pulled."""


async def start(place: streams.Place, patch: Mapping[str, Any], *, field_manager: str) -> None:
    """Start the container of a place with the patch of the pod's ephemeral containers; wait until it runs."""
    cluster, name = place.cluster, place.container
    path = kinds.build_path("Pod", place.namespace, place.pod)
    await cluster.strategic_patch(f"{path}/ephemeralcontainers", patch, field_manager=field_manager)
    start_time = time.monotonic()
    while True:
        state = unstructured.get_container_state(await cluster.get(path), name)
        if "running" in state:
            return
        waiting_reason = str(unstructured.get_mapping(state, "waiting").get("reason"))
        failed = "terminated" in state or waiting_reason.startswith(("ErrImage", "InvalidImage", "CreateContainer"))
        if failed or time.monotonic() - start_time > START_SECONDS:
            reason = unstructured.get_state_message(state) or "it has not started"
            raise errors.Unavailable(
                f"ephemeral container {name} does not run: {reason}; set another image that the nodes can pull:"
                " pulumi config set seaway:debugImage <image>"
            )
        await asyncio.sleep(0.3)

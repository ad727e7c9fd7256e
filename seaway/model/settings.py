"""What differs between environments: the keys of ``Pulumi.<stack>.yaml``, typed.

``Settings`` is decoded from the stack's configuration by the same strict decoder as an application.
In the file a key ``build_args`` is written ``seaway:buildArgs``.
"""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from seaway.model.describe import Doc, Why

Engine = Literal["docker-build", "docker"]
Exposure = Literal["clusterIP", "nodePort", "loadBalancer"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One environment."""

    stack: Annotated[str, Doc("name of the stack; comes from Pulumi, not from the file")]
    context: Annotated[str, Doc("context of the kubeconfig to deploy to; any other is refused")]
    app: Annotated[str, Doc("the application's file, relative to the project")] = "app/app.yaml"
    registry: Annotated[str | None, Doc("registry that images are pushed to: `host[:port][/path]`")] = None
    engine: Annotated[
        Engine,
        Doc("what builds images"),
        Why("docker-build has caches, build secrets and several platforms; docker needs only a Docker daemon"),
    ] = "docker-build"
    builder: Annotated[str | None, Doc("name of the buildx builder; none: docker-build makes one of its own")] = None
    platform: Annotated[str, Doc("platform of the cluster's nodes"), Why("the laptop's may be another one")] = (
        "linux/amd64"
    )
    substitutes: Annotated[
        Mapping[str, str],
        Doc("image -> the one that this environment takes instead, for `image:` and for the bases of builds"),
    ] = dataclasses.field(default_factory=dict[str, str])
    exposure: Annotated[
        Exposure,
        Doc("how services with `expose` are reached from outside"),
        Why("closed until the environment says how to open it"),
    ] = "clusterIP"
    rollout_timeout: Annotated[
        int,
        Doc(
            "seconds that a service or store may take to become healthy; one with a slow `startup` has that and 60 more"
        ),
        Why(
            "what cannot heal fails at once, whatever this says; what can has the time in which a cluster adds a node"
            " and pulls an image"
        ),
    ] = 300
    overlay: Annotated[
        Mapping[str, Any],
        Doc("what this environment says differently, in the words of the application's file"),
    ] = dataclasses.field(default_factory=dict[str, Any])

    def namespace(self, application: str) -> str:
        """The namespace that belongs to this application in this environment."""
        return f"{application}-{self.stack}"

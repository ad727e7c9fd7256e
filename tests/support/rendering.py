"""Small workloads for tests, and the objects that they become."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from seaway.manifests import inputs, objects
from seaway.model import application, settings
from seaway.model.defaults import resolve
from seaway.project import environments

STACK = settings.Settings(stack="test", context="test")
IMAGE = inputs.Image(reference="registry.example.com/shop/web@sha256:1", content="ctx-1")
SECRETS = {
    "KEY": inputs.SecretValue(fingerprint="f1", value="a2V5"),
    "TOKEN": inputs.SecretValue(fingerprint="f2", value="dG9r"),
}
DEPLOYMENT, STATEFUL_SET = "Deployment/web", "StatefulSet/db"


def service(name: str = "web", **fields: Any) -> application.Service:
    """A service that is built, unless it has an image."""
    build = None if fields.get("image") else application.Build(context="./web")
    return application.Service(name, **({"build": build, "port": 8000} | fields))


def store(name: str = "db", **fields: Any) -> application.Store:
    volume = application.Volume(path="/data", size="1Gi")
    return application.Store(name, **({"image": "postgres:17", "port": 5432, "volume": volume} | fields))


def job(name: str = "migrate", **fields: Any) -> application.Job:
    """A job with a public image, unless it uses a service."""
    return application.Job(name, **({"image": None if fields.get("uses") else "migrate:1"} | fields))


def extra(name: str = "extra", **fields: Any) -> application.ExtraContainer:
    return application.ExtraContainer(name, **fields)


def create_app(*workloads: application.AnyWorkload) -> application.Application:
    """The application `shop` with these services, stores and jobs."""
    return resolve.resolve_users(
        application.Application(
            "shop",
            services=tuple(one for one in workloads if isinstance(one, application.Service)),
            stores=tuple(one for one in workloads if isinstance(one, application.Store)),
            jobs=tuple(one for one in workloads if isinstance(one, application.Job)),
        )
    )


class Rendered(dict[str, objects.ReleaseObject]):
    """Objects by key, in their order."""

    def get_spec(self, key: str = DEPLOYMENT) -> dict[str, Any]:
        return self[key].manifest["spec"]

    def get_pod(self, key: str = DEPLOYMENT) -> dict[str, Any]:
        return self.get_spec(key)["template"]["spec"]

    def get_container(self, key: str = DEPLOYMENT) -> dict[str, Any]:
        (container,) = self.get_pod(key)["containers"]
        return container

    def get_init_containers(self, key: str = DEPLOYMENT) -> dict[str, dict[str, Any]]:
        return {container["name"]: container for container in self.get_pod(key)["initContainers"]}

    def find(self, kind: str) -> list[objects.ReleaseObject]:
        return [one for one in self.values() if one.kind == kind]

    def get_only(self, kind: str) -> objects.ReleaseObject:
        (release_object,) = self.find(kind)
        return release_object


def render(
    *workloads: application.AnyWorkload,
    image: inputs.Image = IMAGE,
    secrets: Mapping[str, inputs.SecretValue] = SECRETS,
    **stack: Any,
) -> Rendered:
    """The objects of an application; ``stack``: settings of its environment."""
    environment = environments.Environment.create(create_app(*workloads), dataclasses.replace(STACK, **stack))
    images = {workload.name: image for workload in workloads if workload.build}
    release_objects = objects.objects(environment, images, secrets)
    rendered = Rendered((one.key, one) for one in release_objects)
    assert len(rendered) == len(release_objects), "two objects with one key"
    return rendered

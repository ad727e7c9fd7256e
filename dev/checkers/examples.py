"""Renders every example as in production, with released images, TLS and a quota."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from dev import environment
from seaway.files import roots
from seaway.images import build_inputs
from seaway.manifests import inputs, preview, yaml_writer
from seaway.model import application, settings
from seaway.project import environments, load

REGISTRY = "registry.example.com/team"


def list_examples() -> Mapping[str, Path]:
    """Return the sample and the examples by name."""
    examples = sorted((environment.ROOT / "examples").glob("*/app.yaml"))
    return {"app": environment.ROOT / "app" / "app.yaml"} | {file.parent.name: file for file in examples}


def render_example(file: Path) -> str:
    """Return the objects of an application as YAML."""
    app = load.load_application(file, root=roots.Root(environment.ROOT))
    environment_ = environments.Environment.create(app, production_settings(app))
    return yaml_writer.dump_objects(preview.render_objects(environment_, release_images(app)))


def production_settings(app: application.Application) -> settings.Settings:
    """Return the settings of an environment that deploys a release to a shared cluster."""
    hosts = {service.name: (f"{service.name}.example.com",) for service in app.services if service.publish}
    return settings.Settings(
        stack="prod",
        context="prod",
        build=False,
        registry=REGISTRY,
        quota=True,
        publish="ingress" if hosts else "none",
        ingress=settings.Ingress(hosts=hosts, issuer="letsencrypt" if hosts else None, class_name="nginx"),
    )


def release_images(app: application.Application) -> dict[str, inputs.Image]:
    """Return a reference with a digest for each built image."""
    return {
        name: inputs.Image(
            reference=f"{REGISTRY}/{app.name}/{name}@sha256:{hashlib.sha256(name.encode()).hexdigest()}", content=name
        )
        for name in dict(build_inputs.list_builds(app))
    }

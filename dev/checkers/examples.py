"""Every example as production would have it: released images, TLS, a quota; as ``seaway render`` prints it."""

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
    """The applications that ship, by name: the sample and the examples."""
    examples = sorted((environment.ROOT / "examples").glob("*/app.yaml"))
    return {"app": environment.ROOT / "app" / "app.yaml"} | {file.parent.name: file for file in examples}


def render_example(file: Path) -> str:
    """The objects of an application, ready to be read by a checker."""
    app = load.load_application(file, root=roots.Root(environment.ROOT))
    made = preview.render_objects(environments.Environment.create(app, production_settings(app)), release_images(app))
    return yaml_writer.dump_objects(made)


def production_settings(app: application.Application) -> settings.Settings:
    """An environment that deploys a release to a shared cluster."""
    hosts = {one.name: (f"{one.name}.example.com",) for one in app.services if one.publish}
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
    """A digest for each image that is built."""
    return {
        name: inputs.Image(
            reference=f"{REGISTRY}/{app.name}/{name}@sha256:{hashlib.sha256(name.encode()).hexdigest()}", content=name
        )
        for name in dict(build_inputs.list_builds(app))
    }

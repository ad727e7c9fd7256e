"""Every example as production would have it: released images, TLS, a quota; as ``seaway render`` prints it."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from dev import environment
from seaway.images import source
from seaway.manifests import given, offline, yamlout
from seaway.model import application, load, roots, settings

REGISTRY = "registry.example.com/team"


def list_examples() -> Mapping[str, Path]:
    """The applications that ship, by name: the sample and the examples."""
    examples = sorted((environment.ROOT / "examples").glob("*/app.yaml"))
    return {"app": environment.ROOT / "app" / "app.yaml"} | {file.parent.name: file for file in examples}


def render_example(file: Path) -> str:
    """The objects of an application, ready to be read by a checker."""
    app = load.load(file, root=roots.Root(environment.ROOT))
    made = offline.rendered(app, production_settings(app), release_images(app))
    return yamlout.dump(made)


def production_settings(app: application.Application) -> settings.Settings:
    """An environment that deploys a release to a shared cluster."""
    hosts = {one.name: (f"{one.name}.example.com",) for one in app.services if one.expose}
    return settings.Settings(
        stack="prod",
        context="prod",
        build=False,
        registry=REGISTRY,
        quota=True,
        exposure="ingress" if hosts else "clusterIP",
        ingress=settings.Ingress(hosts=hosts, issuer="letsencrypt" if hosts else None, controller="nginx"),
    )


def release_images(app: application.Application) -> dict[str, given.Image]:
    """A digest for each image that is built."""
    return {
        name: given.Image(
            reference=f"{REGISTRY}/{app.name}/{name}@sha256:{hashlib.sha256(name.encode()).hexdigest()}", content=name
        )
        for name in dict(source.builds(app))
    }

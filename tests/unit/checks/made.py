"""An application that passes every check, and ways to spoil it."""

import copy
import dataclasses
import datetime
import fnmatch
import functools
from collections.abc import Callable
from typing import Any

from seaway.checks import check_context, engine
from seaway.manifests import objects, preview
from seaway.model import application, settings
from seaway.model.defaults import resolve

TODAY = datetime.date(2026, 6, 30)
DIGEST = "sha256:" + "d" * 64
STACK = settings.Settings(stack="test", context="test", registry="registry.example.com")
PINNED = dataclasses.replace(STACK, build=False)
HOSTS = settings.Ingress(hosts={"web": ("shop.example.com",)}, issuer="letsencrypt")
OPEN = dataclasses.replace(STACK, publish="ingress", ingress=HOSTS, quota=True)
"""With everything that an environment may add."""

Edit = Callable[[dict[str, Any]], None]


def app(
    web: dict[str, Any] | None = None,
    db: dict[str, Any] | None = None,
    job: dict[str, Any] | None = None,
    *,
    more: tuple[application.Service, ...] = (),
) -> application.Application:
    """A service with its companions, a store, a job and one by the clock; with other fields for each."""
    service: dict[str, Any] = {
        "build": application.Build(context="./web"),
        "port": 8000,
        "publish": True,
        "calls": ("db",),
        "health": application.Health(readiness="/readyz", liveness="/healthz"),
        "env": {"MODE": "fast", "URL": "postgres://shop@db/shop", "TOKEN_FILE": "/run/token"},
        "secrets": (application.Secret("PASSWORD"), application.Secret("KEY", existing="vault", key="web")),
        "kubernetes_api": {"configmaps": ("get", "list")},
        "scale": application.Scale(min=2, max=6),
        "init": (application.ExtraContainer("warm", command=("./warm",)),),
        "sidecars": (application.ExtraContainer("proxy", image=f"proxy:1@{DIGEST}", port=9000),),
        "files": (application.File("/etc/web.ini", content="[web]\npassword = ${PASSWORD}\nworkers = 2\n"),),
    }
    store: dict[str, Any] = {
        "image": f"cellar:17@{DIGEST}",
        "port": 5432,
        "volume": application.Volume(path="/data", size="1Gi"),
    }
    made = application.Application(
        "shop",
        services=(application.Service("web", **(service | (web or {}))), *more),
        stores=(application.Store("db", **(store | (db or {}))),),
        jobs=(
            application.Job("migrate", uses="web", **(job or {})),
            application.Job("report", uses="web", schedule="0 3 * * *"),
        ),
    )
    return resolve.resolve_application(made)


def render_objects(of: application.Application, stack: settings.Settings = STACK) -> list[objects.ReleaseObject]:
    """What it becomes, for a test alone."""
    return copy.deepcopy(preview.render_objects(of, stack))


@functools.cache
def _open() -> list[objects.ReleaseObject]:
    return preview.render_objects(app(), OPEN)


def edit_object(key: str, edit: Edit) -> list[objects.ReleaseObject]:
    """The objects of the application where everything is added, one of them edited; its hash may be a star."""
    found = copy.deepcopy(_open())
    edit(next(one.manifest for one in found if fnmatch.fnmatch(one.key, key)))
    return found


def template(edit: Edit) -> Edit:
    """An edit of the pods' spec."""
    return lambda manifest: edit(manifest["spec"].get("jobTemplate", manifest)["spec"]["template"]["spec"])


def container(edit: Edit) -> Edit:
    """An edit of the pods' container."""
    return template(lambda spec: edit(spec["containers"][0]))


def run_checks(
    of: application.Application,
    stack: settings.Settings = STACK,
    release_objects: list[objects.ReleaseObject] | None = None,
) -> list[engine.Result]:
    """All checks."""
    return engine.run_checks(
        of, stack, render_objects(of, stack) if release_objects is None else release_objects, TODAY
    )


def list_findings(results: list[engine.Result]) -> list[tuple[str, str]]:
    """Id and text of each finding."""
    return [(one.check.id, format_finding(one.finding)) for one in results if one.finding]


def format_finding(finding: check_context.Finding) -> str:
    """All of a finding in one line."""
    return f"{finding.owner}: {finding}"

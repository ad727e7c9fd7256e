"""An application that passes every check, and edits that violate one."""

import copy
import datetime
import fnmatch
import functools
import itertools
import re
from collections.abc import Callable, Iterable
from typing import Any

from seaway.checks import check_context, engine
from seaway.kubernetes.api import kinds
from seaway.manifests import objects, preview
from seaway.model import application, settings
from seaway.model.defaults import resolve
from seaway.project import environments

TODAY = datetime.date(2026, 6, 30)
DIGEST = "sha256:" + "d" * 64
STACK = settings.Settings(stack="test", context="test", registry="registry.example.com")
PINNED = settings.Settings(stack="test", context="test", registry="registry.example.com", build=False)
OPEN = settings.Settings(
    stack="test",
    context="test",
    registry="registry.example.com",
    publish="ingress",
    ingress=settings.Ingress(hosts={"web": ("shop.example.com",)}, issuer="letsencrypt"),
    quota=True,
)
"""With everything that an environment can add."""

REMOVED = object()
"""In place of a new value: the field is removed."""

Edit = Callable[[dict[str, Any]], None]


def build_app(web: dict[str, Any] | None = None, db: dict[str, Any] | None = None) -> application.Application:
    """A service with a sidecar and an init container, a store, a job and a scheduled job; with other fields for two."""
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
    app = application.Application(
        "shop",
        services=(application.Service("web", **(service | (web or {}))),),
        stores=(application.Store("db", **(store | (db or {}))),),
        jobs=(application.Job("migrate", uses="web"), application.Job("report", uses="web", schedule="0 3 * * *")),
    )
    return resolve.resolve_application(app)


def render_objects(
    app: application.Application, stack_settings: settings.Settings = STACK
) -> list[objects.ReleaseObject]:
    """Its objects, as a copy that a test may edit."""
    return copy.deepcopy(preview.render_objects(environments.Environment.create(app, stack_settings)))


@functools.cache
def _render_open_app() -> list[objects.ReleaseObject]:
    return preview.render_objects(environments.Environment.create(build_app(), OPEN))


def edit_object(key: str, edit: Edit | dict[str, Any]) -> list[objects.ReleaseObject]:
    """The objects of the application in OPEN, one of them edited.

    Args:
        key: ``Job/migrate-*``, with a star in place of a hash.
        edit: a function; or new values by path. A path has its keys separated by spaces; ``pod`` is the pod spec, and
            ``+`` appends to a list.
    """
    edited = copy.deepcopy(_render_open_app())
    manifest = next(one.manifest for one in edited if fnmatch.fnmatch(one.key, key))
    if not isinstance(edit, dict):
        edit(manifest)
        return edited
    for path, new in edit.items():
        _set_field(manifest, path.split(" "), copy.deepcopy(new) if new is not REMOVED else new)
    return edited


def _set_field(parent: Any, path: list[str], new: Any) -> None:
    if path[0] == "pod":
        parent = (kinds.find_pod_template(parent) or {})["spec"]
        path = path[1:]
    *ancestors, last = (int(key) if key.lstrip("-").isdecimal() else key for key in path)
    for key in ancestors:
        parent = parent[key]
    if last == "+":
        parent.append(new)
    elif new is REMOVED:
        parent.pop(last)
    else:
        parent[last] = new


def format_path(key: str, path: str) -> str:
    """A path of an edit as in a finding: ``pod containers 0 image`` is ``containers[web].image``."""
    manifest = next(one.manifest for one in _render_open_app() if fnmatch.fnmatch(one.key, key))
    template = kinds.find_pod_template(manifest) or {}
    keys = path.removeprefix("pod ").split(" ")
    formatted = keys[0]
    for parent, child in itertools.pairwise(keys):
        if parent in ("containers", "initContainers"):
            formatted += f"[{template['spec'][parent][int(child)]['name']}]"
        else:
            formatted += f"[{child}]" if parent in ("labels", "annotations") else f".{child}"
    return formatted


def run_checks(
    app: application.Application,
    stack_settings: settings.Settings = STACK,
    release_objects: list[objects.ReleaseObject] | None = None,
) -> list[engine.Result]:
    """All checks on an application, or on edited objects of it."""
    environment = environments.Environment.create(app, stack_settings)
    if release_objects is None:
        release_objects = preview.render_objects(environment)
    return engine.run_checks(environment, release_objects, TODAY)


def list_findings(results: Iterable[engine.Result], id_: str | None = None) -> list[check_context.Finding]:
    """The findings of all checks, or of one."""
    return [result.finding for result in results if result.finding and id_ in (None, result.check.id)]


def list_paths(findings: Iterable[check_context.Finding]) -> list[str]:
    """The paths, without what leads to the pod spec."""
    return [re.sub(r"^spec\.(jobTemplate\.spec\.)?template\.spec\.", "", finding.path) for finding in findings]


def format_finding(finding: check_context.Finding) -> str:
    """A finding with its owner, without hashes in names."""
    return f"{finding.owner}: {re.sub(r'-[0-9a-f]{10}(?= )', '-*', str(finding))}"

"""An application that passes every check, and ways to spoil it."""

import copy
import dataclasses
import datetime
from collections.abc import Callable
from typing import Any

from seaway.checks import engine, subject
from seaway.manifests import objects, offline
from seaway.model import application, load, settings

TODAY = datetime.date(2026, 6, 30)
DIGEST = "sha256:" + "d" * 64
STACK = settings.Settings(stack="test", context="test", registry="registry.example.com")
PINNED = dataclasses.replace(STACK, build=False)
POLICY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "closed", "namespace": "shop-test"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
}

Edit = Callable[[dict[str, Any]], None]


def app(
    web: dict[str, Any] | None = None, db: dict[str, Any] | None = None, job: dict[str, Any] | None = None
) -> application.Application:
    """A service, a store and a job; with other fields for each."""
    service: dict[str, Any] = {
        "build": application.Build(context="./web"),
        "port": 8000,
        "expose": True,
        "calls": ("db",),
        "health": application.Health(ready="/readyz", live="/healthz"),
        "env": {"MODE": "fast", "URL": "postgres://shop:$(PASSWORD)@db/shop", "TOKEN_FILE": "/run/token"},
        "secrets": (application.Secret("PASSWORD"),),
        "files": (application.File("/etc/web.ini", content="[web]\npassword = ${PASSWORD}\nworkers = 2\n"),),
    }
    store: dict[str, Any] = {
        "image": f"postgres:17@{DIGEST}",
        "port": 5432,
        "volume": application.Volume(path="/data", size="1Gi"),
    }
    made = application.Application(
        "shop",
        services=(application.Service("web", **(service | (web or {}))),),
        stores=(application.Store("db", **(store | (db or {}))),),
        jobs=(application.Job("migrate", uses="web", **(job or {})),),
    )
    return load.resolve(made)


def rendered(of: application.Application, stack: settings.Settings = STACK) -> list[objects.Object]:
    """What it becomes, in a namespace with a network policy."""
    policy = objects.Object(manifest=copy.deepcopy(POLICY), owner=None, wave=objects.Wave.foundation)
    return [*copy.deepcopy(offline.rendered(of, stack)), policy]


def spoiled(key: str, edit: Edit) -> list[objects.Object]:
    """The objects of the application, one of them edited."""
    found = rendered(app())
    edit(next(one.manifest for one in found if one.key == key))
    return found


def template(edit: Edit) -> Edit:
    """An edit of the pods' spec."""
    return lambda manifest: edit(manifest["spec"]["template"]["spec"])


def container(edit: Edit) -> Edit:
    """An edit of the pods' container."""
    return template(lambda spec: edit(spec["containers"][0]))


def run(
    of: application.Application, stack: settings.Settings = STACK, found: list[objects.Object] | None = None
) -> list[engine.Result]:
    """All checks."""
    return engine.run(of, stack, rendered(of, stack) if found is None else found, TODAY)


def findings(results: list[engine.Result]) -> list[tuple[str, str]]:
    """Id and text of each finding."""
    return [(one.check.id, said(one.finding)) for one in results if one.finding]


def said(finding: subject.Finding) -> str:
    """All of a finding in one line."""
    return f"{finding.owner}: {finding}"

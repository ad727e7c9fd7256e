"""The defaults of public images, each with its reason."""

from typing import Any

import pytest

from seaway.manifests import preview
from seaway.model import application, settings
from seaway.model.defaults import image_defaults, image_profiles, resolve
from seaway.project import environments


def store(image: str, path: str = "/data/here", **more: Any) -> application.Store:
    fields: dict[str, Any] = {"port": 4242, "volume": application.Volume(path=path, size="1Gi")} | more
    return application.Store("db", image=image, **fields)


def resolve_stores(*stores: application.Store, **kinds: Any) -> application.Application:
    return resolve.resolve_application(application.Application("shop", stores=stores, **kinds))


def test_postgres_needs_only_a_volume(wording: object) -> None:
    env = {"POSTGRES_USER": "shop", "POSTGRES_DB": "orders"}
    (db,) = resolve_stores(store("postgres:17", "/var/lib/postgresql/data", env=env)).stores
    assert (db.user, db.writable, db.security) == (999, ("/var/run/postgresql",), "restricted")
    assert db.env == {**env, "PGDATA": "/var/lib/postgresql/data/pgdata"}
    command = ("pg_isready", "--quiet", "--host=127.0.0.1", "--port=4242", "--username=shop", "--dbname=orders")
    assert db.health == application.Health(readiness=command)
    defaults = image_defaults.list_defaults(store("postgres:17"))
    assert [f"{default.field}: {default.reason}" for default in defaults] == wording


def test_the_application_replaces_defaults() -> None:
    health = application.Health(readiness=("true",))
    declared = store("postgres:17", user=70, env={"PGDATA": "/elsewhere"}, health=health, writable=("/more",))
    (db,) = resolve_stores(declared).stores
    assert (db.user, db.env, db.health) == (70, {"PGDATA": "/elsewhere"}, health)
    assert db.writable == ("/more", "/var/run/postgresql"), "the folders of the image stay writable"
    (db,) = resolve_stores(store("mysql:8.4", stop_grace_period=90)).stores
    assert db.stop_grace_period == 90


USERS = {
    "postgres": 999,
    "postgres:17@sha256:" + "0" * 64: 999,
    "postgres:17-alpine3.22": 70,
    "docker.io/library/postgres:17": 999,
    "library/postgres:17-alpine": 70,
    "registry.example.com:5000/postgres:17": 999,
    "registry.example.com:5000/dockerhub/library/postgres:17": 999,
    "registry.example.com/mirror/postgres:17": 999,
    "registry.example.com/team/postgres:17": 10001,
    "mirror/postgres:17": 10001,
    "postgres-exporter:1": 10001,
    "redis:8-alpine": 999,
    "rabbitmq:4-management-alpine": 100,
    "rabbitmq:4": 999,
    "memcached:1": 11211,
    "mysql:8.4": 999,
    "mariadb:11": 999,
    "nginx:1.29-alpine": 101,
    "nginxinc/nginx-unprivileged:1.29": 101,
    "docker.io/nginxinc/nginx-unprivileged:1.29": 101,
}


@pytest.mark.parametrize(("image", "user"), USERS.items())
def test_a_profile_belongs_to_a_repository_in_any_registry(image: str, user: int) -> None:
    assert resolve_stores(store(image)).stores[0].user == user


@pytest.mark.parametrize(
    ("image", "path", "data"),
    [
        ("postgres:17", "/var/lib/postgresql", "/var/lib/postgresql/pgdata"),
        ("postgres:18", "/var/lib/postgresql", "/var/lib/postgresql/pgdata"),
        ("postgres:18", "/var/lib/postgresql/data", "/var/lib/postgresql/data/pgdata"),
        ("postgres", "/var/lib/postgresql", "/var/lib/postgresql/pgdata"),
        ("redis:8", "/data", None),
    ],
)
def test_the_data_folder_is_below_the_mount_in_every_version(image: str, path: str, data: str | None) -> None:
    assert resolve_stores(store(image, path)).stores[0].env.get("PGDATA") == data


def test_a_mounted_folder_is_not_writable_twice() -> None:
    assert resolve_stores(store("rabbitmq:4", "/var/lib/rabbitmq")).stores[0].writable == ("/var/log/rabbitmq",)
    disks = {"snapshots": application.Volume(path="/data", size="1Gi")}
    assert resolve_stores(store("redis:8", volumes=disks)).stores[0].writable == ()
    web = application.Service("web", image="redis:8", files=(application.File("/data", content="x"),))
    assert resolve_stores(services=(web,)).services[0].writable == ()
    shared = application.Service("web", image="redis:8", shared_volumes=(application.SharedVolume("/data", store="a"),))
    assert resolve_stores(services=(shared,)).services[0].writable == ()


def test_services_sidecars_and_jobs_have_the_defaults_too() -> None:
    proxy = application.ExtraContainer("proxy", image="nginx:1.29")
    cache = application.Service("cache", image="memcached:1", port=11211, sidecars=(proxy,))
    app = resolve_stores(services=(cache,), jobs=(application.Job("warm", uses="cache", command=("true",)),))
    assert (app.services[0].user, app.jobs[0].user) == (11211, 11211)
    assert (app.services[0].health, app.services[0].stop_grace_period) == (application.Health(), 25)
    assert app.services[0].sidecars[0].user == 101
    assert app.services[0].sidecars[0].writable == ("/var/cache/nginx", "/var/run")


def test_a_database_has_time_to_flush() -> None:
    (db,) = resolve_stores(store("mysql:8.4")).stores
    assert db.stop_grace_period == 120
    assert db.health.readiness == ("mysqladmin", "ping", "--silent", "--host=127.0.0.1", "--port=4242")


def test_a_built_image_has_no_profile() -> None:
    web = application.Service("nginx", build=application.Build(context="./postgres"))
    assert image_defaults.list_defaults(web) == []


DEFAULTS = [name for name, profile in image_profiles.PROFILES.items() if profile.is_default]


@pytest.mark.parametrize("name", DEFAULTS)
def test_default_profiles_run_under_the_restricted_level(name: str) -> None:
    stack = settings.Settings(stack="test", context="work")
    environment = environments.Environment.create(resolve_stores(store(f"{name}:1")), stack)
    objects = preview.render_objects(environment)
    (namespace,) = (rendered for rendered in objects if rendered.kind == "Namespace")
    assert namespace.manifest["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"

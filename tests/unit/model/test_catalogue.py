"""What known public images get where the application says nothing: each value with its reason, and nothing else."""

from typing import Any

import pytest

from seaway.manifests import preview
from seaway.model import application, settings
from seaway.model.defaults import image_profiles, resolve


def store(image: str, path: str = "/data/here", **more: Any) -> application.Store:
    given: dict[str, Any] = {"port": 4242, "volume": application.Volume(path=path, size="1Gi")} | more
    return application.Store("db", image=image, **given)


def resolved(*stores: application.Store, **kinds: Any) -> application.Application:
    return resolve.resolve_application(application.Application("shop", stores=stores, **kinds))


def test_postgres_needs_a_volume_and_nothing_else() -> None:
    env = {"POSTGRES_USER": "shop", "POSTGRES_DB": "orders"}
    (db,) = resolved(store("postgres:17", "/var/lib/postgresql/data", env=env)).stores
    assert (db.user, db.writable, db.security) == (999, ("/var/run/postgresql",), "restricted")
    assert db.env == {**env, "PGDATA": "/var/lib/postgresql/data/pgdata"}
    asked = ("pg_isready", "--quiet", "--host=127.0.0.1", "--port=4242", "--username=shop", "--dbname=orders")
    assert db.health == application.Health(readiness=asked)
    assert [each.reason for each in image_profiles.list_defaults(store("postgres:17"))] == [
        "the user that postgres is made for",
        "it writes its socket there",
        "while its first start sets up, a server answers on the socket only, and is not the real one yet",
        "the top of a disk is the cluster's, and has a lost+found; initdb wants an empty folder of its own",
    ]


def test_what_the_application_says_wins() -> None:
    health = application.Health(readiness=("true",))
    said = store("postgres:17", user=70, env={"PGDATA": "/elsewhere"}, health=health, writable=("/more",))
    (db,) = resolved(said).stores
    assert (db.user, db.env, db.health) == (70, {"PGDATA": "/elsewhere"}, health)
    assert db.writable == ("/more", "/var/run/postgresql"), "what it writes to stays writable"
    (db,) = resolved(store("mysql:8.4", stop_grace_period=90)).stores
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
def test_an_image_is_known_by_its_repository_whatever_the_registry(image: str, user: int) -> None:
    assert resolved(store(image)).stores[0].user == user


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
def test_data_is_below_the_mount_and_stays_there_whatever_the_version(image: str, path: str, data: str | None) -> None:
    assert resolved(store(image, path)).stores[0].env.get("PGDATA") == data


def test_a_folder_that_is_mounted_is_not_writable_once_more() -> None:
    assert resolved(store("rabbitmq:4", "/var/lib/rabbitmq")).stores[0].writable == ("/var/log/rabbitmq",)
    disks = {"snapshots": application.Volume(path="/data", size="1Gi")}
    assert resolved(store("redis:8", volumes=disks)).stores[0].writable == ()
    web = application.Service("web", image="redis:8", files=(application.File("/data", content="x"),))
    assert resolved(services=(web,)).services[0].writable == ()


def test_a_service_a_companion_and_a_job_that_uses_it_have_it_too() -> None:
    proxy = application.ExtraContainer("proxy", image="nginx:1.29")
    cache = application.Service("cache", image="memcached:1", port=11211, sidecars=(proxy,))
    app = resolved(services=(cache,), jobs=(application.Job("warm", uses="cache", command=("true",)),))
    assert (app.services[0].user, app.jobs[0].user) == (11211, 11211)
    assert (app.services[0].health, app.services[0].stop_grace_period) == (application.Health(), 25)
    assert app.services[0].sidecars[0].user == 101
    assert app.services[0].sidecars[0].writable == ("/var/cache/nginx", "/var/run")


def test_a_database_that_flushes_has_time_for_it() -> None:
    (db,) = resolved(store("mysql:8.4")).stores
    assert db.stop_grace_period == 120
    assert db.health.readiness == ("mysqladmin", "ping", "--silent", "--host=127.0.0.1", "--port=4242")


def test_what_is_built_is_nobodys_to_know() -> None:
    web = application.Service("nginx", build=application.Build(context="./postgres"))
    assert image_profiles.list_defaults(web) == []


@pytest.mark.parametrize("name", image_profiles.IMAGE_PROFILES)
def test_all_run_under_the_restricted_level(name: str) -> None:
    stack = settings.Settings(stack="test", context="work")
    (home,) = (each for each in preview.render_objects(resolved(store(f"{name}:1")), stack) if each.kind == "Namespace")
    assert home.manifest["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"

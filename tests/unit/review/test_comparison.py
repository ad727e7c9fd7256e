"""What differs between two environments."""

import dataclasses
from typing import Any

import pytest

from seaway.model import application, settings
from seaway.model.defaults import resolve
from seaway.review import comparison
from seaway.syntax import decode

APP = application.Application(
    "shop",
    services=(
        application.Service(
            "web",
            build=application.Build(context="./web"),
            port=8000,
            env={"TITLE": "Shop"},
            secrets=(application.Secret("KEY"), application.Secret("SALT", generate=16)),
            files=(application.File("/etc/web.ini", content="colour = red\n"),),
        ),
    ),
    stores=(
        application.Store(
            "db", image="postgres:17", port=5432, volume=application.Volume(path="/var/lib/postgresql", size="1Gi")
        ),
    ),
    jobs=(application.Job("migrate", uses="web", command=("python", "migrate.py")),),
)


def side(app: application.Application = APP, content: str = "ctx-1", **said: Any) -> comparison.EnvironmentView:
    return comparison.EnvironmentView(
        app=resolve.resolve_application(app),
        settings=settings.Settings(stack="dev", context="work", **said),
        image_contents={"web": content},
        secret_names=frozenset({"KEY"}),
        release={"id": "abc"},
    )


def web(**other: Any) -> application.Application:
    return dataclasses.replace(APP, services=(dataclasses.replace(APP.services[0], **other),))


def rows(left: comparison.EnvironmentView, right: comparison.EnvironmentView) -> list[tuple[str, str, Any, Any]]:
    return [(row.section, row.field, row.left, row.right) for row in comparison.compare(left, right).rows]


def test_an_environment_is_as_itself() -> None:
    found = comparison.compare(side(), side())
    assert found.rows == ()
    assert found.equal > 30


def test_the_name_of_the_stack_is_no_difference() -> None:
    other = dataclasses.replace(side(), settings=settings.Settings(stack="prod", context="work", overlay={"a": "b"}))
    assert rows(side(), other) == []


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"scale": application.Scale(min=4)}, ("scale.min", 2, 4)),
        ({"publish": True}, ("expose", False, True)),
        ({"port": None}, ("port", 8000, None)),
        ({"args": ("--fast", "-v")}, ("args", None, ["--fast", "-v"])),
        ({"health": application.Health(readiness="/healthz", liveness=None)}, ("health.readiness", None, "/healthz")),
    ],
)
def test_a_field_is_called_as_in_app_yaml(other: dict[str, Any], expected: tuple[str, Any, Any]) -> None:
    assert rows(side(), side(web(**other))) == [("services.web", *expected)]


def test_requests_and_limits() -> None:
    assert ("services.web", "resources.memory", "128Mi", "1Gi") in rows(
        side(), side(web(resources=application.Resources(memory="1Gi")))
    )


def test_what_a_job_takes_from_its_service_differs_too() -> None:
    assert rows(side(), side(web(env={"TITLE": "Prod", "MORE": "1"}))) == [
        ("services.web", "env.TITLE", "Shop", "Prod"),
        ("services.web", "env.MORE", None, "1"),
        ("jobs.migrate", "env.TITLE", "Shop", "Prod"),
        ("jobs.migrate", "env.MORE", None, "1"),
    ]


def test_an_image_that_is_built_is_told_by_its_source() -> None:
    assert rows(side(), side(content="ctx-2")) == [
        ("services.web", "image", "ctx-1", "ctx-2"),
        ("jobs.migrate", "image", "ctx-1", "ctx-2"),
    ]
    # How it is built stands in that already.
    moved = web(build=application.Build(context="./elsewhere"))
    assert rows(side(), side(moved)) == []


def test_an_image_that_is_not_built_is_told_as_it_is() -> None:
    other = dataclasses.replace(APP, stores=(dataclasses.replace(APP.stores[0], image="postgres:16"),))
    assert rows(side(), side(other)) == [("stores.db", "image", "postgres:17", "postgres:16")]


def test_of_a_secret_there_is_only_how_it_comes_about() -> None:
    other = dataclasses.replace(side(), secret_names=frozenset({"KEY", "SALT"}))
    assert rows(side(), other) == [
        ("services.web", "secrets.SALT", "generated, 16 characters", "given"),
        ("jobs.migrate", "secrets.SALT", "generated, 16 characters", "given"),
    ]
    assert ("services.web", "secrets.KEY", "given", "not given") in rows(
        side(), dataclasses.replace(side(), secret_names=frozenset())
    )


def test_files_are_told_by_hash() -> None:
    other = web(files=(application.File("/etc/web.ini", content="colour = blue\n"),))
    ((part, field, left, right), _) = rows(side(), side(other))
    assert (part, field) == ("services.web", "files./etc/web.ini")
    assert len(left) == len(right) == 12
    assert left != right
    # Where the text came from is a fact of a checkout.
    read = web(files=(application.File("/etc/web.ini", source="./web.ini", content="colour = red\n"),))
    assert rows(side(), side(read)) == []


def test_a_part_that_only_one_has_is_one_difference() -> None:
    other = dataclasses.replace(APP, services=(*APP.services, application.Service("worker", image="worker:1")))
    assert rows(side(), side(other)) == [("services.worker", "", None, True)]
    assert rows(side(other), side()) == [("services.worker", "", True, None)]


def test_settings_policy_and_waivers() -> None:
    waiver = settings.Waiver("IMG-02", workloads=("db", "web"), reason="no other", owner="ops", until="2026-12-31")
    other = side(
        build=False,
        promotes_from="staging",
        publish="loadBalancer",
        image_overrides={"postgres:17": "mirror/postgres:17"},
        policy=settings.Policy(outage="allow"),
        waivers=(waiver, dataclasses.replace(waiver, check="NET-01", workloads=())),
    )
    assert rows(side(), other) == [
        ("settings", "build", True, False),
        ("settings", "publish", "clusterIP", "loadBalancer"),
        ("settings", "policy.outage", "block", "allow"),
        ("settings", "promotesFrom", None, "staging"),
        ("settings", "imageOverrides.postgres:17", None, "mirror/postgres:17"),
        ("settings", "waivers.IMG-02", None, "of db, web until 2026-12-31, ops: no other"),
        ("settings", "waivers.NET-01", None, "until 2026-12-31, ops: no other"),
    ]


def test_the_release_comes_first() -> None:
    other = dataclasses.replace(side(content="ctx-2"), release={"id": "def", "held": {"abc": "web: no such image"}})
    assert rows(side(), other)[:2] == [
        ("release", "id", "abc", "def"),
        ("release", "held.abc", None, "web: no such image"),
    ]


def test_no_field_of_the_model_is_forgotten() -> None:
    """Each of them, changed alone, is a difference."""
    (service,) = APP.services
    for field in dataclasses.fields(service):
        if field.name in {"name", "build"}:
            continue
        value = getattr(service, field.name)
        changed = {
            "image": "web:2",
            "secrets": (),
            "files": (),
            "env": {},
            "resources": application.Resources(cpu="1"),
            "health": application.Health(start_period=9),
            "scale": application.Scale(min=9),
            "security": "baseline",
            "ports": (application.Port("more", port=9),),
            "init": (application.ExtraContainer("first"),),
            "sidecars": (application.ExtraContainer("beside"),),
        }.get(field.name, (not value) if isinstance(value, bool) else 9 if isinstance(value, int) else ("api",))
        build = {"build": None} if field.name == "image" else {}
        one = dataclasses.replace(side(web(**{field.name: changed}, **build)), image_contents={})
        found = rows(dataclasses.replace(side(), image_contents={}), one)
        assert any(row[1].startswith(decode.to_camel_case(field.name)) for row in found), field

"""The differences between two environments."""

import dataclasses
from typing import Any

import pytest

from seaway.model import application, settings
from seaway.model.defaults import resolve
from seaway.project import environments, release_lock
from seaway.review import comparison
from seaway.syntax import decode

View = comparison.EnvironmentView
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


def create_view(
    app: application.Application = APP, content: str = "ctx-1", **fields: Any
) -> comparison.EnvironmentView:
    stack_settings = settings.Settings(stack="dev", context="work", **fields)
    environment = environments.Environment.create(resolve.resolve_application(app), stack_settings)
    with_secret = dataclasses.replace(environment, secret_names=frozenset({"KEY"}))
    return View(environment=with_secret, image_contents={"web": content})


def change_environment(**changed: Any) -> comparison.EnvironmentView:
    view = create_view()
    return dataclasses.replace(view, environment=dataclasses.replace(view.environment, **changed))


def with_web(**fields: Any) -> application.Application:
    return dataclasses.replace(APP, services=(dataclasses.replace(APP.services[0], **fields),))


def list_differences(
    left: comparison.EnvironmentView, right: comparison.EnvironmentView
) -> list[tuple[str, str, Any, Any]]:
    """All but the ids of the releases, which any change of the application changes."""
    rows = [(row.section, row.field, row.left, row.right) for row in comparison.compare(left, right).rows]
    return [row for row in rows if row[:2] != ("release", "id")]


def test_an_environment_equals_itself() -> None:
    result = comparison.compare(create_view(), create_view())
    assert result.rows == ()
    assert result.equal > 30


def test_stack_name_and_overlay_are_not_compared() -> None:
    other = change_environment(settings=settings.Settings(stack="prod", context="work", overlay={"a": "b"}))
    assert list_differences(create_view(), other) == []


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"scale": application.Scale(min=4)}, ("scale.min", 2, 4)),
        ({"publish": True}, ("publish", False, True)),
        ({"port": None}, ("port", 8000, None)),
        ({"args": ("--fast", "-v")}, ("args", None, ["--fast", "-v"])),
        ({"health": application.Health(readiness="/healthz", liveness=None)}, ("health.readiness", None, "/healthz")),
    ],
)
def test_fields_have_the_names_of_app_yaml(other: dict[str, Any], expected: tuple[str, Any, Any]) -> None:
    assert list_differences(create_view(), create_view(with_web(**other))) == [("services.web", *expected)]


def test_requests_and_limits() -> None:
    assert ("services.web", "resources.memory", "128Mi", "1Gi") in list_differences(
        create_view(), create_view(with_web(resources=application.Resources(memory="1Gi")))
    )


def test_inherited_fields_of_a_job_differ_too() -> None:
    assert list_differences(create_view(), create_view(with_web(env={"TITLE": "Prod", "MORE": "1"}))) == [
        ("services.web", "env.TITLE", "Shop", "Prod"),
        ("services.web", "env.MORE", None, "1"),
        ("jobs.migrate", "env.TITLE", "Shop", "Prod"),
        ("jobs.migrate", "env.MORE", None, "1"),
    ]


def test_a_built_image_is_compared_by_its_tag() -> None:
    assert list_differences(create_view(), create_view(content="ctx-2")) == [
        ("services.web", "image", "ctx-1", "ctx-2"),
        ("jobs.migrate", "image", "ctx-1", "ctx-2"),
    ]
    # The tag covers how it is built.
    moved = with_web(build=application.Build(context="./elsewhere"))
    assert list_differences(create_view(), create_view(moved)) == []


def test_another_image_is_compared_by_its_reference() -> None:
    other = dataclasses.replace(APP, stores=(dataclasses.replace(APP.stores[0], image="postgres:16"),))
    assert list_differences(create_view(), create_view(other)) == [("stores.db", "image", "postgres:17", "postgres:16")]


def test_secrets_are_compared_by_their_source() -> None:
    other = change_environment(secret_names=frozenset({"KEY", "SALT"}))
    assert list_differences(create_view(), other) == [
        ("services.web", "secrets.SALT", "generated, 16 characters", "set"),
        ("jobs.migrate", "secrets.SALT", "generated, 16 characters", "set"),
    ]
    assert ("services.web", "secrets.KEY", "set", "not set") in list_differences(
        create_view(), change_environment(secret_names=frozenset())
    )


def test_files_are_compared_by_hash() -> None:
    other = with_web(files=(application.File("/etc/web.ini", content="colour = blue\n"),))
    ((part, field, left, right), _) = list_differences(create_view(), create_view(other))
    assert (part, field) == ("services.web", "files./etc/web.ini")
    assert len(left) == len(right) == 12
    assert left != right
    # The source file is not compared.
    loaded = with_web(files=(application.File("/etc/web.ini", source="./web.ini", content="colour = red\n"),))
    assert list_differences(create_view(), create_view(loaded)) == []


def test_a_missing_workload_is_one_difference() -> None:
    other = dataclasses.replace(APP, services=(*APP.services, application.Service("worker", image="worker:1")))
    assert list_differences(create_view(), create_view(other)) == [("services.worker", "", None, True)]
    assert list_differences(create_view(other), create_view()) == [("services.worker", "", True, None)]


def test_settings_policy_and_waivers() -> None:
    waiver = settings.Waiver("IMG-02", workloads=("db", "web"), reason="no other", owner="ops", until="2026-12-31")
    other = create_view(
        build=False,
        promotion=settings.Promotion(from_="staging"),
        publish="loadBalancer",
        image_overrides={"postgres:17": "mirror/postgres:17"},
        policy=settings.Policy(outage="allow"),
        waivers=(waiver, dataclasses.replace(waiver, check="NET-01", workloads=())),
    )
    assert list_differences(create_view(), other) == [
        ("settings", "build", True, False),
        ("settings", "publish", "none", "loadBalancer"),
        ("settings", "policy.outage", "block", "allow"),
        ("settings", "promotion.from", None, "staging"),
        ("settings", "imageOverrides.postgres:17", None, "mirror/postgres:17"),
        ("settings", "waivers.IMG-02", None, "of db, web until 2026-12-31, ops: no other"),
        ("settings", "waivers.NET-01", None, "until 2026-12-31, ops: no other"),
    ]


def test_the_release_comes_first() -> None:
    held = release_lock.HeldRelease("abc", because="web: no such image", since="today")
    other = change_environment(lock=release_lock.Lock(held=(held,)))
    view = dataclasses.replace(other, image_contents={"web": "ctx-2"})
    first, second, *_ = comparison.compare(create_view(), view).rows
    assert (first.field, first.left, first.right) == ("id", create_view().release_id, view.release_id)
    assert first.left != first.right
    assert (second.section, second.field, second.right) == ("release", "held.abc", "web: no such image")


def test_every_field_of_the_model_is_compared() -> None:
    """Each field, changed alone, is a difference."""
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
        view = dataclasses.replace(create_view(with_web(**{field.name: changed}, **build)), image_contents={})
        differences = list_differences(dataclasses.replace(create_view(), image_contents={}), view)
        assert any(row[1].startswith(decode.to_camel_case(field.name)) for row in differences), field

"""The order of rollouts, and the rules about `dependsOn`."""

import itertools

import pytest

from seaway.manifests import objects
from seaway.model import application, rollout_order, settings
from seaway.model.validate import dependencies
from seaway.project import environments
from seaway.syntax import decode, yaml_parser
from tests.support import diagnostics

SHOP = """\
name: shop
services: {web: {image: a%s}, api: {image: a%s}}
stores: {db: {image: a, volume: {path: /d, size: 1Gi}%s}}
jobs:
  migrate: {image: a%s}
  report: {image: a, run: after-rollout%s}
  clean: {image: a, schedule: "0 3 * * *"%s}
"""


def parse(**depends_on: str) -> decode.Decoded[application.Application]:
    targets = (depends_on.get(name) for name in ("web", "api", "db", "migrate", "report", "clean"))
    text = SHOP % tuple(f", dependsOn: [{names}]" if names else "" for names in targets)
    return decode.decode_partial(application.Application, yaml_parser.parse(text, "app.yaml"))


def list_steps(**depends_on: str) -> dict[str, list[str]]:
    """The workloads of each step of the rollout."""
    app = parse(**depends_on).value
    assert app is not None
    environment = environments.Environment.create(app, settings.Settings(stack="dev", context="here"))
    release_objects = objects.objects(environment, {}, {})
    steps = objects.group_by_step(release_objects)
    return {step: sorted(release_object.owner or "" for release_object in in_step) for step, in_step in steps.items()}


DEFAULT = {"stores": ["db"], "jobs": ["migrate"], "services": ["api", "clean", "web"], "late-jobs": ["report"]}


def test_stores_then_jobs_then_services_then_late_jobs() -> None:
    assert list_steps() == DEFAULT


@pytest.mark.parametrize(
    ("workload", "target"), [("web", "db"), ("web", "migrate"), ("migrate", "db"), ("report", "web"), ("clean", "db")]
)
def test_what_holds_by_default_changes_nothing(workload: str, target: str) -> None:
    assert list_steps(**{workload: target}) == DEFAULT


@pytest.mark.parametrize(
    ("depends_on", "steps"),
    [
        ({"web": "api"}, {"services": ["api", "clean"], "services-2": ["web"]}),
        ({"clean": "web"}, {"services": ["api", "web"], "services-2": ["clean"]}),
        ({"db": "api"}, {"stores": ["api"], "stores-2": ["db"], "services": ["clean", "web"]}),
        ({"migrate": "web"}, {"jobs": ["web"], "jobs-2": ["migrate"], "services": ["api", "clean"]}),
        ({"db": "migrate"}, {"stores": ["migrate"], "stores-2": ["db"], "jobs": None}),
        (
            {"db": "migrate", "migrate": "api"},
            {
                "stores": ["api"],
                "stores-2": ["migrate"],
                "stores-3": ["db"],
                "jobs": None,
                "services": ["clean", "web"],
            },
        ),
        ({"web": "api, db", "db": "api"}, {"stores": ["api"], "stores-2": ["db"], "services": ["clean", "web"]}),
    ],
)
def test_a_dependency_moves_before_its_dependents(
    depends_on: dict[str, str], steps: dict[str, list[str] | None]
) -> None:
    expected = {step: names for step, names in {**DEFAULT, **steps}.items() if names is not None}
    assert list_steps(**depends_on) == expected


def test_each_dependency_is_in_an_earlier_step() -> None:
    names = ("web", "api", "db", "migrate")
    for order in itertools.permutations(names):
        depends_on = {order[0]: ", ".join(order[1:]), order[1]: order[2], order[2]: order[3]}
        steps = list(list_steps(**depends_on).items())
        position = {name: number for number, (_, found) in enumerate(steps) for name in found}
        assert position[order[3]] < position[order[2]] < position[order[1]] < position[order[0]] < position["report"]


def test_a_job_that_a_rollback_leaves_out_is_no_dependency() -> None:
    service = application.Service("web", image="a", depends_on=("gone",))
    positions = rollout_order.plan_positions(application.Application("shop", services=(service,)))
    assert positions == {"web": rollout_order.Position(rollout_order.Phase.service, 0)}


@pytest.mark.parametrize(
    ("workload", "targets", "expected"),
    [
        ("web", "apo", "2:40: services.web.dependsOn.0: unknown-workload"),
        ("web", "api, api", "2:45: services.web.dependsOn.1: duplicate-name"),
        ("db", "db", "3:68: stores.db.dependsOn.0: dependency-cycle"),
        ("web", "clean", "2:40: services.web.dependsOn.0: invalid-dependency"),
        ("db", "report", "3:68: stores.db.dependsOn.0: invalid-dependency"),
        ("migrate", "report", "5:35: jobs.migrate.dependsOn.0: invalid-dependency"),
    ],
    ids=["unknown", "twice", "itself", "scheduled job", "late job", "late job of a job"],
)
def test_invalid_dependencies(workload: str, targets: str, expected: str, wording: list[str]) -> None:
    decoded = parse(**{workload: targets})
    assert decoded.value is not None
    found = list(dependencies.check(decoded.value, decoded.locations))
    assert diagnostics.summarize(found) == [f"app.yaml:{expected}"]
    assert list(map(str, found)) == wording


@pytest.mark.parametrize(
    ("depends_on", "expected"),
    [
        ({"web": "api", "api": "web"}, ["2:40: services.web.dependsOn.0: dependency-cycle"]),
        (
            {"web": "db, api", "api": "migrate", "migrate": "web"},
            ["2:44: services.web.dependsOn.1: dependency-cycle"],
        ),
    ],
    ids=["of services", "of all kinds"],
)
def test_cycles(depends_on: dict[str, str], expected: list[str], wording: list[str]) -> None:
    decoded = parse(**depends_on)
    assert decoded.value is not None
    found = list(dependencies.check(decoded.value, decoded.locations))
    assert diagnostics.summarize(found) == [f"app.yaml:{line}" for line in expected]
    assert list(map(str, found)) == wording


@pytest.mark.parametrize(
    ("graph", "cycles"),
    [
        ({"a": "", "b": "a", "c": "a b"}, []),
        ({"a": "a", "b": "unknown"}, []),
        ({"before": "a", "a": "b", "b": "a"}, [("a", "b", "a")]),
        ({"a": "b", "b": "a", "c": "d", "d": "c"}, [("a", "b", "a"), ("c", "d", "c")]),
        ({"c": "b", "b": "a", "a": "c"}, [("c", "b", "a", "c")]),
    ],
)
def test_name_cycles(graph: dict[str, str], cycles: list[tuple[str, ...]]) -> None:
    assert list(rollout_order.find_name_cycles({name: targets.split() for name, targets in graph.items()})) == cycles


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("sharedVolumes: {/srv: db}, dependsOn: [db]", ""),
        ("sharedVolumes: {/srv: db}", "stores.db.dependsOn.0: dependency-cycle"),
    ],
)
def test_a_store_does_not_wait_for_a_service_that_shares_its_volume(keys: str, expected: str) -> None:
    store = "{image: a, volume: {path: /d, size: 1Gi}%s}" % (", dependsOn: [web]" if expected else "")
    text = f"name: shop\nservices: {{web: {{image: a, {keys}}}}}\nstores: {{db: {store}}}\n"
    decoded = decode.decode_partial(application.Application, yaml_parser.parse(text, "app.yaml"))
    assert decoded.value is not None
    found = dependencies.check(decoded.value, decoded.locations)
    assert "".join(f"{diagnostic.path}: {diagnostic.code}" for diagnostic in found) == expected


def test_a_workload_that_cannot_be_decoded_is_not_unknown() -> None:
    text = "name: shop\nservices: {web: {image: a, dependsOn: [db]}}\nstores: {db: {image: a}}\n"
    decoded = decode.decode_partial(application.Application, yaml_parser.parse(text, "app.yaml"))
    assert decoded.value is not None
    assert list(dependencies.check(decoded.value, decoded.locations)) == []

"""The usage of pods and applications, as the scheduler and a quota count it."""

from fractions import Fraction
from typing import Any

import pytest

from seaway.checks import check_context
from seaway.manifests import amounts
from seaway.model import application
from seaway.project import environments
from tests.unit.checks import checked_app


def container(cpu: str, *, is_sidecar: bool = False) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu}}} | ({"restartPolicy": "Always"} if is_sidecar else {})


@pytest.mark.parametrize(
    ("init", "main", "cpu"),
    [
        ([], ["100m", "1"], "1.1"),
        ([container("2")], ["1"], "2"),
        ([container("500m", is_sidecar=True)], ["1"], "1.5"),
        # An init container runs beside the sidecars that start before it, and no others.
        ([container("500m", is_sidecar=True), container("2")], ["1"], "2.5"),
        ([container("2"), container("500m", is_sidecar=True)], ["1"], "2"),
    ],
)
def test_pod_requests_cover_containers_that_run_together(init: list[dict[str, Any]], main: list[str], cpu: str) -> None:
    spec = {"initContainers": init, "containers": [container(amount) for amount in main]}
    assert amounts.sum_pod_resources(spec) == {"cpu": Fraction(cpu)}
    assert amounts.sum_pod_resources(spec, "limits") == {}


def test_a_limit_without_a_request_counts_as_a_request() -> None:
    limited = {"resources": {"limits": {"nvidia.com/gpu": "1", "cpu": "2"}, "requests": {"cpu": "1"}}}
    assert amounts.sum_pod_resources({"containers": [limited]}) == {"nvidia.com/gpu": 1, "cpu": 1}


@pytest.mark.parametrize(
    ("scale", "minimum", "maximum"),
    [(application.Scale(min=2), 2, 4), (application.Scale(min=8), 8, 16), (application.Scale(min=2, max=10), 2, 20)],
)
def test_a_rollout_runs_all_old_and_all_new_pods(scale: application.Scale, minimum: int, maximum: int) -> None:
    app = checked_app.build_app(web={"sidecars": (), "init": (), "scale": scale})
    environment = environments.Environment.create(app, checked_app.STACK)
    context = check_context.CheckContext(environment=environment, objects=tuple(checked_app.render_objects(app)))
    # The store and the two jobs have one pod each.
    assert context.compute_usage(in_rollout=False)["pods"] == minimum + 3
    largest = context.compute_usage()
    assert largest["pods"] == maximum + 3
    assert largest["requests.cpu"] == largest["cpu"] == Fraction(maximum + 3, 10)
    assert largest["limits.memory"] == (maximum + 3) * 128 * 2**20
    assert "limits.cpu" not in largest
    assert largest["requests.storage"] == 2**30
    assert amounts.format_amount("requests.cpu", largest["cpu"]).endswith("m")

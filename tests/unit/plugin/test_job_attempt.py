"""The next run creates a failed job again, and only a failed one."""

import pytest

from tests.support import apiserver
from tests.unit.plugin import engine

URN = "urn:pulumi:dev::shop::seaway:index:Application$seaway:index:JobAttempt::migrate"
INPUTS = {"namespace": "shop-dev", "name": "migrate-1a2b"}


def job(api: apiserver.ApiServer, **conditions: str) -> None:
    status = [{"type": kind, "status": status} for kind, status in conditions.items()]
    api.put("batch/v1", "Job", "shop-dev", "migrate-1a2b", status={"conditions": status})


def test_the_first_attempt_is_known_in_the_preview(plugin: engine.Plugin) -> None:
    expected = {**INPUTS, "attempt": 1}
    assert engine.create(plugin, URN, preview=True, **INPUTS) == expected
    assert engine.create(plugin, URN, **INPUTS) == expected


def test_a_failed_job_is_the_next_attempt(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display
) -> None:
    recorded = engine.create(plugin, URN, **INPUTS)
    job(api, Failed="True")
    assert engine.diff(plugin, URN, recorded, **INPUTS) == ["attempt"]
    assert display.lines == [
        engine.Line("INFO", "job migrate-1a2b has failed: it is created again, as attempt 2", URN, ephemeral=False)
    ]
    expected = {**INPUTS, "attempt": 2}
    assert engine.update(plugin, URN, recorded, preview=True, **INPUTS) == expected
    assert engine.update(plugin, URN, recorded, **INPUTS) == expected


@pytest.mark.parametrize("conditions", [{}, {"Complete": "True"}, {"Failed": "False"}, {"Suspended": "True"}])
def test_other_jobs_are_not_changed(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display, conditions: dict[str, str]
) -> None:
    job(api, **conditions)
    assert engine.diff(plugin, URN, {**INPUTS, "attempt": 3}, **INPUTS) is None
    assert display.lines == []


def test_a_deleted_job_is_not_a_change(plugin: engine.Plugin) -> None:
    assert engine.diff(plugin, URN, {**INPUTS, "attempt": 1}, **INPUTS) is None


def test_another_job_is_another_attempt(plugin: engine.Plugin) -> None:
    renamed = {**INPUTS, "name": "migrate-9f9f"}
    assert engine.diff(plugin, URN, {**INPUTS, "attempt": 1}, **renamed) == ["name"]
    assert engine.update(plugin, URN, {**INPUTS, "attempt": 1}, **renamed) == {**renamed, "attempt": 2}

"""How observations are judged, and how results are printed."""

import dataclasses
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import pytest

from seaway.acceptance import communication, links, results, security
from tests.support import rendering

CONFINED = """\
Uid: 10001
CapPrm: 0000000000000000
CapEff: 0000000000000000
CapBnd: 0000000000000000
NoNewPrivs: 1
Seccomp: 2
mount / ro,relatime
mount /tmp rw,relatime
attempt write refused
attempt mount refused
attempt user-namespace refused
attempt kernel refused
attempt device refused"""
TOKEN = "mount /run/secrets/kubernetes.io/serviceaccount ro"
HOST = {
    "spec": {
        "hostPID": True,
        "volumes": [{"name": "v", "hostPath": {"path": "/"}}],
        "containers": [
            {
                "name": "web",
                "securityContext": {"privileged": True},
                "volumeMounts": [{"name": "v", "mountPath": "/host"}],
            }
        ],
    }
}
BASELINE = {"security": "baseline"}


def judge(change: Mapping[str, str], pod: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, results.Result]:
    text = CONFINED
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new)
    observed = security.Observation.parse(text.splitlines())
    judged = security.judge(rendering.create_app(rendering.service(**fields)).services[0], "web", pod, observed)
    return {result.code: result for result in judged if result.outcome != "passed"}


@pytest.mark.parametrize(
    ("change", "fields", "pod", "expected"),
    [
        ({}, {}, {}, {}),
        ({"Uid: 10001": "Uid: 0"}, {}, {}, {"root-user": "failed"}),
        ({"Uid: 10001": "Uid: 0"}, BASELINE, {}, {"root-user": "failed"}),
        ({"Uid: 10001": "Uid: 0"}, {**BASELINE, "user": None}, {}, {"root-user": "declared"}),
        ({"CapBnd: 0000000000000000": "CapBnd: 0000000000000400"}, {}, {}, {}),
        (
            {"CapPrm: 0000000000000000": "CapPrm: 00000000a80425fb", "NoNewPrivs: 1": "NoNewPrivs: 0"},
            {},
            {},
            dict.fromkeys(("privilege-escalation", "capabilities", "raw-socket"), "failed"),
        ),
        (
            {"CapPrm: 0000000000000000": "CapPrm: 00000000a80425fb", "NoNewPrivs: 1": "NoNewPrivs: 0"},
            BASELINE,
            {},
            dict.fromkeys(("privilege-escalation", "capabilities", "raw-socket"), "declared"),
        ),
        ({"Seccomp: 2": "Seccomp: 0"}, BASELINE, {}, {"seccomp": "failed"}),
        ({"/ ro,": "/ rw,"}, {}, {}, {"root-file-system": "failed"}),
        ({"/ ro,": "/ rw,"}, {"writable": ("/",)}, {}, {"root-file-system": "declared"}),
        ({"attempt write refused": "attempt write open"}, {}, {}, {"root-file-system": "failed"}),
        ({"mount /tmp": f"{TOKEN}\nmount /tmp"}, {}, {}, {"service-account-token": "failed"}),
        (
            {"mount /tmp": f"{TOKEN}\nmount /tmp"},
            {"kubernetes_api": {"pods": ("get",)}},
            {},
            {"service-account-token": "declared"},
        ),
        ({}, BASELINE, HOST, {"host": "failed"}),
        ({"/tmp rw": "/run/docker.sock rw"}, {}, {}, {"host": "failed"}),
        ({"attempt device refused": "attempt device open"}, {}, {}, {"host": "failed"}),
        ({"attempt mount refused": "attempt mount open"}, {}, {}, {"mount": "failed"}),
        ({"attempt kernel refused": "attempt kernel missing"}, {}, {}, {"kernel": "skipped"}),
        ({"Uid: 10001\n": ""}, {}, {}, {"process": "failed"}),
        ({"mount / ro,relatime\n": ""}, {}, {}, {"process": "failed"}),
    ],
)
def test_confinement(
    change: Mapping[str, str], fields: Mapping[str, Any], pod: Mapping[str, Any], expected: Mapping[str, str]
) -> None:
    judged = judge(change, pod, fields)
    assert {code: result.outcome for code, result in judged.items()} == expected


def test_a_container_that_nobody_declares_has_no_exception() -> None:
    observed = security.Observation.parse(CONFINED.replace("Uid: 10001", "Uid: 0").splitlines())
    workload = rendering.service(security="baseline", user=None)
    failed = [result.code for result in security.judge(workload, "other", {}, observed) if result.outcome == "failed"]
    assert failed == ["root-user"]


def test_wording(wording: object) -> None:
    change = {"Uid: 10001": "Uid: 0", "/ ro,": "/ rw,", "CapPrm: 0000000000000000": "CapPrm: 00000000a80425fb"}
    judged = [*judge(change, HOST, {"writable": ("/",)}).values()]
    tried = links.Connection(code="open-link", host="db", port=5432, is_open=True, subject="db:5432")
    judged += [
        communication.judge("web", tried, "closed"),
        communication.judge("web", dataclasses.replace(tried, code="closed-link", is_open=False), "open"),
        communication.judge("web", tried, None),
    ]
    assert [f"{result.code}: {result.message}; {result.hint}" for result in judged] == wording


def test_junit() -> None:
    report = results.Report(
        release="1",
        sha256="2",
        tested="2026-03-01T10:00:00Z",
        rows=("communication", "security"),
        results=(
            results.Result(row="communication", workload="web", code="dns", outcome="passed"),
            results.Result(
                row="communication",
                workload="web",
                code="open-link",
                subject="a",
                outcome="failed",
                message="it\x1b is <closed>",
            ),
            results.Result(row="security", workload="web", code="mount", outcome="skipped"),
        ),
    )
    assert not report.passed
    suites = ElementTree.fromstring(results.format_junit(report, "shop dev"))
    assert [dict(suite.attrib) for suite in suites] == [
        {"name": "communication", "tests": "2", "failures": "1", "skipped": "0"},
        {"name": "security", "tests": "1", "failures": "0", "skipped": "1"},
    ]
    failure = suites.find(".//failure")
    assert failure is not None
    assert failure.get("message") == "it  is <closed>"


def test_nothing_tried_is_not_passed() -> None:
    skipped = results.Result(row="security", workload="web", code="mount", outcome="skipped")
    report = results.Report(release="1", sha256="2", tested="", rows=("security",), results=(skipped,))
    assert not report.passed
    assert dataclasses.replace(report, results=(skipped, dataclasses.replace(skipped, outcome="passed"))).passed

"""`seaway run`: its pod, which never starts or prints a log, against a stand-in for the cluster."""

import asyncio
import os
import re
import signal

import pytest

from seaway.cli import command, main, run, terminal
from seaway.manifests import names
from tests.support import apiserver, live_objects
from tests.unit.cli import conftest

pytestmark = pytest.mark.usefixtures("checkout")
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def no_wait_for_deletion(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in deletes no pods."""
    monkeypatch.setattr(run, "STOP_SECONDS", -100)


def start(api: apiserver.ApiServer, status: live_objects.Object) -> None:
    """The application, and a pod of each Job that is created, with the status of its container."""
    conftest.put_all(api, live_objects.healthy())

    def create_pod(job: live_objects.Object) -> None:
        if job["kind"] == "Job":
            meta = job["metadata"]
            pod = live_objects.pod(
                "web-run-pod", by=meta["name"], labels=meta["labels"], ready=False, containers=[status]
            )
            pod["metadata"]["ownerReferences"][0]["uid"] = meta["uid"]
            conftest.put_objects(api, "Pod", pod)

    api.created = create_pod


def count_jobs(api: apiserver.ApiServer) -> int:
    jobs = api.answer("/apis/batch/v1/namespaces/shop-dev/jobs", names.ONE_OFF_LABEL)[1]
    return len(jobs["items"])


def test_a_pod_that_cannot_start_names_the_key_of_the_service(
    api: apiserver.ApiServer, capsys: Captured, wording: object
) -> None:
    start(api, live_objects.waiting("InvalidImageName", "couldn't parse image name"))
    assert main.main(("run", "web", "--", "true")) == command.FAILURE
    hint = capsys.readouterr().err.splitlines()[-2:]
    assert re.sub(r"web-run-\w+", "JOB", "\n".join(hint)).splitlines() == wording
    assert count_jobs(api) == 0


def test_output_of_an_image_without_a_shell_is_not_changed(
    api: apiserver.ApiServer, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    start(api, live_objects.container_status(terminated={"exitCode": 3}))
    api.print_lines("web-run-pod", "web", os.fsdecode(b"\0\xff\r"), os.fsdecode(b"\xe2\x28"), ended=True)
    assert main.main(("run", "web")) == 3
    assert capfdbinary.readouterr().out == b"\0\xff\r\n\xe2\x28\n"


def test_a_second_signal_does_not_interrupt_the_deletion() -> None:
    done: list[str] = []

    async def delete() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.1)
        done.append("deleted")

    async def work(_: terminal.Signals) -> int:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(60)
        finally:
            await terminal.finish(delete())
            done.append("waited")
        return 0

    assert terminal.run(work) == 128 + signal.SIGTERM
    assert done == ["deleted"]

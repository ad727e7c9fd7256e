"""`seaway test`: what it refuses before anything is tried."""

from pathlib import Path

import pytest

from seaway.cli import command, main
from tests.support import apiserver
from tests.unit.cli import environments

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def shop(checkout: Path, api: apiserver.ApiServer) -> Path:
    environments.prepare_shop(checkout)
    environments.write_stack(checkout, "dev", context="work")
    return checkout


def test_what_is_refused(shop: Path, api: apiserver.ApiServer, capfd: Captured, wording: object) -> None:
    assert main.main(("test", "--stack", "dev")) == command.FAILURE, "nothing is deployed"
    environments.deploy_record(api, environments.build_record(shop, "dev"))
    assert main.main(("test", "--stack", "dev", "--only", "availability")) == command.USAGE_ERROR
    for words in (("--only", "safety"), ("--seconds", "301")):
        with pytest.raises(SystemExit, match="2"):
            main.main(("test", "--stack", "dev", *words))
    environments.write_stack(shop, "dev", context="work", test="{disturb: false}")
    assert main.main(("test", "--stack", "dev", "--disturb")) == command.USAGE_ERROR
    lines = capfd.readouterr().err.splitlines()
    assert [line.partition(": error: ")[2] or line for line in lines if line.startswith("seaway")] == wording


def test_the_namespace_of_a_stack_that_refuses_says_so(shop: Path) -> None:
    def list_annotations() -> list[object]:
        rendered = environments.build_record(shop, "dev").render_objects()
        return [known.manifest["metadata"].get("annotations") for known in rendered if known.kind == "Namespace"]

    assert list_annotations() == [None]
    environments.write_stack(shop, "dev", context="work", test="{disturb: false}")
    assert list_annotations() == [{"seaway/test-disturb": "false"}]

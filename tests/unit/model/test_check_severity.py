"""``seaway:checkSeverity`` in a stack file."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from seaway.model import settings
from seaway.model.validate import check_severity
from seaway.project import stack_file
from tests.support import diagnostics

CHECKS = ("IMG-01", "AVL-01", *settings.POLICY_IDS)


def check(folder: Path, severities: str, *, build: str = "true") -> tuple[Mapping[str, str], list[str], list[str]]:
    file = folder / "Pulumi.dev.yaml"
    text = f"config:\n  seaway:context: c\n  seaway:build: {build}\n  seaway:checkSeverity: {severities}\n"
    file.write_text(text)
    config = stack_file.read_config(file)
    stack_settings = stack_file.decode_settings(config, "dev")
    errors = list(check_severity.check(stack_settings, stack_file.locate_settings(config), checks=CHECKS))
    messages = [f"{error.message}; {error.hint}" for error in errors]
    return stack_settings.check_severity, diagnostics.summarize(errors), messages


@pytest.mark.parametrize(
    ("severities", "build"), [("{AVL-01: error, IMG-01: warning}", "true"), ("{AVL-01: error}", "false")]
)
def test_a_severity_may_be_raised_everywhere_and_lowered_where_the_stack_builds(
    tmp_path: Path, severities: str, build: str
) -> None:
    assert check(tmp_path, severities, build=build)[1] == []


INVALID = {
    "similar id": ("{AVL-10: error}", "true", "AVL-10: unknown-check"),
    "lower case": ("{avl-01: error}", "true", "avl-01: unknown-check"),
    "no similar id": ("{latest: error}", "true", "latest: unknown-check"),
    "policy": ("{OUTAGE: error}", "true", "OUTAGE: unknown-check"),
    "lowered in a stack that does not build": ("{AVL-01: warning}", "false", "AVL-01: not-allowed"),
}


@pytest.mark.parametrize("case", INVALID)
def test_an_invalid_severity_is_reported(tmp_path: Path, wording: object, case: str) -> None:
    severities, build, row = INVALID[case]
    _, rows, messages = check(tmp_path, severities, build=build)
    assert rows == [f"Pulumi.dev.yaml:4:26: seaway:checkSeverity.{row}"]
    assert messages == wording

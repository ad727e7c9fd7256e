# ruff: noqa: E501 - a message stands in one line, as it is printed
"""``seaway:checkSeverity`` in a stack's file: ids that there are, and lighter only where one builds."""

from pathlib import Path

import pytest

from seaway.model import settings
from seaway.project import environments, stack_file
from seaway.syntax import diagnosis

APP = "name: shop\nservices:\n  web: {image: nginx, port: 80}\n"
HEAD = "config:\n  seaway:context: c\n"
CHECKS = ("IMG-01", "AVL-01", *settings.POLICY_IDS)


def read(folder: Path, text: str, *, pinned: bool = False) -> environments.Environment:
    (folder / "app").mkdir()
    (folder / "app" / "app.yaml").write_text(APP)
    file = folder / "Pulumi.dev.yaml"
    file.write_text(HEAD + ("  seaway:build: false\n" if pinned else "") + text)
    return environments.read_environment(stack_file.read_config(file), folder=folder, stack="dev", check_ids=CHECKS)


def test_a_weight(tmp_path: Path) -> None:
    said = read(tmp_path, "  seaway:checkSeverity: {AVL-01: error, IMG-01: warning}\n").settings
    assert said.check_severity == {"AVL-01": "error", "IMG-01": "warning"}


def test_a_release_may_be_held_to_more(tmp_path: Path) -> None:
    assert read(tmp_path, "  seaway:checkSeverity: {AVL-01: error}\n", pinned=True).settings.check_severity == {
        "AVL-01": "error"
    }


WRONG = {
    "id": ("{AVL-10: error}", 'there is no check "AVL-10"; did you mean AVL-01?'),
    "small letters": ("{avl-01: error}", 'there is no check "avl-01"; did you mean AVL-01?'),
    "no id at all": ("{latest: error}", 'there is no check "latest"; docs/checks.md has all of them'),
    "policy": ("{OUTAGE: error}", "OUTAGE is a policy of the preview, and no check; say what may pass in seaway:policy, or waive one change in seaway:waivers"),
    "off": ("{AVL-01: off}", '"off" is not one of its values; write error or warning'),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong(tmp_path: Path, case: str) -> None:
    text, told = WRONG[case]
    with pytest.raises(diagnosis.InvalidInput) as caught:
        read(tmp_path, f"  seaway:checkSeverity: {text}\n")
    name = text.strip("{}").partition(":")[0]
    assert str(caught.value) == f"Pulumi.dev.yaml:3:19: seaway:checkSeverity.{name}: {told}"


def test_lighter_only_where_one_builds(tmp_path: Path) -> None:
    with pytest.raises(diagnosis.InvalidInput) as caught:
        read(tmp_path, "  seaway:checkSeverity: {AVL-01: warning}\n", pinned=True)
    assert str(caught.value) == (
        "Pulumi.dev.yaml:4:19: seaway:checkSeverity.AVL-01: a check is made lighter only where one builds; waive it in"
        " seaway:waivers, with a reason, an owner and an end"
    )

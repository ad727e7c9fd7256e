"""Messages to the user."""

import pytest

from plugin import engine


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("objects", ""),
        ("services", ""),
        ("late-jobs-2", ""),
        ("web", ""),
        ("blog-objects", " --application blog"),
        ("my-blog-services-2", " --application my-blog"),
        ("blog-late-jobs", " --application blog"),
        ("blog-web", ""),
    ],
)
def test_commands_name_the_further_application_of_a_resource(name: str, option: str) -> None:
    urn = f"urn:pulumi:dev::shop::seaway:index:Application$seaway:index:Rollout::{name}"
    text = "fix: read its log: seaway logs{} web --previous"
    assert engine.add_application(text.format(""), urn) == text.format(option)

"""The steps of a Dockerfile, and the names that BuildKit gives them."""

import pytest
from syrupy.assertion import SnapshotAssertion

from seaway.syntax import diagnosis, dockerfile
from tests.support import diagnostics

STAGES = """# syntax=docker/dockerfile:1
ARG BASE=python:3.12
FROM ${BASE} AS install
ENV A=1
WORKDIR /app
COPY a \\
     b /app/
RUN <<EOF
FROM nothing
EOF
FROM scratch
COPY --from=install /app /app
FROM install AS test
RUN pytest
FROM --platform=linux/amd64 alpine
ADD a /a
CMD ["a"]
"""


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("[install 1/4] FROM docker.io/library/python:3.12", 3),
        ("[install 2/4] WORKDIR /app", 5),
        ("[install 3/4] COPY a      b /app/", 6),
        ("[install 4/4] RUN <<EOF (FROM nothing)", 8),
        ("[stage-1 1/1] COPY --from=install /app /app", 12),
        ("[test 1/1] RUN pytest", 14),
        ("[linux/arm64 test 1/1] RUN pytest", 14),
        ("[stage-3 2/2] ADD a /a", 16),
        ("[install  4/10] RUN <<EOF (FROM nothing)", 8),
        ("[install 4/4] COPY other", None),  # ONBUILD of a base image shifts the numbers
        ("[other 1/1] RUN x", None),
        ("[internal] load build context", None),
        ("exporting to image", None),
    ],
)
def test_a_step_is_found_by_its_name(name: str, line: int | None) -> None:
    step = dockerfile.find_step(STAGES, name)
    assert (step and step.line) == line


def test_a_single_stage_has_no_name_in_the_log() -> None:
    for text in ("FROM a\nRUN b\n", "FROM a AS c\nRUN b\n", "FROM a AS a\nRUN b\n"):
        step = dockerfile.find_step(text, "[2/2] RUN b")
        assert step
        assert (step.line, step.base_line) == (2, 1)


def test_the_base_image_of_a_stage_is_that_of_the_stage_below() -> None:
    step = dockerfile.find_step(STAGES, "[test 1/1] RUN pytest")
    assert step
    assert step.base_line == 3


def test_a_command_is_found_if_only_one_step_runs_it() -> None:
    text = 'FROM a\nRUN --mount=type=cache,target=/c pip \\\n  install "x"\nRUN true\nRUN true\n'

    def find_line(command: str) -> int | None:
        error = f'process "/bin/sh -c {command}" did not complete successfully: exit code: 1'
        step = dockerfile.find_command(text, error)
        return step and step.line

    assert find_line('pip   install \\"x\\"') == 2
    assert find_line("true") is None
    assert find_line("false") is None
    assert dockerfile.find_command(text, "not found") is None


def test_an_unknown_instruction_is_reported_with_its_line(wording: SnapshotAssertion) -> None:
    with pytest.raises(diagnosis.InvalidInput) as caught:
        dockerfile.check_instructions("FROM a\nRUNN b\nRUN c &&\n    dddd\n", "Dockerfile")
    assert diagnostics.summarize(caught.value.diagnostics) == [
        "Dockerfile:2: : unknown-instruction",
        "Dockerfile:4: : unknown-instruction",
    ]
    assert [str(diagnostic) for diagnostic in caught.value.diagnostics] == wording


@pytest.mark.parametrize(
    "text",
    [STAGES, "# escape=`\nFROM a\nRUN b `\n  c\n", "# syntax=example.com/other:1\nINCLUDE x\n", "from a\nrun b\n"],
)
def test_valid_instructions_pass(text: str) -> None:
    dockerfile.check_instructions(text, "Dockerfile")


def test_deep_brackets_are_no_list() -> None:
    text = "[" * 100_000
    assert list(dockerfile.parse_instructions(f"RUN {text}")) == [(1, "RUN", text)]

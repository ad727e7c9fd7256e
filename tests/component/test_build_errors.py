"""The hook that Pulumi calls when a build has failed."""

import asyncio
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.proto import resource_pb2_grpc

from components import build_errors, buildkit, stack_config
from seaway.files import roots
from seaway.images import build_inputs, build_reports
from seaway.model import application, settings
from seaway.project import environments

ERROR = 'failed to solve: process "/bin/sh -c false" did not complete successfully: exit code: 1'
LOG = f"#1 [2/2] RUN false\n#1 0.1 the token is hunter2\n#1 ERROR: {ERROR}\n"

Hook = Callable[[str], bool]


@dataclasses.dataclass
class ErrorHook:
    """In place of pulumi.ErrorHook, which registers itself with the engine."""

    name: str
    callback: Callable[[pulumi.ErrorHookArgs], Any]


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hook:
    """Calls the hook of an image with an error."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "Dockerfile").write_text("FROM python:3.12-slim\nRUN false\n")
    monitor = object.__new__(resource_pb2_grpc.ResourceMonitorStub)
    monkeypatch.setattr(build_errors.settings, "monitor_supports_feature", lambda _: True)
    monkeypatch.setattr(build_errors.settings, "get_monitor", lambda: monitor)
    monkeypatch.setattr(pulumi, "ErrorHook", ErrorHook)
    build = application.Build(context="web")
    app = application.Application(name="shop", services=(application.Service(name="web", build=build),))
    stack = settings.Settings(stack="dev", context="work")
    environment = dataclasses.replace(environments.Environment.create(app, stack), folder=tmp_path)
    root = roots.find_root(tmp_path, stack.root)
    inputs = build_inputs.BuildInputs.read(tmp_path, build, stack, root, lock=None)

    async def call(error: str) -> bool:
        stack_inputs = stack_config.StackInputs(
            environment=environment, build_secrets={"TOKEN": pulumi.Output.secret("hunter2")}
        )
        options = build_errors.explain_failures("web", inputs, ".seaway/context/web", stack_inputs)
        assert isinstance(options.hooks, pulumi.ResourceHookBinding)
        (declared,) = options.hooks.on_error or []
        arguments = pulumi.ErrorHookArgs(urn="", id="", name="web", type="", errors=[error, "older"])
        return await declared.callback(arguments)  # type: ignore[misc]

    return lambda error: asyncio.run(call(error))


def return_log(monkeypatch: pytest.MonkeyPatch, log: str | Exception) -> None:
    async def read_log(*_: Any, **__: Any) -> str:
        if isinstance(log, Exception):
            raise log
        return log

    monkeypatch.setattr(buildkit, "read_log", read_log)


def test_the_explanation_replaces_the_error_and_is_kept(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    return_log(monkeypatch, LOG)
    with pytest.raises(build_errors.BuildFailed) as caught:
        hook(ERROR)
    text = str(caught.value)
    assert text.startswith("\nerror: image web: web/Dockerfile:2 failed (exit code 1)\n  RUN false\n")
    assert "the token is [secret]" in text
    assert build_reports.read(tmp_path) == text.strip()
    assert "[secret]" in (tmp_path / ".seaway/builds/web.log").read_text()


def test_each_line_of_a_secret_is_hidden() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\n}\n-----END KEY-----\n"
    log = "#1 0.1 -----BEGIN KEY-----\n#1 0.2 MIIEvQIBADANBgkq\n#1 0.3 }\n#1 0.4 hunter2hunter2 abc\n"
    expected = "#1 0.1 [secret]\n#1 0.2 [secret]\n#1 0.3 }\n#1 0.4 [secret] [secret]\n"
    assert build_errors.hide_secrets(log, [key, "hunter2", "hunter2hunter2", "abc\n", ""]) == expected


def test_a_missing_log_is_reported(hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    return_log(monkeypatch, buildkit.Unavailable("the builder does not answer"))
    with pytest.raises(build_errors.BuildFailed, match="its output cannot be shown: the builder does not answer"):
        hook(ERROR)
    assert not (tmp_path / ".seaway/builds/web.log").exists()


@pytest.mark.parametrize("error", [ERROR, "rpc error: context canceled"])
def test_the_builders_error_stays_if_it_cannot_be_explained(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    """As after Ctrl-C."""
    return_log(monkeypatch, ValueError("a defect"))
    assert hook(error) is False
    assert build_reports.read(tmp_path) == ""

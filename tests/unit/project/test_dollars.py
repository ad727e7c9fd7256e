"""The values that users write arrive in the program byte for byte: what the kubelet expands is a model of it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seaway.kubernetes.api import references
from seaway.project import load
from seaway.syntax import yaml_parser
from tests import golden
from tests.support import kubelet, rendering

TEXTS = st.text(st.sampled_from("$$$$()(){}AXb -\né\U0001f600"), max_size=12)
in_a_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def run_container(container: dict[str, Any]) -> dict[str, Any]:
    """What the program gets: its variables, its words, and the words of a probe."""
    variables: dict[str, str] = {}
    for variable in container["env"]:
        variables[variable["name"]] = kubelet.expand(variable["value"], variables)
    static = {variable["name"]: variable["value"] for variable in container["env"]}
    probe = container["readinessProbe"]["exec"]["command"]
    return {
        "env": variables,
        "command": [kubelet.expand(word, variables) for word in container["command"]],
        "args": [kubelet.expand(word, variables) for word in container["args"]],
        "probe": [kubelet.expand(word, static) for word in probe],
    }


def run_file(folder: Path, text: str, *, overlay: bool = False, name: str = "app.yaml") -> dict[str, Any]:
    """What the program gets from a text in each place of an application. ``A`` is a variable that it has."""
    texts: dict[str, Any] = {"env": {"TEXT": text, "A": "1"}, "command": ["x", text], "args": [text]}
    texts["health"] = {"readiness": ["x", text]}
    web: dict[str, Any] = {"image": "nginx", "port": 8080}
    document = {"name": "shop", "services": {"web": web if overlay else {**web, **texts}}}
    (folder / name).write_text(json.dumps(document, ensure_ascii=False))
    changes = (
        yaml_parser.parse(json.dumps({"services": {"web": texts}}, ensure_ascii=False), "Pulumi.dev.yaml")
        if overlay
        else None
    )
    (service,) = load.load_application(folder / name, overlay=changes).services
    return run_container(rendering.render(service).get_container())


def expect(text: str) -> dict[str, Any]:
    return {"env": {"A": "1", "TEXT": text}, "command": ["x", text], "args": [text], "probe": ["x", text]}


@pytest.mark.parametrize("overlay", [False, True])
@given(TEXTS)
@in_a_folder
def test_a_dollar_is_a_dollar(folder: Path, overlay: bool, text: str) -> None:
    """Only ``$(`` has a meaning, and each text can be written: dollars in front of ``(`` twice."""
    if "$(" not in text:
        assert run_file(folder / "app", text, overlay=overlay) == expect(text)
    written = re.sub(r"\$+\(", lambda match: match[0].replace("$", "$$"), text)
    assert run_file(folder / "app", written, overlay=overlay) == expect(text)
    assert references.escape(text) == written


CASES = {
    "pa$$word": "pa$$word",
    "$": "$",
    "$$": "$$",
    "$$$": "$$$",
    "$x ${A} $A": "$x ${A} $A",
    "$é": "$é",
    "x$(A)y": "x1y",
    "$$(A)": "$(A)",
    "$$$(A)": "$1",
    "$$$$(A)": "$$(A)",
    "$(UNKNOWN)": "$(UNKNOWN)",
    "$$(UNKNOWN)": "$(UNKNOWN)",
    "$(date +%s)": "$(date +%s)",
    "$(": "$(",
    "$(A": "$(A",
    "$()": "$()",
    "a$$(A)$(A)$$": "a$(A)1$$",
}


@pytest.mark.parametrize(("text", "arrives"), CASES.items())
def test_references(folder: Path, text: str, arrives: str) -> None:
    assert run_file(folder / "app", text) == expect(arrives)


@given(TEXTS)
@in_a_folder
def test_a_program_in_python_and_a_compose_file(folder: Path, text: str) -> None:
    (folder / "app" / "app.py").write_text(
        "import seaway as sw\n"
        f"service = sw.Service('web', image='nginx', port=8080, env={{'TEXT': {text!r}, 'A': '1'}},"
        f" command=['x', {text!r}], args=[{text!r}], health=sw.Health(readiness=['x', {text!r}]))\n"
        "application = sw.Application('shop', services=[service])\n"
    )
    (web,) = load.load_application(folder / "app" / "app.py").services
    assert run_container(rendering.render(web).get_container()) == run_file(folder / "app", text)
    # Compose has a syntax of its own: there each dollar is written twice.
    own = text.replace("$", "$$")
    service: dict[str, Any] = {"image": "nginx", "environment": {"TEXT": own, "A": "1"}, "user": "10001"}
    service |= {"entrypoint": ["x", own], "command": [own], "healthcheck": {"test": ["CMD", "x", own]}}
    (folder / "app" / "compose.yaml").write_text(
        json.dumps({"name": "shop", "services": {"web": service}}, ensure_ascii=False)
    )
    app = load.load_application(folder / "app" / "compose.yaml")
    assert run_container(rendering.render(app.services[0]).get_container()) == expect(text)


def test_a_variable_follows_those_that_it_refers_to() -> None:
    variables = {"DATABASE_URL": "$(DB_USER):$(DB_PASSWORD)", "DB_USER": "$(NAME)", "NAME": "me", "A": "$(A)$$(Z)"}
    assert list(references.sort_variables(variables)) == ["A", "NAME", "DB_USER", "DATABASE_URL"]
    assert list(references.sort_variables({"B": "$(A)$(C)", "A": "$(B)", "C": "c"})) == ["C", "A", "B"]
    plain = dict.fromkeys("cab", "$x")
    assert list(references.sort_variables(plain)) == ["a", "b", "c"]


@given(TEXTS)
def test_what_needs_no_expansion_is_found(text: str) -> None:
    quoted = references.quote(text)
    assert not references.list_names(quoted)
    assert references.unquote(quoted) == kubelet.expand(quoted, {}) == text


def test_existing_applications_stay_the_same() -> None:
    """None has a ``$$``."""
    for example in golden.EXAMPLES:
        assert "$$" not in str(golden.load_example(example)), example


def test_other_texts_are_no_references(folder: Path) -> None:
    """The arguments of a build, labels, raw fields and the path of a probe are not expanded, or not by Seaway."""
    raw = {"Deployment": {"metadata": {"annotations": {"a": "$$"}}}}
    web: dict[str, Any] = {"build": {"context": "web", "args": {"A": "$$"}}, "port": 80, "raw": raw, "health": "/$$"}
    web["sidecars"] = {"args": {"image": "envoy", "env": {"A": "$$"}}}
    (folder / "app" / "app.yaml").write_text(json.dumps({"name": "shop", "services": {"env": web}}))
    (service,) = load.load_application(folder / "app" / "app.yaml").services
    assert service.build is not None
    assert (service.build.args, service.raw, service.health.readiness) == ({"A": "$$"}, raw, "/$$")
    assert service.sidecars[0].env == {"A": "$$$$"}

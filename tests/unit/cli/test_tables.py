"""Every table of the command line at 80 and 120 columns: cells are folded, and no text of theirs is lost."""

import inspect
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich import text

from seaway import cli
from seaway.cli import display, main
from seaway.images import registry
from seaway.kubernetes.api import fields
from seaway.release import drift
from tests import golden
from tests.support import apiserver
from tests.unit.cli import conftest, environments

COMPOSE = "services: {web: {image: nginx, ports: ['8080:80'], restart: always, dns: 10.0.0.1, privileged: true}}\n"
LONG = "registry.example.com/" + "name/" * 40 + "end"
EVENT = {"kind": "Deployment", "name": "web", "namespace": "shop-dev"}
IMAGE = fields.Change(("spec", "image"), declared="web:1", live={"a": "b" * 300})
CHANGE = drift.Difference(kind="Deployment", name="web", change=IMAGE, set_by="kubectl-edit")
COMMANDS = {
    "check": ("check",),
    "check_cluster": ("check", "--cluster"),
    "diff": ("diff", "dev", "other"),
    "explain": ("explain", "web"),
    "explain_defaults": ("explain", "--defaults"),
    "graph": ("graph",),
    "export": ("export",),
    "import": ("import", "compose.yaml", "--all"),
    "images": ("images", "outdated"),
    "preview": ("preview", "--offline", "--base", "HEAD"),
    "release_list": ("release", "list"),
    "promote": ("release", "promote", "dev", "staging"),
    "drift": ("status", "--drift"),
    "status": ("status",),
    "test": ("test",),
    "help": ("help",),
}
MODULES = {
    "check",
    "diff",
    "explain",
    "graph",
    "help",
    "images_outdated",
    "import_compose",
    "preview",
    "release_list",
    "release_promote",
    "status",
    "status_report",
    "test",
}
"""The modules that print tables. A new one needs a row above."""


@pytest.fixture
def prepared(checkout: Path, api: apiserver.ApiServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The application shop in dev, with something to print for each command."""
    environments.prepare_shop(checkout)
    (checkout / "compose.yaml").write_text(COMPOSE)
    environments.write_stack(checkout, "dev", context="work")
    environments.deploy_record(api, environments.build_record(checkout, "dev"))
    overlay = f"seaway:overlay: {{services: {{web: {{env: {{LONG: {LONG}}}}}}}}}"
    (checkout / "Pulumi.other.yaml").write_text(f"config:\n  {environments.DEV}\n  {overlay}\n")
    now = "2999-01-01T00:00:00Z"
    _, web = api.answer("/apis/apps/v1/namespaces/shop-dev/deployments/web")
    about = EVENT | {"uid": web["metadata"]["uid"]}
    api.put("v1", "Event", "shop-dev", "e", type="Warning", involvedObject=about, message=LONG, lastTimestamp=now)
    monkeypatch.setattr(registry, "resolve_digest", lambda _: f"sha256:{'1' * 64}")
    monkeypatch.setenv("PULUMI_STACK", "dev")
    monkeypatch.setenv("PATH", f"{checkout / 'nothing'}:/usr/bin:/bin")
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for words in (("init", "-q"), ("add", "."), (*identity, "commit", "-qm", "first")):
        subprocess.run(["git", *words], check=True, cwd=checkout)
    environments.replace_in_app(checkout, "scale: 1", "scale: 3")
    return checkout


@pytest.mark.usefixtures("prepared")
@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", COMMANDS)
def test_no_text_of_a_cell_is_lost(
    api: apiserver.ApiServer, name: str, width: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    tables: list[tuple[Sequence[str], list[list[str]]]] = []

    def record(function: Any) -> Any:
        def call(headings: Sequence[str], rows: Iterable[Sequence[str | text.Text]], *more: Any, **options: Any) -> Any:
            kept = [list(row) for row in rows]
            tables.append((headings, [[str(cell) for cell in row] for row in kept]))
            return function(headings, kept, *more, **options)

        return call

    for function in (display.print_table, display.build_rows):
        monkeypatch.setattr(display, function.__name__, record(function))

    async def detect(*_: object) -> tuple[str, list[drift.Difference]]:
        return "0a1b2c", [CHANGE]

    if name == "drift":
        monkeypatch.setattr(drift, "detect", detect)
    if name == "status":
        labels = {"app.kubernetes.io/name": "web", "app.kubernetes.io/part-of": "shop", "seaway/stack": "dev"}
        rules = [{"host": f"shop{number}.example.com", "http": {"paths": [{"path": "/"}]}} for number in range(3)]
        api.put("networking.k8s.io/v1", "Ingress", "shop-dev", "web", labels=labels, spec={"rules": rules})
    monkeypatch.setenv("COLUMNS", str(width))
    main.main(COMMANDS[name])
    captured = capfd.readouterr()
    output = f"{captured.out}{captured.err}"
    assert any(rows for _, rows in tables), output
    if name not in ("export", "promote"):  # documents and command lines are not folded
        assert max(map(len, captured.out.splitlines())) <= width
    printed = Counter(output)
    for headings, rows in tables:
        cells = Counter("".join(cell for row in [headings, *rows] for cell in row if cell != display.EMPTY))
        lost = {character: number for character, number in (cells - printed).items() if not character.isspace()}
        assert not lost
    assert "…" not in output
    squeezed = re.sub(r"\s", "", output)
    for _, rows in tables if name == "status" else ():
        assert all(re.sub(r"\s", "", cell) in squeezed for row in rows for cell in row)


def test_each_module_that_prints_a_table_has_a_row() -> None:
    sources = Path(inspect.getfile(cli)).parent.glob("*.py")
    found = {file.stem for file in sources if re.search(r"display\.(print_table|build_rows)\(", file.read_text())}
    assert found == MODULES


def test_the_sample_has_no_findings(monkeypatch: pytest.MonkeyPatch, seaway: conftest.Seaway) -> None:
    monkeypatch.chdir(golden.ROOT)
    out = seaway("check", "--stack", "dev").out
    assert re.fullmatch(r".* · stack dev · (\d+) checks: \1 passed\n", out), out

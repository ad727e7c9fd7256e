"""What `seaway export` writes, before Docker Compose itself: it takes it, and reads what we read."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from dev.compose_comparison import config, projects
from seaway.compose import report
from seaway.compose.exporter import exporter
from seaway.compose.importer import convert
from seaway.compose.loader import loader
from seaway.files import roots, working_tree
from seaway.model.defaults import resolve
from seaway.project import load
from seaway.syntax import yaml_parser
from tests import golden

pytestmark = pytest.mark.optional

EXAMPLES = [golden.ROOT / "app", *(golden.ROOT / "examples" / name for name in golden.EXAMPLES)]
FILE = "compose.seaway.yaml"


def list_differences(export: exporter.ExportResult, folder: Path) -> list[str]:
    (folder / FILE).write_text(export.to_yaml(["For a test."]))
    return list(config.compare("out", [folder / FILE]).unexpected)


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_examples(folder: Path, tmp_path: Path) -> None:
    there = tmp_path / "it"
    shutil.copytree(folder, there)
    file = there / "app.yaml"
    app = load.load_application(file, root=roots.Root(there))
    assert (
        list_differences(exporter.export_application(app, yaml_parser.parse(file.read_bytes(), "app.yaml")), there)
        == []
    )


@pytest.mark.parametrize(("name", "files"), projects.list_projects().items(), ids=[*projects.list_projects()])
def test_what_was_imported(name: str, files: Sequence[Path], tmp_path: Path) -> None:
    there = tmp_path / "it"
    shutil.copytree(files[0].parent, there)
    listed = [there / file.name for file in files]
    root = loader.load(listed, within=roots.Root(there), environment=projects.ENVIRONMENT, profiles=["*"]).root
    conversion = convert.convert_document(root, folder=there)
    merged = load.merge_overlay(conversion.app, None, working_tree.WorkingTree(folder=there, root=roots.Root(there)))
    if merged.app is None or merged.diagnostics:
        assert report.list_refusals(conversion.outcomes)
        return
    assert (
        list_differences(exporter.export_application(resolve.resolve_application(merged.app), conversion.app), there)
        == []
    )

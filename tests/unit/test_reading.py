"""Files are read by the one reader: whatever else opens one is listed here, with the reason."""

import ast
from collections.abc import Iterator
from pathlib import Path

from dev import project

READS = {"open", "read_text", "read_bytes", "copyfile", "copy2", "copytree", "fdopen", "run_path"}
OTHERS = {
    "seaway/model/roots.py": "the reader itself",
    "seaway/images/staging.py": "writes the copy; reads by roots.open_regular",
    "seaway/images/index.py": "writes",
    "seaway/model/private.py": "opens .seaway itself to narrow its mode",
    "seaway/model/program.py": "runs what the reader has read",
    "seaway/model/schema.py": "a file of the package",
    "seaway/compose/schema.py": "a file of the package",
    "seaway/cluster/kubeconfig.py": "the user's own, named by KUBECONFIG",
    "seaway/cli/main.py": "/dev/null in the place of a closed stdout",
    "seaway/cli/program.py": "the terminal",
    "seaway/cli/recovery.py": "Pulumi's own locks, and /proc",
    "seaway/cli/stack.py": "Pulumi's own workspace",
    "components/settings.py": "the user's own, named by PULUMI_CONFIG_PASSPHRASE_FILE",
}


def reads(source: str) -> Iterator[str]:
    """The calls that open or copy a file, however they are spelled."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = node.func
            name = (
                called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
            )
            if name in READS:
                yield f"{node.lineno}: {name}"


def test_nothing_else_reads_a_file() -> None:
    found: dict[str, list[str]] = {}
    for folder in ("seaway", "components"):
        for file in sorted((project.ROOT / folder).rglob("*.py")):
            if lines := list(reads(file.read_text())):
                found[file.relative_to(project.ROOT).as_posix()] = lines
    assert {name: lines for name, lines in found.items() if name not in OTHERS} == {}
    assert sorted(set(OTHERS) - set(found)) == []


def test_a_file_that_is_opened_is_seen() -> None:
    for line in (
        "open(x)",
        "Path(x).open()",
        "p.read_text()",
        "p.read_bytes()",
        "shutil.copyfile(a, b)",
        "os.open(x, 0)",
    ):
        assert list(reads(line))
    assert not list(reads("root.read(path, '', place, '')"))
    assert Path(project.ROOT, "seaway/model/roots.py").is_file()

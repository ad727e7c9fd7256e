"""One module reads files and one module writes files. Exceptions are listed with the reason."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev import project

READS = {"open", "read_text", "read_bytes", "copyfile", "copy2", "copytree", "fdopen", "run_path"}
OTHERS = {
    "seaway/files/roots.py": "the reader",
    "seaway/files/writer.py": "the writer",
    "seaway/images/staging.py": "writes the copy; reads with roots.open_regular_file",
    "seaway/project/python_nodes.py": "the lines of a program that has run",
    "seaway/project/python_program.py": "runs a program that the reader has read",
    "seaway/cli/help.py": "the pages in the package",
    "seaway/cli/new.py": "the template in the package",
    "seaway/kubernetes/api/schema.py": "a file of the package",
    "seaway/compose/loader/schema.py": "a file of the package",
    "seaway/kubernetes/cluster/credentials.py": "the token file of the user's kubeconfig",
    "seaway/kubernetes/cluster/kubeconfig.py": "the user's file in KUBECONFIG",
    "seaway/cli/main.py": "/dev/null instead of a closed stdout",
    "seaway/cli/pulumi_cli.py": "the terminal",
    "seaway/cli/recovery.py": "Pulumi's own locks, and /proc",
    "seaway/cli/stack.py": "Pulumi's own workspace",
    "components/buildkit.py": "buildx's own files in DOCKER_CONFIG",
    "seaway/project/passphrase.py": "stack_file.read_bytes, which uses the reader",
    "seaway/project/stack_file.py": "its own read_bytes, which uses the reader",
    "seaway/release/stored_record.py": "StoredRecord.read_text, which reads no file",
    "seaway/review/offline.py": "stack_file.read_bytes, which uses the reader",
}

WRITES = {"write_text", "write_bytes", "unlink", "rename", "rmtree", "mkdir", "makedirs", "symlink_to", "touch"}
WRITERS = {
    "seaway/files/writer.py": "the writer",
    "seaway/files/private.py": "the folders above .seaway",
    "seaway/images/staging.py": "the copy in .seaway, in a folder of the writer",
    "seaway/cli/revision.py": "a temporary folder",
    "seaway/release/signatures.py": "a temporary folder",
    "seaway/cli/new.py": "the folder of a new project",
}


def list_calls(source: str, names: set[str]) -> Iterator[str]:
    """List the calls of functions or methods with these names."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = node.func
            name = (
                called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
            )
            if name in names:
                yield f"{node.lineno}: {name}"


@pytest.mark.parametrize(("names", "allowed"), [(READS, OTHERS), (WRITES, WRITERS)])
def test_only_listed_modules_read_or_write_files(names: set[str], allowed: dict[str, str]) -> None:
    calls_by_file: dict[str, list[str]] = {}
    for folder in ("seaway", "components"):
        for file in sorted((project.ROOT / folder).rglob("*.py")):
            if "template" not in file.parts and (lines := list(list_calls(file.read_text(), names))):
                calls_by_file[file.relative_to(project.ROOT).as_posix()] = lines
    assert {name: lines for name, lines in calls_by_file.items() if name not in allowed} == {}
    assert sorted(set(allowed) - set(calls_by_file)) == []


def test_file_access_is_detected() -> None:
    for line in (
        "open(x)",
        "Path(x).open()",
        "p.read_text()",
        "p.read_bytes()",
        "shutil.copyfile(a, b)",
        "os.open(x, 0)",
    ):
        assert list(list_calls(line, READS))
    assert not list(list_calls("root.read(path, '', place, '')", READS))
    assert Path(project.ROOT, "seaway/files/roots.py").is_file()

"""Resolves the paths in a compose file, and makes them relative to the folder of the project's first file."""

import os
import re
from pathlib import Path

from seaway.compose.loader import tree
from seaway.files import roots
from seaway.syntax import diagnosis, nodes

_REMOTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://|git@|github\.com/|oci:|[\w.-]+@[\w.-]+:")


def is_remote(written_path: str) -> bool:
    """Whether a path is on another machine: git, http, oci."""
    return bool(_REMOTE.match(written_path))


def resolve(within: roots.Root, written_path: str, base: Path, location: diagnosis.SourceLocation, path: str) -> Path:
    """A file relative to ``base``. Raises diagnosis.InvalidInput: it is remote, or outside the root."""
    name = diagnosis.quote(written_path)
    if is_remote(written_path):
        message, hint = f"{name} is on another machine", "copy it into the project, and name the copy"
        raise diagnosis.reject(location, path, "remote-file", message, hint)
    if written_path.startswith("~"):  # the home of the current user
        raise diagnosis.reject(location, path, "outside-root", f"{name} is outside the project", within.hint)
    within.resolve_path(base / written_path, name, location, path)
    return base / written_path


def rebase(root: nodes.MappingNode, base: Path, to: Path, within: roots.Root, errors: tree.Errors) -> nodes.MappingNode:
    """Change paths relative to ``base`` to paths relative to ``to``.

    A file that is read must be inside the project. A bind mount may be outside: its path is kept for the report.
    """

    def format_path(path: Path) -> str:
        return Path(os.path.relpath(path, to)).as_posix()

    def find_file(text: str, folder: Path, node: nodes.Node, path: str) -> Path | None:
        try:
            return resolve(within, text, folder, node.location, path)
        except diagnosis.InvalidInput as error:
            errors.diagnostics.extend(error.diagnostics)
            return None

    def rebase_file(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
        if not tree.is_scalar(node) or not node.text:
            return node
        resolved = find_file(node.text, base, node, path)
        return nodes.ScalarNode(node.location, format_path(resolved)) if resolved else node

    def rebase_context(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
        if isinstance(node, nodes.ScalarNode) and (is_remote(node.text) or node.text.startswith("service:")):
            return node
        return rebase_file(node, path, errors)

    def check_build(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
        """The Dockerfile is relative to the context, and stays so."""
        context, dockerfile = tree.get_text(node, "context") or ".", tree.get_node(node, "dockerfile")
        if dockerfile and tree.is_scalar(dockerfile) and dockerfile.text and not is_remote(context):
            find_file(dockerfile.text, base / context, dockerfile, f"{path}.dockerfile")
        return node

    def rebase_host_path(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
        if not isinstance(node, nodes.ScalarNode) or not node.text.startswith("."):
            return node
        written, name = base / node.text, diagnosis.quote(node.text)
        absolute = Path(os.path.abspath(written))  # noqa: PTH100 - the path, not the target of a link
        if absolute.is_relative_to(within.folder) and not within.allows(written):
            message = f"{name} is a link to a path outside the project"
            errors.add(node, path, "outside-root", message, "copy the files into the project")
            return node
        if written.exists() and not written.is_file() and not written.is_dir():
            # Reading a pipe or a device does not end.
            errors.add(node, path, "unreadable-file", f"{name} is not a file or folder", "write the path of one")
            return node
        return nodes.ScalarNode(node.location, format_path(absolute))

    def rebase_mount(node: nodes.Node, path: str, errors: tree.Errors) -> nodes.Node:
        source = tree.get_node(node, "source")
        if not isinstance(node, nodes.MappingNode) or source is None or tree.get_text(node, "type") != "bind":
            return node
        if isinstance(source, nodes.ScalarNode) and not source.text.startswith((".", "/", "~", "\\")):
            # The long form needs no ./ before a name.
            source = nodes.ScalarNode(source.location, f"./{source.text}")
        return tree.replace_keys(node, {"source": rebase_host_path(source, f"{path}.source", errors)})

    rules: dict[str, tree.Rule] = {
        "services.*.build": check_build,
        "services.*.build.context": rebase_context,
        "services.*.build.additional_contexts.*": rebase_context,
        "services.*.credential_spec.file": rebase_file,
        "services.*.develop.watch.*.path": rebase_host_path,
        "services.*.env_file.*.path": rebase_file,
        "services.*.label_file.*": rebase_file,
        "services.*.volumes.*": rebase_mount,
        "configs.*.file": rebase_file,
        "secrets.*.file": rebase_file,
    }
    return tree.apply_to_mapping(root, tree.build(rules), errors)

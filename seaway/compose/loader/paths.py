"""The paths of one Compose file, as those of the project's first: relative to its folder, and inside the project."""

import os
from pathlib import Path

from seaway.compose.loader import files, tree
from seaway.files import roots
from seaway.syntax import diagnosis, nodes


def rebase(
    root: nodes.MappingNode, base: Path, to: Path, within: roots.Root, found: list[diagnosis.Diagnostic]
) -> nodes.MappingNode:
    """``base``: what the paths are relative to where they are written; ``to``: what they are relative to after.

    What a container would see of the machine (bind mounts) may lie outside, and is then told by its path; what would
    be read here must not.
    """

    def told(path: Path) -> str:
        return Path(os.path.relpath(path, to)).as_posix()

    def read(node: nodes.Node, path: str, found: list[diagnosis.Diagnostic]) -> nodes.Node:
        if not isinstance(node, nodes.ScalarNode) or node.kind == "null" or not node.text:
            return node
        try:
            return nodes.ScalarNode(node.location, told(files.resolve(within, node.text, base, node.location, path)))
        except diagnosis.InvalidInput as error:
            found.extend(error.diagnostics)
            return node

    def context(node: nodes.Node, path: str, found: list[diagnosis.Diagnostic]) -> nodes.Node:
        if isinstance(node, nodes.ScalarNode) and (files.is_remote(node.text) or node.text.startswith("service:")):
            return node
        return read(node, path, found)

    def build(node: nodes.Node, path: str, found: list[diagnosis.Diagnostic]) -> nodes.Node:
        """The Dockerfile is relative to the context, and may be in neither."""
        where, dockerfile = tree.get_text(node, "context") or ".", tree.get_text(node, "dockerfile")
        if dockerfile and isinstance(node, nodes.MappingNode) and not files.is_remote(where):
            entry = node.pairs["dockerfile"]
            try:
                files.resolve(within, dockerfile, base / where, entry.node.location, f"{path}.dockerfile")
            except diagnosis.InvalidInput as error:
                found.extend(error.diagnostics)
        return node

    def host(node: nodes.Node, path: str, found: list[diagnosis.Diagnostic]) -> nodes.Node:
        if not isinstance(node, nodes.ScalarNode) or not node.text.startswith("."):
            return node
        written = base / node.text
        plain = Path(os.path.abspath(written))  # noqa: PTH100 - a link is not followed to its name
        if plain.is_relative_to(within.folder) and not within.allows(written):
            wrong = f"{diagnosis.quote(node.text)} is a link that leads outside the project"
            found.append(diagnosis.Diagnostic(node.location, path, wrong, "put the files themselves there"))
            return node
        if written.exists() and not written.is_file() and not written.is_dir():
            # A pipe would never end, a device neither.
            wrong = f"{diagnosis.quote(node.text)} is neither a file nor a folder"
            found.append(diagnosis.Diagnostic(node.location, path, wrong, "write the path of one"))
            return node
        return nodes.ScalarNode(node.location, told(plain))

    def mount(node: nodes.Node, path: str, found: list[diagnosis.Diagnostic]) -> nodes.Node:
        source = node.pairs.get("source") if isinstance(node, nodes.MappingNode) else None
        if not isinstance(node, nodes.MappingNode) or source is None or tree.get_text(node, "type") != "bind":
            return node
        written = source.node
        if isinstance(written, nodes.ScalarNode) and not written.text.startswith((".", "/", "~", "\\")):
            # The long form needs no ./ before a name.
            written = nodes.ScalarNode(written.location, f"./{written.text}")
        after = host(written, f"{path}.source", found)
        return tree.replace_keys(node, {"source": after})

    rules: dict[str, tree.Rule] = {
        "services.*.build": build,
        "services.*.build.context": context,
        "services.*.build.additional_contexts.*": context,
        "services.*.credential_spec.file": read,
        "services.*.develop.watch.*.path": host,
        "services.*.env_file.*.path": read,
        "services.*.label_file.*": read,
        "services.*.volumes.*": mount,
        "configs.*.file": read,
        "secrets.*.file": read,
    }
    node = tree.apply(root, tree.build(rules), found)
    return node if isinstance(node, nodes.MappingNode) else root

"""The folder of a compose project: which of its files can become configuration."""

import dataclasses
import os
import posixpath
from pathlib import Path

from seaway.files import ignore, roots
from seaway.model.validate import mounts
from seaway.syntax import diagnosis

MAX_FILES = 50
"""Files of a folder that become configuration. A bigger folder holds data."""

PLACEHOLDER_FILES = (".gitkeep", ".gitignore", ".keep")
"""Files that keep an empty folder in Git."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProjectDir:
    """``root``: the only place that may be read."""

    folder: Path
    root: roots.Root

    def to_relative(self, source: str) -> str | None:
        """A path relative to the compose file, as ``./nginx.conf``; None: it is outside of the project."""
        if source.startswith("~"):
            return None
        if posixpath.isabs(source):
            source = os.path.relpath(source, self.folder.absolute())
        path = posixpath.normpath(source)
        if path == ".." or path.startswith("../"):
            return path if self.root.allows(self.folder / path) else None
        return path if path == "." else f"./{path}"

    def is_folder(self, relative: str) -> bool:
        """A missing path without a dot in its name counts as a folder: Docker would create it."""
        path = self.folder / relative
        if path.exists():
            return path.is_dir()
        return "." not in posixpath.basename(relative.rstrip("/")).lstrip(".")

    def is_missing(self, relative: str) -> bool:
        return not (self.folder / relative).exists()

    def is_empty(self, relative: str) -> bool:
        """Whether a folder is missing, or holds placeholders only."""
        path = self.folder / relative
        return not path.exists() or (path.is_dir() and all(file.name in PLACEHOLDER_FILES for file in path.iterdir()))

    def list_files(self, relative: str, *, text_only: bool) -> tuple[str, ...]:
        """The files of a folder if they fit into a ConfigMap, and all are text or need not be; else none."""
        root, size, files = self.folder / relative, 0, list[str]()
        for parent, folders, names in os.walk(root):
            folders.sort()
            for name in sorted(names):
                path = Path(parent) / name
                if path.is_symlink() or not path.is_file() or len(files) >= MAX_FILES:
                    return ()
                size += path.stat().st_size
                if size > mounts.MAX_CONFIG_MAP_BYTES:
                    return ()
                files.append(path.relative_to(root).as_posix())
        return () if text_only and any(self._decode(root / name) is None for name in files) else tuple(files)

    def explain_unusable(self, relative: str) -> str:
        """Why a file or folder cannot be configuration; empty: it can, or it is missing."""
        path = self.folder / relative
        files = sorted(file for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file())
        if len(files) > MAX_FILES:
            return f"has {len(files):,} files, and configuration has at most {MAX_FILES}"
        sizes = {file: file.stat().st_size for file in files}
        if sum(sizes.values()) > mounts.MAX_CONFIG_MAP_BYTES:
            largest = max(files, key=lambda file: sizes[file])
            return f"is too large for configuration: {largest.name} has {sizes[largest]:,} bytes"
        links = [file.name for file in files if path.is_dir() and file.is_symlink()]
        return f"has a link, {links[0]}" if links else ""

    def is_ignored(self, context: str, relative: str) -> bool:
        """Whether the .dockerignore of a build context excludes a path of it."""
        try:
            rules = ignore.IgnoreRules(self.find_text(posixpath.join(context, ".dockerignore")) or "")
        except diagnosis.InvalidInput:
            return False
        return rules.excludes(relative)

    def is_executable(self, relative: str) -> bool:
        """Whether a file is a program, such as a script."""
        inside = self.to_relative(relative)
        return inside is not None and os.access(self.folder / inside, os.X_OK)

    def find_text(self, relative: str) -> str | None:
        """The text of a configuration file; None: it is missing, outside, too big or not UTF-8."""
        inside = self.to_relative(relative)
        return None if inside is None else self._decode(self.folder / inside)

    def _decode(self, path: Path) -> str | None:
        try:
            content = self.root.read(path, "", diagnosis.SourceLocation(""), "", limit=mounts.MAX_CONFIG_MAP_BYTES)
            return content.decode()
        except (diagnosis.InvalidInput, UnicodeDecodeError):
            return None

"""What a test asserts of diagnostics: location, path and code. Their wording is in the snapshot of the package."""

from collections.abc import Iterable

from seaway.syntax import diagnosis


def summarize(diagnostics: Iterable[diagnosis.Diagnostic]) -> list[str]:
    """One line per diagnostic, ``app/app.yaml:3:5: services.web.port: invalid-port``."""
    return [f"{found.location}: {found.path}: {found.code}" for found in diagnostics]

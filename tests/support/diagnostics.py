"""What a test asserts of diagnostics: location, path and code. Their wording is in the snapshot of the package."""

from collections.abc import Callable, Iterable

import pytest

from seaway.syntax import diagnosis


def summarize(diagnostics: Iterable[diagnosis.Diagnostic]) -> list[str]:
    """One line per diagnostic, ``app/app.yaml:3:5: services.web.port: invalid-port``."""
    return [f"{diagnostic.location}: {diagnostic.path}: {diagnostic.code}" for diagnostic in diagnostics]


def catch(call: Callable[[], object]) -> tuple[diagnosis.Diagnostic, ...]:
    """All diagnostics of a call, which must fail."""
    with pytest.raises(diagnosis.InvalidInput) as caught:
        call()
    return caught.value.diagnostics

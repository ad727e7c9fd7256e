"""Prints docs/checks.md: ``python -m seaway.checks > docs/checks.md``."""

import sys

from seaway.checks import docs

sys.stdout.write(docs.format_page())

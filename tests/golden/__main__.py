"""Writes the golden manifests: ``python -m tests.golden``. Read the diff before it is committed."""

from tests import golden

for example in golden.EXAMPLES:
    golden.file(example).write_text(golden.format_manifests(example))
    print(golden.file(example).relative_to(golden.ROOT))

"""Writes the golden manifests: ``python -m tests.golden``. Review the diff before you commit it."""

from tests import golden

for example in (*golden.EXAMPLES, *golden.STACK_EXAMPLES):
    golden.file(example).write_text(golden.format_manifests(example))
    print(golden.file(example).relative_to(golden.ROOT))

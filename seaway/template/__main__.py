"""The stack's program. Run by `pulumi up`."""

from seaway.components import program

program.run()

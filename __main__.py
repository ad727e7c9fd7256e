"""The stack's program. Run by ``pulumi up``."""

from components import program

program.run()

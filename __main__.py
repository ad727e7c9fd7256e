"""The stack: settings -> application -> components -> outputs. Run by ``pulumi up``."""

import sys
from pathlib import Path

import pulumi

from components import application, settings
from seaway.model import problems

TOLD = 32
"""Exit code that tells the language host: the user has seen what is wrong, say nothing more."""

try:
    deployed = application.Application(settings.read(Path.cwd()))
except problems.Invalid as error:
    pulumi.log.error(str(error))
    sys.exit(TOLD)

for name, value in deployed.outputs.items():
    pulumi.export(name, value)

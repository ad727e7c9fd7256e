"""The stack: settings -> application -> components -> outputs. Run by ``pulumi up``."""

from pathlib import Path

import pulumi

from components import application, settings
from seaway.model import problems

try:
    deployed = application.Application(settings.read(Path.cwd()))
except problems.Invalid as error:
    raise pulumi.RunError(str(error)) from None

for name, value in deployed.outputs.items():
    pulumi.export(name, value)

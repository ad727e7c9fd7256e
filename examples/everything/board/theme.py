"""Writes a colour to a folder, for the container that starts next."""

import os
import pathlib
import sys

pathlib.Path(sys.argv[1], "theme").write_text(os.environ.get("COLOUR", "grey"))

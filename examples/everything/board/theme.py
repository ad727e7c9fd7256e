"""Leaves a colour in a folder for the program that starts next."""

import os
import pathlib
import sys

pathlib.Path(sys.argv[1], "theme").write_text(os.environ.get("COLOUR", "grey"))

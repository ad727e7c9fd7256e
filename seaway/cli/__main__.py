"""``python -m seaway.cli``: the command where it is not installed."""

import sys

from seaway.cli import main

sys.exit(main.main())

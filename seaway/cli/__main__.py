"""``python -m seaway.cli``: the command where it is not installed."""

import sys

from seaway.cli import main

if __name__ == "__main__":
    sys.exit(main.main())

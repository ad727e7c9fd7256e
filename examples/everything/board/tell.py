"""Writes a word into the journal: what the jobs do. ``python3 tell.py prepared``"""

import sys

import talk

print(talk.ask("JOURNAL", f"add {sys.argv[1]}"), end="")

"""Adds a word to the journal, for the jobs: ``python3 tell.py prepared``"""

import sys

import talk

print(talk.request("JOURNAL", f"add {sys.argv[1]}"), end="")

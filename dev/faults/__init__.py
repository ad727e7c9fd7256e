"""Injects every cause of a failed build and of a failed rollout on the real cluster, and writes docs/failures.md."""

"""Releases: what was deployed, written down in the cluster, and how the cluster differs from it."""

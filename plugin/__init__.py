"""Seaway's provider plugin: what plain resources cannot hold. The components' hands in the cluster."""

VERSION = "0.1.0"
"""The one in pyproject.toml; a test compares."""

"""Seaway's provider plugin: the resources that plain Kubernetes objects cannot express."""

VERSION = "0.1.0"
"""The version in pyproject.toml; a test compares them."""

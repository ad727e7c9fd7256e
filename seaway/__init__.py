__version__ = "0.1.0"
"""The version of the wheel and of the provider plugin. pyproject.toml reads it here.

Pulumi ends a plugin whose version is not semantic: a candidate is 0.2.0-rc1, not 0.2.0rc1.
"""

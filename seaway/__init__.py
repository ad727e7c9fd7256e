__version__ = "0.1.0"
"""The version of the wheel and of the provider plugin. pyproject.toml reads it here."""

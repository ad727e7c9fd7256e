"""Seaway. ``import seaway as sw`` gives a Python program the classes of an application: ``sw.Service("web", port=80)``.

``__init__.pyi`` declares them. They are loaded when they are used: the command line does not need them.
"""

__version__ = "0.1.0"
"""The version of the wheel and of the provider plugin. pyproject.toml reads it here.

Pulumi ends a plugin whose version is not semantic: a candidate is 0.2.0-rc1, not 0.2.0rc1.
"""


def __getattr__(name: str) -> type:
    if not name[:1].isupper():
        raise AttributeError(f"module 'seaway' has no attribute {name!r}")
    from seaway.model import declarations  # noqa: PLC0415 - see above

    return declarations.get_class(name)

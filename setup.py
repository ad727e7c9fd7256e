"""Adds the list of packages to pyproject.toml, so that a new folder of seaway/ needs no entry there."""

import setuptools

MAPPED = ("seaway.components", "seaway.plugin", "seaway.docs")

setuptools.setup(packages=[*setuptools.find_packages(include=["seaway", "seaway.*"]), *MAPPED])

"""Fixtures for every test, the sample's own included: they stand in tests/support."""

pytest_plugins = ["tests.support.cluster"]

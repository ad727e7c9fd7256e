"""Names of ports and Services that manifests give and rules reserve."""

MAIN_PORT_NAME = "main"
"""The name of the main port in manifests."""

PUBLISHED_SUFFIX = "-outside"
"""The suffix of the second Service, which publishes a store."""

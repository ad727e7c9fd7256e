"""The guest book: a small sample application. Replace it with yours."""

TITLE = "Guest book"
"""The heading of the page. Change it and run `make up` to see a rollout."""

"""The guest book: a small web application, to be replaced by yours."""

TITLE = "Guest book"
"""What the page says at the top. Change it, and see the new pods answer."""

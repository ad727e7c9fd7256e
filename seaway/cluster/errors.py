"""What can go wrong between us and a cluster."""


class Unavailable(Exception):  # noqa: N818 - reads as what happened
    """The cluster cannot be asked: not reached, not allowed, no such context. The text is for the user, in one line."""

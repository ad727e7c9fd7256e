"""What can go wrong between us and a cluster."""


class Unavailable(Exception):  # noqa: N818 - reads as what happened
    """The cluster cannot be asked: not reached, not allowed, no such context. The text is for the user, in one line."""


class Forbidden(Unavailable):
    """It answers, but not us: asking again is of no use."""

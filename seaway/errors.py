"""Errors that any part of Seaway may raise."""


class Unavailable(Exception):  # noqa: N818 - reads as what happened
    """The cluster cannot be used: unreachable, a refusal, or an unknown context. One line for the user, with the
    messages of a program that failed below it.

    What asks a cluster, a registry or the state raises it.
    """


class Forbidden(Unavailable):
    """The cluster answers, but refuses: a retry does not help."""

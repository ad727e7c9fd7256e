"""What a field means and why its default is what it is, kept beside the field as printable data."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Help:
    """What the field says, in the user's words."""

    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Rationale:
    """Why the default is what it is."""

    text: str

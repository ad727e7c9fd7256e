"""What a field means and why its default is what it is, kept beside the field as printable data."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Doc:
    """What the field says, in the user's words."""

    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Why:
    """Why the default is what it is."""

    text: str

"""A reason for distrust."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Doubt:
    """One reason for distrust.

    Attributes:
        grave: whether to act on it; otherwise it is good to know.
        head: a few words.
        sentence: HTML, escaped.
        place: the section that shows it, an anchor of the page.
    """

    grave: bool
    head: str
    sentence: str
    place: str

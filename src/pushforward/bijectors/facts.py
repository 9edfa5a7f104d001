"""Facts declared for one instance: of functions given to `Inline`, of a map of another library."""

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class DeclaredFacts:
    """What was declared, as static structure: constraints and boolean arrays compare by value, but do not hash."""

    forward_min_event_ndims: Any
    inverse_min_event_ndims: Any
    is_constant_jacobian: bool
    is_increasing: Any
    domain: Any
    codomain: Any

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DeclaredFacts):
            return NotImplemented
        names = [field.name for field in dataclasses.fields(self)]
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in names)

    def __hash__(self) -> int:
        return hash((type(self.domain), type(self.codomain), self.is_constant_jacobian))

    def __repr__(self) -> str:
        return f"(event ranks {self.forward_min_event_ndims} -> {self.inverse_min_event_ndims})"

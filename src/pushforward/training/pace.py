"""How many steps to give one call of the compiled loop, by the speed of the machine."""

_SECONDS, _GROWTH = 0.5, 8


class Pace:
    """Calls of about half a second: rare enough to cost nothing, often enough for Ctrl-C and progress.

    The first call compiles and tells nothing about speed, so it is short; then calls grow eightfold at most.
    """

    def __init__(self) -> None:
        self.steps = 1
        self.rate: float | None = None
        self._calls = 0

    def measured(self, steps: int, seconds: float) -> None:
        """Take note that a call of `steps` steps took `seconds`."""
        self._calls += 1
        if self._calls == 1:
            return
        self.rate = steps / max(seconds, 1e-9)
        self.steps = max(1, min(int(self.rate * _SECONDS), max(self.steps, steps) * _GROWTH))

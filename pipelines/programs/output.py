"""Where the words of a running program go: masked, to a log, to the caller, to the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from pipelines import console
from pipelines.errors import MachineError

if TYPE_CHECKING:
    from pipelines.programs.mask import Masker


class Output:
    """Takes in what a program says, piece by piece."""

    def __init__(
        self, log: BinaryIO | None, masker: Masker | None, *, capture: bool, live: bool
    ) -> None:
        self._log = log
        self._masker = masker
        self._captured = bytearray() if capture else None
        # Secrets must not reach the terminal either, so what is masked cannot go there directly.
        self._live = live or (masker is not None and log is None and not capture)

    @property
    def is_piped(self) -> bool:
        """Whether the words must pass through here; else the program has the terminal itself."""
        return self._live or self._log is not None or self._captured is not None

    @property
    def text(self) -> str:
        """What was captured."""
        return (self._captured or b"").decode(errors="replace")

    def feed(self, chunk: bytes) -> None:
        """Pass on what can be shown by now. Raises `MachineError` when the log cannot grow."""
        self._pass_on(self._masker.feed(chunk) if self._masker else chunk)

    def finish(self) -> None:
        """Pass on what the masker still held back."""
        if self._masker:
            self._pass_on(self._masker.finish())

    def _pass_on(self, chunk: bytes) -> None:
        if self._captured is not None:
            self._captured += chunk
        if self._live:
            console.relay(chunk)
        if self._log is not None:
            try:
                self._log.write(chunk)
            except OSError as error:
                raise MachineError(
                    f"cannot keep the log: {error.strerror}", hint="make room, or keep it elsewhere"
                ) from error

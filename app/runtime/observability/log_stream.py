"""Where log lines go: a line that cannot be written ends no request and no loop."""

import json
from typing import TextIO


class LogStream:
    """A text stream whose lines are dropped while it is full, closed or has no reader.

    They are counted; the first line that can be written again comes after one that says how many.
    """

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream`."""
        self._stream = stream
        self._lost = 0

    def write(self, text: str) -> None:
        """Write text, or count it as lost."""
        try:
            if self._lost:
                said = {"event": "log_lines_lost", "lines": self._lost, "level": "warning"}
                self._stream.write(json.dumps(said) + "\n")
                self._stream.flush()
                self._lost = 0
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: it was closed in this process
            self._lost += 1

    def flush(self) -> None:
        """Do nothing: each write flushes."""

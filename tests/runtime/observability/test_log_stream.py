"""Lines of the log that cannot be written."""

import errno
import io
import json
from typing import TextIO

from typing_extensions import override

from app.runtime.observability.log_stream import LogStream


class Disk(io.StringIO):
    """A stream that can be full."""

    full = False

    @override
    def write(self, text: str) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


def test_lines_are_dropped_while_the_disk_is_full_and_counted_when_there_is_room_again() -> None:
    disk = Disk()
    stream = LogStream(disk)
    stream.write("one\n")
    disk.full = True
    for _ in range(3):
        stream.write("lost\n")
    disk.full = False
    stream.write("two\n")
    stream.write("three\n")

    first, said, *rest = disk.getvalue().splitlines()
    assert [first, *rest] == ["one", "two", "three"]
    assert json.loads(said) == {"event": "log_lines_lost", "lines": 3, "level": "warning"}


def test_a_stream_that_is_closed_in_this_process_ends_nothing() -> None:
    closed: TextIO = io.StringIO()
    closed.close()

    LogStream(closed).write("lost\n")

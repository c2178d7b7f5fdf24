"""What all faults have in common of which whoever gave a command is to read the plain reason."""

from typing import ClassVar


class OperatorFault(Exception):
    """A command cannot go on; the message says why, and what to do."""

    exit_status: ClassVar[int] = 1

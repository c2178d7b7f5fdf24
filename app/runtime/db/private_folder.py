"""A folder that only one user may look into, and the files that root puts there for that user."""

import fcntl
import os
import stat
from pathlib import Path

from app.runtime.db.binaries import Owner


class PrivateFolder:
    """A 0700 folder of `owner`, with 0600 files; as root we make them and hand them over.

    Root writes where a lesser user may write too, so a link planted there is never followed.
    """

    def __init__(self, path: Path, owner: Owner) -> None:
        self.path = path
        self._owner = owner

    def make(self) -> None:
        """Make the folder, or close it to others when it is there."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path.chmod(0o700)
        if os.geteuid() == 0:
            os.chown(self.path, *self._owner, follow_symlinks=False)

    def is_made(self) -> bool:
        """Whether the folder is there, the owner's, and closed to others."""
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            return False
        return found.st_uid == self._owner.uid and stat.filemode(found.st_mode) == "drwx------"

    def open(self, name: str, flags: int) -> int:
        """Open a file, made if need be; return its descriptor."""
        descriptor = os.open(
            self.path / name, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        if os.geteuid() == 0:
            os.fchown(descriptor, *self._owner)
        return descriptor

    def write(self, name: str, text: str) -> None:
        """Write a file that appears whole or not at all, also when the machine fails."""
        with open(self.open(f"{name}.new", os.O_WRONLY | os.O_TRUNC), "wb") as file:
            file.write(os.fsencode(text))
            file.flush()
            os.fsync(file.fileno())
        (self.path / f"{name}.new").rename(self.path / name)

    def read(self, name: str) -> str | None:
        """Return the text of a file; None when it is not there."""
        try:
            return os.fsdecode((self.path / name).read_bytes())
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        """Remove a file that may not be there."""
        (self.path / name).unlink(missing_ok=True)

    def lock(self, name: str) -> int | None:
        """Lock a file for this process; None when another process holds it.

        The kernel frees the lock when the descriptor is closed, whatever ends the process.
        """
        descriptor = self.open(name, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

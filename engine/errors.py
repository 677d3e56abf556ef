"""What can go wrong while something runs; each message says what was given, what is allowed and how to mend it."""

__all__ = [
    "DeviceError", "DiskFull", "Diverged", "EngineError", "FileError", "Interrupted", "MeshError", "OutputInUse",
    "StabilityError",
]  # fmt: skip


class EngineError(Exception):
    """Base of every error that a person, not a programmer, can mend."""


class DeviceError(EngineError):
    """The requested device or precision is not there."""


class FileError(EngineError):
    """A file or folder cannot be read or written."""


class DiskFull(FileError):
    """No room for what is to be written; what was committed before is safe."""


class MeshError(FileError):
    """A mesh is missing, unreadable or unfit for its purpose."""


class OutputInUse(FileError):
    """Another process writes to this folder, or it already holds something else."""


class Interrupted(KeyboardInterrupt):
    """Somebody asked to stop, by SIGINT (2, Ctrl-C) or SIGTERM (15); what was done so far is kept to go on from."""

    def __init__(self, message: str, signal: int = 2):
        super().__init__(message)
        self.signal = signal


class StabilityError(EngineError):
    """A time step beyond the stability bound of the solver."""


class Diverged(EngineError):
    """A state or gradient that is no longer finite.

    members: which members of the batch diverged, as indices.
    """

    def __init__(self, message: str, members: tuple[int, ...] = ()):
        super().__init__(message)
        self.members = members

"""Files of others taken in: data as datasets, atoms as scenes to start from."""

from scenegrad.importing.import_file import import_file
from scenegrad.importing.kind import Imported, Kind
from scenegrad.importing.known import KINDS

__all__ = ["KINDS", "Imported", "Kind", "import_file"]

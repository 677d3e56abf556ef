"""Build `.types/scenegrad/`: links that show the folders at the root as the one package they become when installed.

Type checkers look for a package on disk and do not follow the mapping of setup.py; with `.types` on their path they see
it. New files in a linked folder appear by themselves. The tree also runs the package from a bare checkout, say where
nothing can be installed: `PYTHONPATH=.types python -P -m pytest` (without -P, `scenegrad/` at the root hides the tree).
"""

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAPPED = ("engine", "solvers", "surrogates", "scenes", "assets", "view")


def link_tree(root: Path) -> Path:
    """Make `.types/scenegrad/` anew, one relative link for each file of the front door and each mapped folder."""
    package = root / ".types" / "scenegrad"
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    front_door = [entry for entry in (root / "scenegrad").iterdir() if entry.name != "__pycache__"]
    for target in (*front_door, *(root / folder for folder in MAPPED)):
        (package / target.name).symlink_to(os.path.relpath(target, package), target_is_directory=target.is_dir())
    return package


if __name__ == "__main__":
    link_tree(ROOT)

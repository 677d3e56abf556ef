"""One scene of every solver, with everything in it that can learn: what the tests of conformance run."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import scenegrad.scenes as sc


def scenes_in(path: Path) -> dict[str, Callable[[], sc.Scene]]:
    """Those of one family of solvers; the folder is no package, and so is nobody's to import."""
    spec = importlib.util.spec_from_file_location(f"conformance_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.SCENES)


FAMILIES = [scenes_in(path) for path in sorted((Path(__file__).parent / "conformance").glob("*.py"))]
SCENES = {name: make for family in FAMILIES for name, make in family.items()}
assert len(SCENES) == sum(map(len, FAMILIES)), "two families have a scene of one name"

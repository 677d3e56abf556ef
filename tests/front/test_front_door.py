"""`import scenegrad as sg`: the names that a program needs, each there and each what it says."""

import json
import subprocess
import sys

import pytest

import scenegrad as sg


def test_importing_it_loads_no_other_library():
    code = "import json, sys; old = set(sys.modules); import scenegrad; print(json.dumps(list(set(sys.modules) - old)))"
    loaded = {name.split(".")[0] for name in json.loads(subprocess.check_output([sys.executable, "-c", code]))}
    assert loaded - set(sys.stdlib_module_names) == {"scenegrad"}


def test_every_name_leads_somewhere():
    for name in sg.__all__:
        assert getattr(sg, name) is not None
    assert set(sg.__all__) < set(dir(sg))


def test_what_an_editor_is_told_is_what_is_there():
    """The imports under TYPE_CHECKING name exactly what `__getattr__` gives, from the same places."""
    import ast
    from pathlib import Path

    tree = ast.parse(Path(sg.__file__).read_text())
    block = next(n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")
    told = {alias.asname: (node.module, alias.name) for node in block.body for alias in node.names}
    assert set(told) == set(sg.__all__)
    for name, (module, there) in told.items():
        __import__(module)
        assert getattr(sg, name) is getattr(sys.modules[module], there), name


def test_a_wrong_name_is_told_with_the_right_one():
    with pytest.raises(AttributeError, match=r"no 'Sceen'. Did you mean 'Scene'\?"):
        sg.Sceen  # noqa: B018

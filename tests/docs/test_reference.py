"""Everything public is in the reference, and says what it is."""

import inspect
from importlib import import_module

import pytest

import scenegrad as sg
from scenegrad.scenes import Body, Domain, Time


def test_every_public_name_is_in_the_reference_and_has_a_docstring():
    import plain
    import reference

    documented = reference.documented()
    missing = [
        name
        for name in sg.__all__
        if (home := reference.home(name))  # folders have pages of their own
        and not {f"scenegrad.{name}", f"scenegrad.{home}.{name}"} & documented
    ]
    assert not missing, f"on no page of docs/site/reference.py: {missing}; add the modules they are defined in"
    for name in sorted(documented - {f"scenegrad.{alias}" for alias in plain.ALIASES}):
        module, _, last = name.rpartition(".")
        thing = getattr(import_module(module), last)
        if isinstance(thing, type) or inspect.isroutine(thing):
            assert (thing.__doc__ or "").strip(), f"{name} has no docstring"


def test_every_folder_of_the_front_door_is_in_the_reference():
    import reference

    documented = reference.documented()
    for folder in sg.FOLDERS:
        home = sg.FOLDERS[folder].removeprefix("scenegrad.")
        names = import_module(f"scenegrad.{home}").__all__
        assert {f"scenegrad.{home}.{name}" for name in names} <= documented, folder


@pytest.mark.parametrize("model", [Body, Domain, Time])
def test_the_table_of_a_model_has_every_field(model):
    import plain

    table = "\n".join(plain.fields(model))
    assert all(f"``{name}``" in table for name in model.model_fields if name != "kind")


def test_the_table_of_a_model_says_what_is_allowed_its_default_and_its_unit():
    import plain

    row = "\n".join(plain.fields(sg.NeoHookean))
    assert "``number > 0``\n     - ``needed``\n     - [Pa]" in row
    assert "``-1 < number < 0.5``\n     - ``0.3``" in row
    row = "\n".join(plain.fields(Time))
    assert "``float > 0``" in row
    assert "``float > 0, ≤ 1``" in row


def test_prose_of_docstrings_stays_prose():
    """Bars, stars and underscores of formulas are no markup; what is indented stays as it is."""
    import plain

    assert plain.escaped("|u|^2 of x_i * `a_b`") == r"\|u\|^2 of x\_i \* \ ``a_b``\ ".strip()
    assert plain.paragraphs("One:\n\n    a  b\n     c")[2:6] == ["::", "", "    a  b", "     c"]

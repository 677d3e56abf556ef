"""The pages, the code in them, and what builds the site."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="session", autouse=True)
def site():
    """The modules of docs/site can be imported, as docs/conf.py does."""
    pytest.importorskip("sphinx")
    folder = str(ROOT / "docs" / "site")
    sys.path.insert(0, folder)
    yield
    sys.path.remove(folder)

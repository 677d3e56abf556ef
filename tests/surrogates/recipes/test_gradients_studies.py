"""Studies of gradients as data and of surrogates in optimisation, in small."""

import pytest

from scenegrad.surrogates.recipes.study import study_of
from scenegrad.view.report import Stage


@pytest.mark.parametrize("name", ["data_and_gradients", "trust_region", "field_gradients"])
def test_a_study_keeps_its_claims(name, tmp_path):
    chapter = study_of(name).preset("small").run(Stage(tmp_path, "cpu", quiet=True))
    assert [str(claim) for claim in chapter.claims if not claim.holds] == []
    assert len(chapter.claims) >= 2
    assert chapter.tables
    assert all(picture.path.stat().st_size > 1000 for picture in chapter.pictures)

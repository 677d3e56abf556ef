"""The small presets of the studies of particles keep their claims and leave their pictures."""

import pytest

from scenegrad.surrogates.recipes.study import study_of
from scenegrad.view.report import Stage


@pytest.mark.parametrize("name", ["sand_gns", "elastic_drop", "time_coarsened_md"])
def test_a_small_study_keeps_its_claims(name, tmp_path):
    chapter = study_of(name).preset("small").run(Stage(tmp_path, "cpu", quiet=True))
    assert len(chapter.claims) > 1
    assert not [str(claim) for claim in chapter.claims if not claim.holds]
    assert all(picture.path.stat().st_size > 5_000 for picture in chapter.pictures)
    assert chapter.pictures
    assert chapter.tables

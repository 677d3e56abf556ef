"""The study of smoke, in seconds."""

from scenegrad.surrogates.recipes.smoke import Smoke
from scenegrad.view.report import Stage


def test_learned_smoke_rises_in_air_without_divergence(tmp_path):
    chapter = Smoke.preset("small").run(Stage(tmp_path, "cpu", quiet=True))
    assert all(claim.holds for claim in chapter.claims), [str(claim) for claim in chapter.claims]
    assert all(picture.path.is_file() for picture in chapter.pictures)
    solver = chapter.tables[0].rows[-1]
    assert solver[0] == "solver"
    assert float(solver[7]) < 1e-6, "the projection leaves the solver's own flows as they are"

"""The study of a safeguarded surrogate, in seconds."""

from scenegrad.surrogates.recipes.safe_kolmogorov import SafeKolmogorov
from scenegrad.view.report import Stage


def test_a_safeguarded_surrogate_stays_within_its_bounds(tmp_path):
    chapter = SafeKolmogorov.preset("small").run(Stage(tmp_path, "cpu", quiet=True))
    assert all(claim.holds for claim in chapter.claims), [str(claim) for claim in chapter.claims]
    assert all(picture.path.is_file() for picture in chapter.pictures)
    races = {row[0]: row[1] for row in chapter.tables[0].rows}
    assert races["solver, 24 cells"] < races["solver, 16 cells"]

"""The study of weights without Jacobians, in seconds."""

from scenegrad.surrogates.recipes.flow_perturbation import FlowPerturbation
from scenegrad.view.report import Stage


def test_a_disturbed_flow_weighs_as_exact_divergences_do_and_asks_for_less(tmp_path):
    chapter = FlowPerturbation.preset("small").run(Stage(tmp_path, "cpu", quiet=True))
    assert [str(claim) for claim in chapter.claims if not claim.holds] == []
    assert all(picture.path.is_file() for picture in chapter.pictures)
    evaluations = {row[0]: row[6] for row in chapter.tables[0].rows}
    assert evaluations == {
        "exact divergences": 4 * 6 * (1 + 8), "1 random sign": 4 * 6 * 2, "disturbed, 10 steps": 2 * 4 * 10,
    }  # fmt: skip

"""The study of staggered coarse problems, in seconds."""

import torch

from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.recipes.neural_stagger import NeuralStagger, woven
from scenegrad.view.report import Stage


def test_sequences_woven_in_time_are_those_of_every_frame_of_their_own():
    class Doubles:
        dt = 2.0

        def __call__(self, state, params, dt):
            return {"vorticity": 2.0 * state["vorticity"]}

    first = torch.rand(3, 4, 4)
    true = tuple({"vorticity": first + n} for n in range(1, 6))
    frames = woven(Doubles(), Window({"vorticity": first}, true, {}, torch.ones(3)), 2)
    odd, even = first + 1.0, first
    expected = [odd, 2 * even, 2 * odd, 4 * even, 4 * odd]
    torch.testing.assert_close(frames, torch.stack(expected, dim=1))


def test_one_network_learns_the_coarse_problems(tmp_path):
    chapter = NeuralStagger.preset("small").run(Stage(tmp_path, "cpu", quiet=True))
    assert all(claim.holds for claim in chapter.claims), [str(claim) for claim in chapter.claims]
    assert all(picture.path.is_file() for picture in chapter.pictures)
    assert [row[0] for row in chapter.tables[0].rows] == ["whole grid", "apart", "together", "together and in time"]

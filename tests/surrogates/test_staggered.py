"""Networks on coarse grids between each other's points."""

import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.known import build_operator
from scenegrad.surrogates.operators.staggered import AsChannels, AsMembers, Staggered, apart, joined

INNER = {"kind": "fno", "modes": [3, 3], "width": 6, "depth": 1}


@pytest.mark.parametrize("grid", [(8,), (8, 12), (4, 8, 12)], ids=str)
def test_grids_are_every_second_point_and_come_together_again(grid):
    u = torch.randn(2, 3, *grid)
    parts = apart(u, 2)
    assert parts.shape == (2, 2 ** len(grid), 3, *(n // 2 for n in grid))
    assert torch.equal(joined(parts, 2), u)
    last = parts[:, 1]  # the second grid is one point further along the last axis
    every = (slice(None), slice(None), *[slice(0, None, 2)] * (len(grid) - 1), slice(1, None, 2))
    assert torch.equal(last, u[every])


@pytest.mark.parametrize("subproblems", [AsChannels(), AsMembers()], ids=repr)
def test_it_is_a_network_like_any_other(subproblems):
    torch.manual_seed(0)
    model = Staggered(INNER, ["u"], ["nu"], subproblems=subproblems)
    u, constants = torch.randn(3, 1, 16, 12), torch.rand(3, 2)
    found = model(u, constants)
    assert found.shape == u.shape
    torch.testing.assert_close(model(u[1:2], constants[1:2]), found[1:2])
    again = build_operator(model.config())
    again.load_state_dict(model.state_dict())
    assert torch.equal(again(u, constants), found)
    shifted = model(u.roll((2, 4), dims=(2, 3)), constants)
    torch.testing.assert_close(shifted, found.roll((2, 4), dims=(2, 3)), msg="it commutes with shifts by whole cells")


def test_apart_no_grid_sees_another_and_together_all_do():
    torch.manual_seed(0)
    u, constants = torch.randn(1, 1, 8, 8), torch.ones(1, 1)
    other = u.clone()
    other[:, :, 1::2, :] += 1.0
    for subproblems, alone in ((AsMembers(), True), (AsChannels(), False)):
        model = Staggered(INNER, ["u"], subproblems=subproblems)
        same = torch.equal(model(u, constants)[:, :, 0::2], model(other, constants)[:, :, 0::2])
        assert same == alone
    with pytest.raises(EngineError, match="factor divides"):
        model(torch.randn(1, 1, 7, 8), constants)
    with pytest.raises(EngineError, match="factor=1"):
        Staggered(INNER, ["u"], factor=1)

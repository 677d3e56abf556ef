"""Laws that every kind of network obeys."""

import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.cno import CNO
from scenegrad.surrogates.operators.deeponet import DeepONet
from scenegrad.surrogates.operators.fno import FNO
from scenegrad.surrogates.operators.grids import Bounded, Torus
from scenegrad.surrogates.operators.known import OPERATORS, build_operator
from scenegrad.surrogates.operators.operator import Operator
from scenegrad.surrogates.operators.scot import ScOT
from scenegrad.surrogates.operators.tfno import TFNO
from scenegrad.surrogates.operators.transolver import Transolver
from scenegrad.surrogates.operators.unet import ClassicUNet, UNet
from scenegrad.surrogates.operators.uno import UNO
from scenegrad.surrogates.resampling import fourier_resample

SPOKEN = {"outputs": ["u", "v"], "components": {"v": 2}, "history": 2}
FIELDS, PARAMETERS = ["u", "v", "depth"], ["nu"]
IN, OUT = 3 + 4, 3


def networks(dim: int = 2) -> list[Operator]:
    torch.manual_seed(0)
    modes, sizes = (3,) * dim, (FIELDS, PARAMETERS)
    made = [
        FNO(modes, 8, *sizes, depth=2, **SPOKEN),
        UNO(modes, (8, 12), *sizes, **SPOKEN),
        UNet(dim, (8, 12), *sizes, blocks=1, **SPOKEN),
        ClassicUNet(dim, (8, 12), *sizes, blocks=1, surroundings=Bounded(), **SPOKEN),
        TFNO(modes, 8, *sizes, depth=2, rank=0.5, **SPOKEN),
        Transolver(dim, 8, *sizes, heads=2, slices=4, depth=2, surroundings=Bounded(), **SPOKEN),
        CNO((8,) * dim, (8, 8), *sizes, **SPOKEN),
        ScOT((8,) * dim, (8, 16), *sizes, patch=1, window=4, head=8, blocks=2, **SPOKEN),
        DeepONet((8,) * dim, 16, *sizes, modes=8, depth=2, **SPOKEN),
    ]
    for network in made:  # parts that begin with zeros shall say something, too
        for weight in network.parameters():
            if not bool(weight.any()):
                torch.nn.init.normal_(weight, std=0.2)
    return [network.double() for network in made]


ELSEWHERE = {"gns", "mesh_graph_net", "mlp", "staggered", "space_time_fno"}  # not between fields of every grid


def test_every_kind_is_tried():
    assert {network.kind for network in networks()} | ELSEWHERE == set(OPERATORS)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_a_network_is_made_again_from_plain_data_and_its_weights(dim):
    u, constants = torch.randn(3, IN, *(8,) * dim, dtype=torch.float64), torch.randn(3, 2, dtype=torch.float64)
    for network in networks(dim):
        again = build_operator(network.config()).double()
        again.load_state_dict(network.state_dict())
        v = network(u, constants)
        assert v.shape == (3, OUT, *(8,) * dim)
        assert torch.equal(again(u, constants), v)
        assert again.config() == network.config()


def test_a_member_does_not_depend_on_its_companions():
    u, constants = torch.randn(4, IN, 8, 8, dtype=torch.float64), torch.randn(4, 2, dtype=torch.float64)
    for network in networks():
        alone = network(u[1:2], constants[1:2])
        torch.testing.assert_close(network(u, constants)[1:2], alone, rtol=1e-10, atol=1e-12)


def test_what_is_told_matters_and_has_a_gradient():
    u = torch.randn(1, IN, 8, 8, dtype=torch.float64, requires_grad=True)
    constants = torch.randn(1, 2, dtype=torch.float64, requires_grad=True)
    for network in networks():
        slopes = torch.autograd.grad(network(u, constants).square().sum(), (u, constants))
        assert float(slopes[0].abs().amax(dim=(0, 2, 3)).min()) > 0.0, "every channel is looked at"
        assert float(slopes[1].abs().min()) > 0.0, "and every constant"


def test_on_a_torus_a_shift_before_is_a_shift_after():
    u, constants = torch.randn(1, IN, 8, 8, dtype=torch.float64), torch.randn(1, 2, dtype=torch.float64)
    for network in networks():
        if network.kind in ("fno", "tfno", "uno", "unet", "cno", "scot"):
            # coarser levels know multiples of their spacing alone, windows multiples of theirs
            shift = {"fno": (3, 5), "tfno": (3, 5), "scot": (4, 0)}.get(network.kind, (4, 2))
            moved = network(u.roll(shift, (2, 3)), constants)
            torch.testing.assert_close(moved, network(u, constants).roll(shift, (2, 3)), rtol=1e-9, atol=1e-9)


def test_neural_operators_give_the_same_function_on_every_grid():
    """A band-limited input on 16 and on 32 points along each axis: the outputs agree where the grids meet."""
    spectrum = torch.zeros(1, IN, 16, 16, dtype=torch.float64)
    spectrum[..., :2, :2] = torch.randn(IN, 2, 2, dtype=torch.float64)
    coarse = torch.fft.ifft2(spectrum).real
    fine = fourier_resample(coarse, (32, 32))
    torch.testing.assert_close(fine[..., ::2, ::2], coarse)
    constants = torch.randn(1, 2, dtype=torch.float64)
    fno, uno, *_ = networks()
    for network in (fno, uno):
        on_coarse, on_fine = network(coarse, constants), network(fine, constants)[..., ::2, ::2]
        assert float(((on_fine - on_coarse).norm() / on_coarse.norm()).detach()) < 0.1


def test_factors_make_the_weights_of_a_dense_network_and_are_fewer():
    dense, factorised = FNO((6, 6), 16, ["u"]), TFNO((6, 6), 16, ["u"], rank=0.5)
    weights = factorised.blocks[0].spectral.matrices()
    assert weights.shape == dense.blocks[0].spectral.matrices().shape
    assert float(weights.detach().std()) == pytest.approx(
        float(dense.blocks[0].spectral.weight.detach().std()), rel=0.5
    )
    counts = [sum(weight.numel() for weight in network.parameters()) for network in (factorised, dense)]
    assert counts[0] < 0.15 * counts[1]
    with pytest.raises(EngineError, match="TFNO got rank=0"):
        TFNO((2,), 4, ["u"], rank=0.0)


def test_a_factorised_convolution_is_that_of_its_product():
    torch.manual_seed(0)
    factorised, dense = TFNO((3, 4), 6, ["u"], rank=0.5).double(), FNO((3, 4), 6, ["u"]).double()
    few, whole = factorised.blocks[0].spectral, dense.blocks[0].spectral
    with torch.no_grad():
        whole.weight.copy_(few.matrices())
        u = torch.randn(2, 6, 5, 12, dtype=torch.float64)  # too coarse for some of the modes
        torch.testing.assert_close(few(u), whole(u))


def test_attention_does_not_care_in_which_order_points_come():
    torch.manual_seed(0)
    network = Transolver(1, 8, ["position", "u"], components={"position": 2}, outputs=["u"], heads=2, slices=4).double()
    u, constants = torch.randn(2, 3, 40, dtype=torch.float64), torch.randn(2, 1, dtype=torch.float64)
    order = torch.randperm(40)
    torch.testing.assert_close(network(u[..., order], constants), network(u, constants)[..., order])
    with pytest.raises(EngineError, match="width is a multiple of heads"):
        Transolver(1, 9, ["u"], heads=2)


def test_a_deep_operator_network_answers_on_any_grid():
    network = networks(1)[-1]
    assert isinstance(network, DeepONet)
    u, constants = torch.randn(2, IN, 8, dtype=torch.float64), torch.randn(2, 2, dtype=torch.float64)
    fine = network(u, constants, on=(24,))  # cells of a third: every third centre is a centre of the coarse ones
    torch.testing.assert_close(fine[..., 1::3], network(u, constants))
    with pytest.raises(EngineError, match=r"at \(8,\) points, and was given \(16,\)"):
        network(torch.zeros(1, IN, 16, dtype=torch.float64), constants[:1])


def test_shapes_that_cannot_be_are_refused():
    with pytest.raises(EngineError, match="grid whose axes 2 divides"):
        UNet(2, (4, 4), ["u"])(torch.zeros(1, 1, 7, 8), torch.zeros(1, 1))
    with pytest.raises(EngineError, match="UNet got dim=4"):
        UNet(4, (4,), ["u"])
    with pytest.raises(EngineError, match="UNO got modes"):
        UNO((0,), (4,), ["u"])
    with pytest.raises(EngineError, match="tell places apart"):
        DeepONet((8,), 4, ["u"], surroundings=Torus())
    with pytest.raises(EngineError, match="kind 'unet' got width; it takes dim, widths"):
        build_operator({"kind": "unet", "width": 3})

"""How did this flow begin?

Its first vorticity, found by gradient from noisy velocities seen later at a few points; what is likely beforehand is a
random field whose fine waves are weak. Interpolating the earliest velocities is what this has to beat.
"""

from dataclasses import replace

import torch

import scenegrad as sg
from scenegrad.view.plots import Row, plot_tiles

NOISE, RMS = 0.05, 3.0  # of the velocities seen [m/s]; size of the vorticity, as one knows it beforehand [1/s]


def flow(cells: int, points: int, end: float):
    """A function from the first vorticity to velocities at points at four later times, and all; and one to find."""
    scene = sg.Scene(
        name="decay", domain=sg.Domain.periodic(size=(2 * torch.pi,) * 2, cells=(cells, cells)), seed=3,
        entities={"water": sg.Fluid(viscosity=1e-3, vorticity=sg.GaussianField(peak=4.0, width=1.5, rms=RMS))},
        outputs={"fields": sg.Fields("vorticity", "velocity", every=end / 4)}, time=sg.Time(end=end),
    )  # fmt: skip
    solver, state, params = sg.compile(scene, device="cpu", dtype="float64")

    def seen(vorticity: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        fields = sg.rollout(solver, replace(state, vorticity=vorticity[None]), params.detach()).outputs["fields"]
        return fields["velocity"][0, 1:, :: cells // points, :: cells // points], fields["vorticity"][0]

    return seen, state.vorticity[0]


def blurred(noise: torch.Tensor, back: bool = False) -> torch.Tensor:
    """What is likely beforehand: of white noise, a vorticity of the right size whose fine waves are weak."""
    k = torch.fft.fftfreq(len(noise), 1.0 / len(noise), dtype=torch.float64)
    blur = 1.0 / (1.0 + (k[:, None] ** 2 + k**2) / 36.0)
    blur *= RMS / blur.square().mean().sqrt()
    return torch.fft.ifft2(torch.fft.fft2(noise) * (1.0 / blur if back else blur)).real


def surprise(noise: torch.Tensor, data: torch.Tensor, seen) -> torch.Tensor:
    """-log of the probability of noise and data, but for a constant."""
    return 0.5 * ((seen(blurred(noise))[0] - data) / NOISE).square().sum() + 0.5 * noise.square().sum()


def interpolated(velocity: torch.Tensor, cells: int) -> torch.Tensor:
    """Vorticity of the trigonometric polynomial through velocities at n x n points [n, n, 2], on more of them."""
    n = len(velocity)
    k = torch.fft.fftfreq(n, 1.0 / n, dtype=torch.float64)
    k, place = k * (k.abs() < n // 2), k.round().long() % cells
    u, v = torch.fft.fft2(velocity.movedim(-1, 0))
    spectrum = torch.zeros(cells, cells, dtype=u.dtype)
    spectrum[place[:, None], place] = 1j * (k[:, None] * v - k * u) * (cells / n) ** 2
    return torch.fft.ifft2(spectrum).real


def main(cells: int = 64, points: int = 16, end: float = 1.0, steps: int = 120, out: str = "recover_vorticity.png"):
    seen, first = flow(cells, points, end)
    data, truth = seen(first)
    data = data + NOISE * torch.randn(data.shape, dtype=data.dtype, generator=torch.Generator().manual_seed(1))
    noise = blurred(guess := interpolated(data[0], cells), back=True).requires_grad_()
    search = torch.optim.LBFGS([noise], max_iter=steps, history_size=20, line_search_fn="strong_wolfe")

    def objective() -> torch.Tensor:
        (noise.grad,) = torch.autograd.grad(loss := surprise(noise, data, seen), [noise])
        return loss

    search.step(objective)
    found = blurred(noise.detach())
    errors = [float((a - b).norm() / b.norm()) for a, b in ((found, first), (guess, first), (guess, truth[1]))]
    print("first vorticity off by {:.3f}; interpolated by {:.3f}, and by {:.3f} from its own time".format(*errors))
    fields = [field.numpy() for field in (first, found, guess)]
    plot_tiles([Row("", fields, ("truth", "found", "interpolated"), "vorticity", "1/s", like=fields[:1])], out)
    return errors[0]


if __name__ == "__main__":
    main()

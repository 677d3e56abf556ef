"""Burgers' equation on a circle: a small ensemble of trajectories with something to learn."""

import hashlib
from collections.abc import Callable

import numpy as np
import pytest


class Ensemble:
    """Trajectories in memory, read as those of `generate` are."""

    def __init__(self, fields: dict[str, np.ndarray], parameters: dict[str, np.ndarray], every: float):
        """fields: [member, frame, *grid]."""
        self.fields, self.parameters, self.every = fields, parameters, every
        self.probes = ["fields"]
        self.reads = 0

    @property
    def members(self) -> list[int]:
        return list(range(10, 10 + len(next(iter(self.fields.values())))))

    @property
    def hash(self) -> str:
        digest = hashlib.sha256()
        for values in (*self.fields.values(), *self.parameters.values()):
            digest.update(values.tobytes())
        return digest.hexdigest()

    def read(self, member: int, probe: str, quantity: str, frames: slice = slice(None)) -> np.ndarray:
        self.reads += 1
        assert probe == "fields"
        return self.fields[quantity][member - 10][frames]

    def quantities(self, probe: str) -> list[str]:
        return list(self.fields)

    def times(self, probe: str) -> np.ndarray:
        return self.every * np.arange(next(iter(self.fields.values())).shape[1])

    def taken(self, order: list[int]) -> "Ensemble":
        """Some of the members, in another order."""
        fields = {name: values[order] for name, values in self.fields.items()}
        return Ensemble(fields, {a: values[order] for a, values in self.parameters.items()}, self.every)


def burgers(members: int = 40, frames: int = 11, points: int = 64, every: float = 0.1, seed: int = 0) -> Ensemble:
    """u_t + u u_x = nu u_xx on [0, 2 pi), nu uniform in [0.05, 0.1], by RK4 with an integrating factor."""
    random = np.random.default_rng(seed)
    nu = random.uniform(0.05, 0.1, members)
    x, k = 2 * np.pi * np.arange(points) / points, np.arange(points // 2 + 1)
    u = np.zeros((members, points))
    for wave in range(1, 5):
        a, b = random.normal(size=(2, members, 1)) / wave
        u += a * np.cos(wave * x) + b * np.sin(wave * x)
    u_hat, substeps = np.fft.rfft(u), 20
    dt = every / substeps
    half = np.exp(-0.5 * nu[:, None] * k**2 * dt)

    def slope(v: np.ndarray) -> np.ndarray:
        return np.where(k < points / 3, -0.5j * k * np.fft.rfft(np.fft.irfft(v) ** 2), 0.0)

    found = [u]
    for _ in range(frames - 1):
        for _ in range(substeps):
            a = slope(u_hat)
            b = slope(half * (u_hat + 0.5 * dt * a))
            c = slope(half * u_hat + 0.5 * dt * b)
            d = slope(half**2 * u_hat + dt * half * c)
            u_hat = half**2 * u_hat + dt / 6 * (half**2 * a + 2 * half * (b + c) + d)
        found.append(np.fft.irfft(u_hat))
    return Ensemble({"u": np.stack(found, axis=1).astype(np.float32)}, {"fluid.viscosity": nu}, every)


@pytest.fixture(scope="session")
def make_burgers() -> Callable[..., Ensemble]:
    return burgers


@pytest.fixture(scope="session")
def ensemble() -> Ensemble:
    return burgers()

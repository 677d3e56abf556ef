"""Steering Burgers' equation: which waves must it start from to end in a wanted field?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize

from scenegrad.engine.dataset import Dataset
from scenegrad.engine.reductions import Final
from scenegrad.engine.rollout import rollout
from scenegrad.generating import generate
from scenegrad.scenes import Burgers, Domain, FieldFile, Fields, Misfit, Scene, Time, Uniform, Waves, vary
from scenegrad.solvers.compile import compile_scene
from scenegrad.surrogates.data.responses import Responses, gradient_of
from scenegrad.surrogates.data.split import Split

__all__ = ["ADDRESS", "COST", "Steering", "descended"]

ADDRESS, COST = "flow.velocity.coefficients", Final("cost.misfit")


@dataclass(frozen=True)
class Steering:
    """Coefficients of waves, drawn within bounds that fall as |n|^-decay, to the mean square distance at the end from
    the field that hidden coefficients lead to: the least there is, is nothing."""

    folder: Path
    parameters: int = 8
    cells: int = 64
    viscosity: float = 0.02
    end: float = 0.5
    dt: float = 0.005
    amplitude: float = 0.6
    decay: float = 0.5
    batch: int = 128

    @property
    def bounds(self) -> np.ndarray:
        """[parameter], both signs."""
        waves = np.repeat(np.arange(1, self.parameters // 2 + 1), 2)
        return self.amplitude * waves**-self.decay

    def drawn(self) -> tuple[Uniform, ...]:
        return tuple(Uniform(-float(bound), float(bound)) for bound in self.bounds)

    def scene(self, coefficients: Any, **outputs: Any) -> Scene:
        return Scene(
            name="steering",
            domain=Domain.periodic(size=(1.0,), cells=(self.cells,)),
            entities={"flow": Burgers(viscosity=self.viscosity, velocity=Waves(coefficients))},
            outputs=outputs,
            time=Time(end=self.end, dt=self.dt),
        )

    def target(self) -> FieldFile:
        """Where the hidden coefficients lead; made once."""
        path = self.folder / f"target_{self.parameters}.npy"
        if not path.exists():
            hidden = np.random.default_rng(5).uniform(-0.5, 0.5, self.parameters) * self.bounds
            scene = self.scene(tuple(hidden.tolist()), seen=Fields("velocity", every=self.end))
            solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, rollout(solver, state, params.detach()).outputs["seen"][0, -1].numpy())
        return FieldFile(str(path))

    def made(self, members: int, seed: int, device: str, gradients: bool = True) -> Dataset:
        """Solves, each with its gradient."""
        scene = self.scene(self.drawn(), cost=Misfit("velocity", self.target(), every=self.end))
        name = f"p{self.parameters}_n{members}_s{seed}{'' if gradients else '_values'}"
        return generate(
            vary(scene, members, seed=seed), out=self.folder / name, batch=self.batch, of=(COST,), device=device,
            gradients=(ADDRESS,) if gradients else (), progress=False,
        )  # fmt: skip

    def responses(self, members: int, seed: int, device: str) -> Responses:
        return Responses.of(self.made(members, seed, device), split=Split(0.06, 0.0))

    def cost(self, coefficients: np.ndarray) -> np.ndarray:
        """What the solver says [point] of coefficients [point, parameter], float64."""
        outputs = {"cost": Misfit("velocity", self.target(), every=self.end)}
        scene = self.scene(tuple([0.0] * self.parameters), **outputs)
        solver, _, params = compile_scene([scene] * len(coefficients), device="cpu", dtype="float64")
        told = params.detach().replace({ADDRESS: torch.from_numpy(coefficients)})
        assert solver.program.initial is not None
        with torch.no_grad():
            state = solver.program.initial(told)
            return rollout(solver, state, told).outputs["cost"][:, -1].numpy()


def descended(model: Any, start: np.ndarray, bounds: np.ndarray, steps: int = 60) -> np.ndarray:
    """Where L-BFGS-B ends on what a model says the cost is, from each start [point, parameter]."""

    def said(z: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = gradient_of(model, {ADDRESS: (z * bounds)[None]}, COST.name)
        return float(value[0]), slope[ADDRESS][0].astype(np.float64) * bounds

    box = [(-1.0, 1.0)] * len(bounds)
    ends = [
        minimize(said, one / bounds, jac=True, method="L-BFGS-B", bounds=box, options={"maxiter": steps}).x * bounds
        for one in start
    ]
    return np.stack(ends)

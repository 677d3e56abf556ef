"""A graph network as a solver: the same loop, rollouts and gradients as any other."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.engine.controllers import Fixed
from scenegrad.engine.errors import EngineError, StabilityError
from scenegrad.engine.solver import Points, Probe, Program, Step, TorchAdjoint
from scenegrad.engine.state import Params
from scenegrad.surrogates.graph_network.network import GraphNetwork
from scenegrad.surrogates.graph_network.state import GraphState

__all__ = ["GraphSimulator"]


class GraphSimulator(TorchAdjoint):
    """v' = v + dt a(x, past v),   x' = x + dt v',   with the one step that the network has learnt.

    Gradients reach positions and velocities; the network stays as it was trained.
    """

    order = 1  # the step is fixed, so that no order can be measured; nothing more is promised

    def __init__(self, network: GraphNetwork, end: float):
        self.network = network.eval()
        self.dt = network.dt
        probe = Probe("particles", self.dt, measured, Points(), {"position": "m", "velocity": "m/s"})
        self.program = Program(end, Fixed(self.dt), (probe,))

    def start(self, frames: Tensor) -> GraphState:
        """The state after the last of past + 1 frames [batch, frame, particle, dim] that lie one step apart [m]."""
        if frames.ndim != 4 or frames.shape[1] != self.network.past + 1:
            raise EngineError(
                f"The network looks back on {self.network.past} steps, so a start needs {self.network.past + 1} frames "
                f"[batch, frame, particle, dim]; got {tuple(frames.shape)}."
            )
        return GraphState(frames[:, -1], frames.diff(dim=1).movedim(1, 2) / self.dt)

    def max_dt(self, state: GraphState, params: Params) -> Tensor:
        return torch.full((len(state.position),), self.dt, dtype=torch.float64)

    def step(self, state: GraphState, params: Params, time: Tensor, dt: Tensor) -> Step[GraphState]:
        if bool(((dt - self.dt).abs() > 1e-6 * self.dt).any()):
            raise StabilityError(
                f"This network steps by dt = {self.dt:.6g} and was asked for {float(dt.min()):.6g}. Let the run end, "
                f"and its outputs fall due, at multiples of its step, with controller=Fixed({self.dt:.6g})."
            )
        newest = state.velocity[:, :, -1] + self.dt * self.network.acceleration(state.position, state.velocity)
        velocity = torch.cat([state.velocity[:, :, 1:], newest[:, :, None]], dim=2)
        return Step(GraphState(state.position + self.dt * newest, velocity))

    def observe(self, state: GraphState, params: Params) -> dict[str, Tensor]:
        """Mean position and velocity: the network knows of no mass."""
        return {"mean_position": state.position.mean(1), "mean_velocity": state.velocity[:, :, -1].mean(1)}


def measured(state: GraphState, params: Params) -> dict[str, Tensor]:
    return {"position": state.position, "velocity": state.velocity[:, :, -1]}

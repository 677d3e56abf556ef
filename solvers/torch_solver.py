"""A solver of one's own, in torch: what is left to write is where it begins, how it steps and what there is to see."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from scenegrad.engine.controllers import CFL, Controller
from scenegrad.engine.solver import Grid, Layout, Probe, Series, Step, TorchAdjoint
from scenegrad.engine.state import Params
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.outputs import Energy, Fields, Output
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import Parameter
from scenegrad.solvers.own import register_solver
from scenegrad.solvers.shared.leaves import params as collect
from scenegrad.solvers.shared.leaves import program
from scenegrad.solvers.shared.reasons import Reasons
from scenegrad.solvers.shared.structure import structure_of

__all__ = ["TorchSolver"]


class TorchSolver(TorchAdjoint, ABC):
    """Solver of the one entity of a scene on the grid of its domain; a subclass that names in `serves` the class of
    that entity is known to `compile` by being defined.

    All is batched: `begin` and `step` make states, frozen dataclasses of tensors [batch, ...], by operations of torch,
    from which gradients follow. `self.number(params, "field")` is a number of the entity, shaped to be multiplied with
    a field [batch, *cells]; each may be a Parameter. `units` are those of what `fields` gives, scalars
    [batch, *cells], and of what `energies` gives.

    order: of the global error in dt. controller: of the step where the scene leaves it to the solver.
    """

    serves: ClassVar[type[Entity]]
    units: ClassVar[Mapping[str, str]] = {}
    order: int = 1
    controller: ClassVar[Controller] = CFL(0.5)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "serves" in cls.__dict__:
            register_solver(cls.serves, cls.compile)

    @classmethod
    def compile(cls, scenes: Sequence[Scene], device: str, dtype: torch.dtype) -> tuple[TorchSolver, Any, Params]:
        """From scenes, the members of a batch, to (solver, state, params)."""
        cls.refuse(scenes)
        name = entity_of(scenes[0], cls.serves)
        part = scenes[0].entities[name]
        numbers = [f"{name}.{f}" for f in type(part).model_fields if isinstance(getattr(part, f), Parameter | float)]
        because = f"{part.kind} is differentiable by its numbers."
        params = collect(scenes, numbers, device, dtype, because)
        solver = cls(scenes, name, torch.empty(0, dtype=dtype, device=device))
        return solver, solver.begin(params), params

    @classmethod
    def refuse(cls, scenes: Sequence[Scene]) -> None:
        """Raises SceneError with every reason for which the scenes cannot be run."""
        reasons, scene = Reasons(scenes[0].name), scenes[0]
        kind = cls.serves.__name__
        for name, part in scene.entities.items():
            if not isinstance(part, cls.serves):
                reasons.add(name, f"is a {part.kind}; {cls.__name__} knows {kind} alone. Leave it out.")
        if len(scene.entities) > 1 and not reasons.lines:
            reasons.add("entities", f"hold {len(scene.entities)} of {kind}; {cls.__name__} takes one.")
        if scene.domain.size is None or scene.domain.cells is None:
            reasons.add("domain", "needs a size and cells here, such as Domain(size=(1, 1), cells=(64, 64)).")
        for name, output in scene.outputs.items():
            if isinstance(output, Fields):
                for quantity in output.quantities:
                    if quantity not in cls.units:
                        hint = nearest(quantity, cls.units)
                        reasons.add(
                            f"outputs.{name}", f"{quantity!r} is not known.{hint} Known: {', '.join(cls.units)}."
                        )
            elif not isinstance(output, Energy):
                reasons.add(f"outputs.{name}", f"{output.kind} cannot be measured here; there are Fields, Energy.")
        if scene.time.tolerance is not None:
            reasons.add("time.tolerance", "needs an error estimate, which this method has not; take cfl=0.5 or a dt.")
        reasons.compare([{"entities": structure_of(dict(s.entities)), "domain": s.domain} for s in scenes])
        reasons.refuse()

    def __init__(self, scenes: Sequence[Scene], name: str, like: Tensor):
        """like: an empty tensor of the device and the precision of states."""
        self.scenes, self.name, self.like = tuple(scenes), name, like
        domain = scenes[0].domain
        assert domain.size is not None, "refused otherwise"
        assert domain.cells is not None, "refused otherwise"
        self.cells = domain.cells
        self.spacing = tuple(length / count for length, count in zip(domain.size, domain.cells, strict=True))
        probes = [self.probe(one, output) for one, output in scenes[0].outputs.items()]
        self.program = program(scenes, probes, self.controller, self.begin)

    @abstractmethod
    def begin(self, params: Params) -> Any:
        """The state at the start; `self.scenes` has one scene a member."""

    @abstractmethod
    def max_dt(self, state: Any, params: Params) -> Tensor:
        """Largest stable step of each member [batch], float64, without a gradient."""

    @abstractmethod
    def step(self, state: Any, params: Params, time: Tensor, dt: Tensor) -> Step[Any]:
        """A time dt later; time and dt [batch], float64."""

    @abstractmethod
    def fields(self, state: Any, params: Params) -> dict[str, Tensor]:
        """What `Fields` can ask for, by name [batch, *cells]."""

    def energies(self, state: Any, params: Params) -> dict[str, Tensor]:
        """What `Energy` gives, by name [batch]; the mean squares of the fields unless there is something better."""
        return {f"{name}_square": f.square().flatten(1).mean(1) for name, f in self.fields(state, params).items()}

    def observe(self, state: Any, params: Params) -> dict[str, Tensor]:
        return self.energies(state, params)

    def number(self, params: Params, field: str) -> Tensor:
        """A number of the entity, shaped as a field [batch, 1, ...]."""
        return self.spread(params[f"{self.name}.{field}"])

    def spread(self, value: Tensor) -> Tensor:
        """[batch] -> [batch, 1, ...], on the device and in the precision of states."""
        return value.to(self.like).view(-1, *[1] * len(self.cells))

    def probe(self, name: str, output: Output) -> Probe[Any]:
        layout: Layout = Series()
        units = {**{f"{name}_square": squared(unit) for name, unit in self.units.items()}, **self.units}
        if isinstance(output, Fields):
            wraps = self.scenes[0].domain.wraps
            layout = Grid(self.cells, self.spacing, tuple(h / 2 for h in self.spacing), wraps)
            names, units = output.quantities, {name: self.units[name] for name in output.quantities}

            def measure(state: Any, params: Params) -> dict[str, Tensor]:
                found = self.fields(state, params)
                return {name: found[name] for name in names}

        else:
            measure = self.energies
        return Probe(name, output.every, measure, layout, units, self.scenes[0].time.warmup)


def entity_of(scene: Scene, kind: type[Entity]) -> str:
    return next(name for name, part in scene.entities.items() if isinstance(part, kind))


def squared(unit: str) -> str:
    return unit if unit == "1" else f"({unit})^2"

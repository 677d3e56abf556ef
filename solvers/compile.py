"""From a scene to something that steps: chooses the method and refuses, with all the reasons, what cannot run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch

from scenegrad.engine.device import pick_device, pick_dtype
from scenegrad.engine.solver import Solver
from scenegrad.engine.state import Params
from scenegrad.scenes.atoms import Atoms
from scenegrad.scenes.domain import Periodic
from scenegrad.scenes.equations import AdvectionDiffusion, Burgers, GrayScott, KuramotoSivashinsky
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.fluids import Fluid, Obstacle, Tracer
from scenegrad.scenes.gases import Gas, ShallowWater
from scenegrad.scenes.methods import (
    Elliptic,
    FiniteElement,
    FiniteVolume,
    MassSpring,
    MaterialPoint,
    Method,
    MolecularDynamics,
    Spectral,
    Staggered,
)
from scenegrad.scenes.porous import Darcy
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.solids import Body
from scenegrad.scenes.springs import Springs
from scenegrad.solvers.own import Compiler, observed, own_compiler, own_methods, split
from scenegrad.solvers.shared.hush import hush_warp

__all__ = ["Compiler", "compilers", "compile_scene", "method_of"]


def compilers() -> dict[type[Method], Compiler]:
    """Which compiler serves which method; each is imported when it is needed."""

    def mpm(scenes: Sequence[Scene], device: str, dtype: torch.dtype) -> tuple[Solver, Any, Params]:
        hush_warp()
        from scenegrad.solvers.mpm.compile import compile_mpm

        return compile_mpm(scenes, device, dtype)

    def spectral(scenes: Sequence[Scene], device: str, dtype: torch.dtype) -> tuple[Solver, Any, Params]:
        from scenegrad.solvers.navier_stokes.spectral.compile import compile_spectral

        return compile_spectral(scenes, device, dtype)

    def staggered(scenes: Sequence[Scene], device: str, dtype: torch.dtype) -> tuple[Solver, Any, Params]:
        hush_warp()
        from scenegrad.solvers.navier_stokes.staggered.compile import compile_staggered

        return compile_staggered(scenes, device, dtype)

    def md(scenes: Sequence[Scene], device: str, dtype: torch.dtype) -> tuple[Solver, Any, Params]:
        hush_warp()
        from scenegrad.solvers.md.compile import compile_md

        return compile_md(scenes, device, dtype)

    def mass_spring(scenes: Sequence[Scene], device: str, dtype: torch.dtype) -> tuple[Solver, Any, Params]:
        hush_warp()
        from scenegrad.solvers.mass_spring.compile import compile_mass_spring

        return compile_mass_spring(scenes, device, dtype)

    def finite_volume(scenes: Sequence[Scene], device: str, dtype: torch.dtype) -> tuple[Solver, Any, Params]:
        hush_warp()
        from scenegrad.solvers.navier_stokes.finite_volume.compile import compile_finite_volume

        return compile_finite_volume(scenes, device, dtype)

    def finite_element(scenes: Sequence[Scene], device: str, dtype: torch.dtype) -> tuple[Solver, Any, Params]:
        from scenegrad.solvers.navier_stokes.finite_element.compile import compile_finite_element

        return compile_finite_element(scenes, device, dtype)

    def darcy(scenes: Sequence[Scene], device: str, dtype: torch.dtype) -> tuple[Solver, Any, Params]:
        from scenegrad.solvers.elliptic.darcy.compile import compile_darcy

        return compile_darcy(scenes, device, dtype)

    return {
        MassSpring: mass_spring,
        MaterialPoint: mpm,
        Spectral: spectral,
        Staggered: staggered,
        FiniteVolume: finite_volume,
        FiniteElement: finite_element,
        Elliptic: darcy,
        MolecularDynamics: md,
    }


def method_of(scene: Scene) -> Method:
    """The method a scene asks for, or the one that its entities call for."""
    if scene.method is not None:
        return scene.method
    if scene.domain.mesh is not None:
        return FiniteElement()
    serving: dict[type, Method] = {
        Body: MaterialPoint(),
        Springs: MassSpring(),
        Fluid: Spectral() if repeats(scene) else Staggered(),
        **dict.fromkeys((AdvectionDiffusion, Burgers, GrayScott, KuramotoSivashinsky), Spectral()),
        **dict.fromkeys((Gas, ShallowWater), FiniteVolume()),
        Darcy: Elliptic(),
        Atoms: MolecularDynamics(),
        **own_methods(),
    }
    called = {name: serving[t] for name, e in scene.entities.items() for t in serving if isinstance(e, t)}
    kinds = {type(method) for method in called.values()}
    if not kinds:
        raise SceneError(
            f"Scene {scene.name!r} has nothing to simulate: {', '.join(scene.entities)}. Add a Body, Springs, a Fluid, "
            f"a Gas, ShallowWater, Darcy or Atoms."
        )
    if len(kinds) > 1:
        raise SceneError(
            f"Scene {scene.name!r} mixes methods without a coupling: "
            + ", ".join(f"{name} needs {method.kind}" for name, method in called.items())
            + ". Put them in scenes of their own."
        )
    return next(iter(called.values()))


def repeats(scene: Scene) -> bool:
    """Whether the box is periodic on every axis, with nothing in it but a fluid and no eddies to be modelled."""
    walls = [scene.boundary.face(axis, side) for axis in range(scene.dim) for side in ("lo", "hi")]
    wraps = [wrap for wrap in (scene.domain.wraps if scene.domain.dim else ()) for _ in range(2)]
    around = all(isinstance(w, Periodic) or (w is None and wrap) for w, wrap in zip(walls, wraps, strict=False))
    lifted = any(isinstance(part, Tracer) and part.buoyancy is not None for part in scene.entities.values())
    modelled = any(isinstance(part, Fluid) and part.turbulence is not None for part in scene.entities.values())
    solid = any(isinstance(part, Obstacle) for part in scene.entities.values())
    return around and not (lifted or modelled or solid)


def compile_scene(
    scene: Scene | Sequence[Scene], device: str | torch.device = "auto", dtype: str | torch.dtype = "float32"
) -> tuple[Solver, Any, Params]:
    """(solver, state, params): what is fixed, what a step changes, what may learn.

    A list of scenes of one structure becomes a batch, one member each. Distributions stand at their medians.
    Raises SceneError where the scene cannot be run, DeviceError where the device or precision is not there.
    """
    scenes = [scene] if isinstance(scene, Scene | str) or not isinstance(scene, Iterable) else list(scene)
    for one in scenes:
        if not isinstance(one, Scene):
            raise SceneError(
                f"A Scene, or a list of them, is needed here; got {one!r:.80}. "
                f"read_scene(...) makes one of a file or of the name of a ready scene."
            )
    if not scenes:
        raise SceneError("There is no scene to compile: the list is empty.")
    medians = {id(one): one.median() for one in {id(one): one for one in scenes}.values()}  # a scene may come often
    scenes = [medians[id(one)] for one in scenes]
    parted = {id(one): split(one) for one in scenes}
    bare, own = zip(*(parted[id(one)] for one in scenes), strict=True)
    solver, state, params = compiler_of(method_of(scenes[0]))(bare, pick_device(device), pick_dtype(dtype))
    return observed(solver, scenes, own), state, params


def compiler_of(method: Method) -> Compiler:
    found = own_compiler(method) or compilers().get(type(method))
    if found is None:
        raise SceneError(f"method is {method.kind!r}, which nobody registered; call register_solver(...) first.")
    return found

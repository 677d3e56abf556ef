"""What `run` writes of a flow beside what its scene asks for."""

from __future__ import annotations

from scenegrad.scenes.equations import AdvectionDiffusion, Burgers, GrayScott, KuramotoSivashinsky
from scenegrad.scenes.fluids import Fluid
from scenegrad.scenes.gases import Gas, ShallowWater
from scenegrad.scenes.methods import FiniteElement, FiniteVolume, Spectral, Staggered
from scenegrad.scenes.outputs import Diagnostics, Fields
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.compile import method_of

__all__ = ["NAME", "watched"]

NAME = "diagnostics"
FLOWS = (Fluid, Gas, ShallowWater, AdvectionDiffusion, Burgers, GrayScott, KuramotoSivashinsky)

SERVING = (FiniteElement, FiniteVolume, Spectral, Staggered)


def watched(scene: Scene) -> Scene:
    """The scene with Diagnostics as often as the most frequent of its Fields, if it is one of a flow that asks for some
    and for no Diagnostics of its own, under a name that nothing else has."""
    outputs, fields = scene.outputs, [output for output in scene.outputs.values() if isinstance(output, Fields)]
    flows = any(isinstance(part, FLOWS) for part in scene.entities.values())
    asked = NAME in outputs or any(isinstance(output, Diagnostics) for output in outputs.values())
    if not flows or not fields or asked or not isinstance(method_of(scene), SERVING):
        return scene
    every = min(output.every for output in fields)
    return scene.model_copy(update={"outputs": {**outputs, NAME: Diagnostics(every=every)}})

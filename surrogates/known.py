"""Every kind of trained model, by the name that its checkpoint calls it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.boltzmann.generator import ParticleGenerator
from scenegrad.surrogates.flows.flow import Flow
from scenegrad.surrogates.flows.light_bridge import LightBridge
from scenegrad.surrogates.flows.refiner import Refiner
from scenegrad.surrogates.model import Dressed, Model
from scenegrad.surrogates.operators.known import build_operator
from scenegrad.surrogates.tokens.model import TokenModel

__all__ = ["build_dressed", "build_model"]

Build = Callable[[Mapping[str, Any]], Model]

MODELS: dict[str, Build] = {
    kind.kind: kind.build for kind in (Flow, LightBridge, ParticleGenerator, Refiner, TokenModel)
}
"""Models that are no single operator, such as flows. All other kinds are those of operators."""


def build_model(config: Mapping[str, Any]) -> Model:
    """What a recipe describes, with new weights."""
    kind = config.get("kind")
    return MODELS[kind](config) if kind in MODELS else build_operator(config)


def build_dressed(config: Mapping[str, Any]) -> Dressed:
    """What a checkpoint describes, with scales that are still to be loaded."""
    if set(config) != {"network", "dt", "grid"}:
        raise EngineError(f"A trained model is described by network, dt and grid, not by {', '.join(config)}.")
    return build_model(config["network"]).dressed(None, config["dt"], tuple(config["grid"]))

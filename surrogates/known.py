"""Every kind of trained model, by the name that its checkpoint calls it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.flows.flow import Flow
from scenegrad.surrogates.model import Dressed, Model
from scenegrad.surrogates.operators.known import build_operator

__all__ = ["build_dressed", "build_model"]

Build = Callable[[Mapping[str, Any]], Model]

MODELS: dict[str, Build] = {Flow.kind: Flow.build}
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

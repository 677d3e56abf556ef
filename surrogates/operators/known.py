"""Every kind of network, by the name that recipes and checkpoints call it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.deeponet import DeepONet
from scenegrad.surrogates.operators.fno import FNO
from scenegrad.surrogates.operators.operator import Operator
from scenegrad.surrogates.operators.tfno import TFNO
from scenegrad.surrogates.operators.transolver import Transolver
from scenegrad.surrogates.operators.unet import ClassicUNet, UNet
from scenegrad.surrogates.operators.uno import UNO

__all__ = ["OPERATORS", "build_operator"]

KINDS = (FNO, TFNO, UNO, UNet, ClassicUNet, DeepONet, Transolver)

OPERATORS: dict[str, type[Operator]] = {kind.kind: kind for kind in KINDS}


def build_operator(config: Mapping[str, Any]) -> Operator:
    """The network that a recipe or a checkpoint describes."""
    if config.get("kind") not in OPERATORS:
        raise EngineError(f"A model got kind {config.get('kind')!r}; there are: {', '.join(OPERATORS)}.")
    return OPERATORS[config["kind"]].build(config)

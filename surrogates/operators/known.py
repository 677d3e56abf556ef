"""Every kind of network, by the name that recipes and checkpoints call it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.cno import CNO
from scenegrad.surrogates.operators.deeponet import DeepONet
from scenegrad.surrogates.operators.fno import FNO
from scenegrad.surrogates.operators.mlp import MLP
from scenegrad.surrogates.operators.operator import Operator
from scenegrad.surrogates.operators.scot import ScOT
from scenegrad.surrogates.operators.space_time import SpaceTimeFNO
from scenegrad.surrogates.operators.staggered import Staggered
from scenegrad.surrogates.operators.tfno import TFNO
from scenegrad.surrogates.operators.transolver import Transolver
from scenegrad.surrogates.operators.unet import ClassicUNet, UNet
from scenegrad.surrogates.operators.uno import UNO
from scenegrad.surrogates.particles.gns import GNS
from scenegrad.surrogates.particles.mesh_graph_net import MeshGraphNet

__all__ = ["OPERATORS", "build_operator", "register_operator"]

KINDS = (
    FNO,
    TFNO,
    UNO,
    UNet,
    ClassicUNet,
    DeepONet,
    Transolver,
    CNO,
    ScOT,
    GNS,
    MeshGraphNet,
    MLP,
    Staggered,
    SpaceTimeFNO,
)

OPERATORS: dict[str, type[Operator]] = {kind.kind: kind for kind in KINDS}


def build_operator(config: Mapping[str, Any]) -> Operator:
    """The network that a recipe or a checkpoint describes."""
    if config.get("kind") not in OPERATORS:
        raise EngineError(f"A model got kind {config.get('kind')!r}; there are: {', '.join(OPERATORS)}.")
    return OPERATORS[config["kind"]].build(config)


def register_operator(kind: type[Operator]) -> None:
    """Makes a network of one's own known to recipes and checkpoints by its `kind`; one of the same name is replaced, as
    long as it is none of these."""
    if not (isinstance(kind, type) and issubclass(kind, Operator) and isinstance(getattr(kind, "kind", None), str)):
        raise EngineError(f"register_operator got {kind!r:.80}; a class that derives from Operator, with a kind.")
    if any(kind.kind == own.kind and kind is not own for own in KINDS):
        raise EngineError(f"register_operator: {kind.kind!r} is a network of scenegrad; give yours a name of its own.")
    OPERATORS[kind.kind] = kind

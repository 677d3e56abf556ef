"""Studies: whole programs, from a scene to a trained model that is held against published numbers and its solver."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Self

from scenegrad.engine.errors import EngineError, FileError
from scenegrad.scenes.errors import nearest
from scenegrad.view.report import Chapter, Stage

__all__ = ["STUDIES", "Study", "read_study", "study_of"]

STUDIES: dict[str, str] = {  # by name: "module:Class" in this folder
    "data_and_gradients": "data_and_gradients:DataAndGradients",
    "trust_region": "trust_region:TrustRegion",
    "field_gradients": "field_gradients:FieldGradients",
    "blast": "blast:Blast",
    "dw4": "boltzmann_generators:DW4",
    "lj13": "boltzmann_generators:LJ13",
    "flow_perturbation": "flow_perturbation:FlowPerturbation",
    "one_step_flows": "one_step_flows:OneStepFlows",
    "processes": "processes:Processes",
    "guided_design": "guided_design:GuidedDesign",
    "tokenizer": "tokenizer:Tokenizer",
    "burgers": "burgers:Burgers",
    "darcy": "darcy:Darcy",
    "kolmogorov": "kolmogorov:Kolmogorov",
    "navier_stokes_fno": "navier_stokes_fno:NavierStokesFNO",
    "safe_kolmogorov": "safe_kolmogorov:SafeKolmogorov",
    "smoke": "smoke:Smoke",
    "sand_gns": "sand_gns:SandGNS",
    "elastic_drop": "elastic_drop:ElasticDrop",
    "time_coarsened_md": "time_coarsened_md:TimeCoarsenedMD",
    "neural_stagger": "neural_stagger:NeuralStagger",
}


@dataclass(frozen=True)
class Study:
    """One whole program; its fields are what may be changed, numbers and choices that TOML can say.

    presets: the values of "small" (seconds, for tests), "cpu" (minutes of two cores) and "gpu" (the published set-up),
    each where it differs from the defaults.
    """

    title: ClassVar[str]
    presets: ClassVar[Mapping[str, Mapping[str, Any]]]

    def run(self, stage: Stage) -> Chapter:
        """Makes the data, trains, measures. All it writes goes below stage.folder, and what is there is used again."""
        raise NotImplementedError

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        if name not in cls.presets:
            raise EngineError(
                f"{cls.__name__} has no preset {name!r}.{nearest(name, cls.presets)} It has: {', '.join(cls.presets)}."
            )
        return cls(**{**cls.presets[name], **changes})


def study_of(name: str) -> type[Study]:
    """By the name that it has in lists and files."""
    if name not in STUDIES:
        raise EngineError(f"There is no study {name!r}.{nearest(name, STUDIES)} There are: {', '.join(STUDIES)}.")
    module, _, kind = STUDIES[name].partition(":")
    return getattr(import_module(f"scenegrad.surrogates.recipes.{module}"), kind)


def read_study(path: str | Path, preset: str = "cpu") -> Study:
    """From a TOML file: `study = "burgers"`, `preset = "gpu"` where not the given one, and what differs from it."""
    try:
        table = tomllib.loads(Path(path).read_text())
    except FileNotFoundError as error:
        raise FileError(f"There is no file {str(path)!r}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileError(f"{path} is not valid TOML: {error}.") from error
    if "study" not in table:
        raise EngineError(f'{path} does not say which study: study = "...", one of {", ".join(STUDIES)}.')
    kind = study_of(table.pop("study"))
    preset = table.pop("preset", preset)
    allowed = [field.name for field in fields(kind)]
    if strangers := [name for name in table if name not in allowed]:
        raise EngineError(
            f"{path} got {', '.join(strangers)}.{nearest(strangers[0], allowed)} The study takes {', '.join(allowed)}."
        )
    return kind.preset(preset, **{name: tuple(v) if isinstance(v, list) else v for name, v in table.items()})

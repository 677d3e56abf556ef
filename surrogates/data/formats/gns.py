"""Particles of Learning to Simulate [Sanchez-Gonzalez et al. 2020]: .npz and metadata.json, as geoelements/gns has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from scenegrad.engine.errors import EngineError, FileError
from scenegrad.engine.files.atomic import appearing, write_json
from scenegrad.surrogates.data.formats.particles import ParticleTrajectories
from scenegrad.surrogates.data.formats.plain_pickle import read_npz
from scenegrad.surrogates.data.split import AnySplit, Split
from scenegrad.surrogates.data.statistics import Moments

__all__ = ["read_gns", "write_gns"]

FOLDERS = {"train": "train", "validation": "valid", "test": "test"}  # file of each part


def read_gns(path: str | Path) -> ParticleTrajectories:
    """The trajectories of one .npz file; the step, bounds and radius come from the metadata.json beside it.

    An entry, or an element of `gns_data`, is (positions [frame, particle, dim], kind of each particle or of all) and,
    where it has a third, a number that becomes the parameter "material". Only arrays are read from its pickles.
    """
    file = Path(path)
    entries = read_npz(file)
    told = list(entries["gns_data"]) if "gns_data" in entries else list(entries.values())
    position, kind, material = [], [], []
    for i, entry in enumerate(told):
        parts = list(entry) if isinstance(entry, tuple | list | np.ndarray) else []
        if len(parts) not in (2, 3) or np.ndim(parts[0]) != 3:
            raise FileError(
                f"Entry {i} of {file} is {described(entry)}; trajectories of GNS are (positions [frame, particle, "
                f"dim], kind of particle)."
            )
        x = np.asarray(parts[0], dtype=np.float32)
        position.append(x)
        kind.append(np.broadcast_to(np.asarray(parts[1], dtype=np.int64).reshape(-1), x.shape[1:2]).copy())
        material += [float(np.ravel(parts[2])[0])] if len(parts) == 3 else []
    about = metadata(file.parent)
    parameters = {"material": np.array(material)} if material and len(material) == len(told) else {}
    bounds, radius = about.get("bounds"), about.get("default_connectivity_radius")
    return ParticleTrajectories(
        tuple(position), tuple(kind), float(about["dt"]), None if bounds is None else np.asarray(bounds, dtype=float),
        radius, parameters,
    )  # fmt: skip


def metadata(folder: Path) -> dict[str, Any]:
    try:
        about = json.loads((folder / "metadata.json").read_text())
    except FileNotFoundError as error:
        raise FileError(
            f"{folder} has no metadata.json; the .npz files do not tell the time between frames."
        ) from error
    except json.JSONDecodeError as error:
        raise FileError(f"{folder / 'metadata.json'} cannot be read: {error}.") from error
    about = about.get("train", about)
    if "dt" not in about:
        raise FileError(f"{folder / 'metadata.json'} tells {', '.join(about) or 'nothing'}, but not dt.")
    return about


def described(entry: Any) -> str:
    return f"an array of shape {entry.shape}" if isinstance(entry, np.ndarray) else f"a {type(entry).__name__}"


def write_gns(particles: ParticleTrajectories, folder: str | Path, split: AnySplit | None = None) -> list[Path]:
    """train.npz, valid.npz, test.npz and metadata.json with statistics of the training part; returns the .npz files.

    Velocities and accelerations there are differences from frame to frame, not divided by dt. A parameter "material"
    goes with each trajectory.
    """
    if particles.radius is None:
        raise EngineError("GNS needs the radius within which particles are neighbours: give the trajectories a radius.")
    if strangers := set(particles.parameters) - {"material"}:
        raise EngineError(
            f"GNS keeps one number with a trajectory, its material; these have {', '.join(sorted(strangers))} as well."
        )
    if short := [i for i, x in enumerate(particles.position) if len(x) < 3]:
        raise EngineError(f"Trajectory {short[0]} has fewer than 3 frames, which have no acceleration.")
    root, written = Path(folder), []
    root.mkdir(parents=True, exist_ok=True)
    for part, places in (split or Split()).assign(particles.identities, particles.parameters).items():
        if not places:
            continue
        chosen = particles.taken(places)
        path = root / f"{FOLDERS.get(part, part)}.npz"
        material = chosen.parameters.get("material")
        rows = [
            entry(x.astype(np.float32), kind.astype(np.int64), None if material is None else float(material[i]))
            for i, (x, kind) in enumerate(zip(chosen.position, chosen.kind, strict=True))
        ]
        named: dict[str, Any] = {f"simulation_trajectory_{i}": row for i, row in enumerate(rows)}
        with appearing(path) as unfinished:
            np.savez(unfinished, **named)
        written.append(path)
        if part == "train":
            write_json(root / "metadata.json", summary(chosen))
    return written


def entry(position: np.ndarray, kind: np.ndarray, material: float | None) -> np.ndarray:
    parts = (position, kind) if material is None else (position, kind, material)
    row = np.empty(len(parts), dtype=object)
    for i, value in enumerate(parts):
        row[i] = value
    return row


def summary(particles: ParticleTrajectories) -> dict[str, Any]:
    dim = particles.position[0].shape[2]
    velocity, acceleration = Moments(dim), Moments(dim)
    for x in particles.position:
        steps = np.diff(x.astype(np.float64), axis=0)
        velocity.add(steps)
        acceleration.add(np.diff(steps, axis=0))
    bounds = particles.bounds
    if bounds is None:
        flat = np.concatenate([x.reshape(-1, dim) for x in particles.position])
        bounds = np.stack([flat.min(axis=0), flat.max(axis=0)], axis=-1)
    found: dict[str, Any] = {
        "bounds": np.asarray(bounds, dtype=float).tolist(),
        "sequence_length": max(len(x) for x in particles.position) - 1,
        "default_connectivity_radius": particles.radius,
        "dim": dim,
        "dt": particles.dt,
    }
    for name, moments in (("vel", velocity), ("acc", acceleration)):
        mean, std = moments.tensors()
        found |= {f"{name}_mean": mean.tolist(), f"{name}_std": std.tolist()}
    return found

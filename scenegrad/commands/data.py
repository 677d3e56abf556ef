"""Commands that make data and learn from it: generate, train, evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from scenegrad.commands.options import Device, Json, Out, Precision, Quiet, Settings, Source, prepared, show

__all__ = ["register"]


def register(app: App) -> None:
    for command in (generate, train, evaluate):
        app.command(command)


def generate(
    scene: Source,
    *,
    n: Annotated[int, Parameter(name=["-n", "--n"], help="How many members.")],
    out: Out = None,
    seed: Annotated[int, Parameter(help="Of the draws from the distributions.")] = 0,
    sampler: Annotated[Literal["sobol", "random"], Parameter(help="How the distributions are drawn from.")] = "sobol",
    workers: Annotated[int, Parameter(help="Processes on this machine.")] = 1,
    batch: Annotated[int, Parameter(help="Members that a process simulates together.")] = 1,
    threads: Annotated[int, Parameter(help="Threads of torch in each process.")] = 1,
    shard: Annotated[str, Parameter(help="i/n: only every n-th member from i on, for job arrays.")] = "0/1",
    cluster: Annotated[str | None, Parameter(help="Address of a Dask scheduler in place of --workers.")] = None,
    gradients: Annotated[
        tuple[str, ...],
        Parameter(negative="", help="Address by which scalar series are differentiated. May be repeated."),
    ] = (),
    device: Device = "auto",
    dtype: Precision = "float32",
    set_: Settings = (),
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Simulate the ensemble that a scene with distributions describes. What is there already is not made again.

    For example

    - `scenegrad generate kolmogorov -n 48 --out data/flow --workers 2`
    - `scenegrad generate wake.toml -n 512 --shard $SLURM_ARRAY_TASK_ID/16`
    """
    from scenegrad.generating import generate as make

    how: dict[str, Any] = {"seed": seed, "sampler": sampler, "device": device, "dtype": dtype, "batch": batch}
    how |= {"workers": workers, "threads": threads, "shard": shard, "gradients": gradients}
    with cluster_of(cluster) as executor:
        made = make(prepared(scene, set_, None), n, out=out, executor=executor, progress=not (quiet or json), **how)
    counts = {name: len(made.with_status(name)) for name in ("ok", "diverged", "failed", "missing")}
    show({"folder": str(made.path), "hash": made.hash, **counts}, json, repr(made))
    return 1 if counts["failed"] or not counts["ok"] else 0


def cluster_of(address: str | None) -> Any:
    """An executor on a Dask cluster, or none."""
    from contextlib import nullcontext

    from scenegrad.engine.errors import EngineError

    if address is None:
        return nullcontext()
    try:
        from distributed import Client
    except ImportError as error:
        raise EngineError("--cluster needs Dask: pip install 'scenegrad[cluster]'.") from error
    try:
        client = Client(address, timeout="10s")
    except OSError as error:
        raise EngineError(f"No Dask scheduler answers at {address}: {error}.") from error
    return client.get_executor(retries=2, pure=False)


def train(
    recipe: Annotated[str, Parameter(help="A recipe file, or the name of one that comes with the package.")],
    data: Annotated[Path, Parameter(help="The folder of a dataset.")],
    *,
    out: Out = None,
    epochs: Annotated[int | None, Parameter(help="In place of the recipe's.")] = None,
    seed: Annotated[int | None, Parameter(help="In place of the recipe's.")] = None,
    resume: Annotated[bool, Parameter(negative="", help="Go on from the checkpoint in --out.")] = False,
    device: Device = "auto",
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Train a network on a dataset.

    For example

    - `scenegrad train fno_kolmogorov data/flow --out runs/fno`
    - `scenegrad train recipe.toml data/flow --out runs/fno --epochs 20 --resume`
    """
    from scenegrad.engine.dataset import open_dataset
    from scenegrad.surrogates import train as fit

    folder = out or Path("runs") / Path(recipe).stem
    shown = not (quiet or json)
    made = fit(
        recipe, open_dataset(data), out=folder, epochs=epochs, seed=seed, resume=resume, device=device, progress=shown
    )
    last = made.history[-1]
    held_out = "none" if last.validation is None else f"{last.validation:.4g}"
    text = f"{made.path}: {len(made.history)} epochs, loss {last.loss:.4g}, validation {held_out}"
    show({"checkpoint": str(made.path), "epochs": len(made.history), **vars(last)}, json, text)
    return 0


def evaluate(
    model: Annotated[Path, Parameter(help="The checkpoint of a trained network, or the folder that holds it.")],
    data: Annotated[Path, Parameter(help="The folder of a dataset.")],
    *,
    metrics: Annotated[tuple[str, ...], Parameter(negative="", help="What to measure. May be repeated.")] = (
        "one_step",
        "persistence",
        "correlation_time",
    ),
    json: Json = False,
) -> int:
    """Measure a trained network on the part of the data that it has not seen, cut as they were for its training.

    For example

    - `scenegrad evaluate runs/fno data/flow --metrics one_step --metrics spectrum`
    """
    from scenegrad.engine.dataset import open_dataset
    from scenegrad.surrogates import Fit

    report = Fit.load(model, open_dataset(data)).evaluate(metrics)
    show(dict(report), json, str(report))
    return 0

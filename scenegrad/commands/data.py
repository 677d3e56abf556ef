"""Commands that make data and learn from it: generate, card, train, evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from scenegrad.commands.completing import recipes
from scenegrad.commands.options import (
    Device,
    Json,
    Out,
    OutsideFiles,
    Precision,
    Quiet,
    Settings,
    Source,
    prepared,
    show,
)

__all__ = ["register"]


def register(app: App) -> None:
    for command in (generate, card, train, evaluate):
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
    outside_files: OutsideFiles = False,
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Simulate the ensemble that a scene with distributions describes. What is there already is not made again.

    For example

    - `scenegrad generate kolmogorov -n 48 --out data/flow --workers 2`
    - `scenegrad generate wake.toml -n 512 --shard $SLURM_ARRAY_TASK_ID/16`
    - `scenegrad generate wake.toml -n 512 --cluster tcp://127.0.0.1:8786`
    """
    from scenegrad.generating import generate as make

    how: dict[str, Any] = {"seed": seed, "sampler": sampler, "device": device, "dtype": dtype, "batch": batch}
    how |= {"workers": workers, "threads": threads, "shard": shard, "gradients": gradients}
    chosen = prepared(scene, set_, None, outside_files)
    made = make(chosen, n, out=out, executor=cluster, progress=not (quiet or json), **how)
    counts = {name: len(made.with_status(name)) for name in ("ok", "diverged", "failed", "damaged", "missing")}
    told = [f"Member {i} failed: {made.folder.told(i)} ({made.folder.failure(i)})" for i in made.failed]
    show({"folder": str(made.path), "hash": made.hash, **counts}, json, "\n".join([*told, repr(made)]))
    return 1 if counts["failed"] or not counts["ok"] else 0


def card(
    data: Annotated[Path, Parameter(help="The folder of a dataset.")],
    *,
    licence: Annotated[str | None, Parameter(help="Of the data, such as CC-BY-4.0; it is kept.")] = None,
    json: Json = False,
) -> int:
    """Describe a dataset on one page with pictures: card.html, and card.json, into its folder.

    For example

    - `scenegrad card data/flow`
    - `scenegrad card data/flow --licence CC-BY-4.0`
    """
    from json import loads

    from scenegrad.cards import card as write_card

    page = write_card(data, licence=licence)
    show(loads((page.parent / "card.json").read_text()), json, str(page))
    return 0


def train(
    recipe: Annotated[
        str, Parameter(help="A recipe file, or the name of one that comes with the package.", completer=recipes)
    ],
    data: Annotated[Path, Parameter(help="The folder of a dataset.")],
    *,
    out: Out = None,
    epochs: Annotated[int | None, Parameter(help="In place of the recipe's.")] = None,
    batch_size: Annotated[int | None, Parameter(help="Examples of a step, over all processes.")] = None,
    learning_rate: Annotated[float | None, Parameter(help="The highest one, in place of the recipe's.")] = None,
    amp: Annotated[
        Literal["float32", "bfloat16", "float16"] | None, Parameter(help="Precision of the products of matrices.")
    ] = None,
    seed: Annotated[int | None, Parameter(help="In place of the recipe's.")] = None,
    parallel: Annotated[
        Literal["ddp", "fsdp"], Parameter(help="How processes of torchrun share: copies, or parts, of the weights.")
    ] = "ddp",
    tensorboard: Annotated[bool, Parameter(negative="", help="Write for TensorBoard too, into --out.")] = False,
    resume: Annotated[bool, Parameter(negative="", help="Go on from the checkpoint in --out.")] = False,
    device: Device = "auto",
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Train a network on a dataset.

    For example

    - `scenegrad train fno_kolmogorov data/flow --out runs/fno`
    - `scenegrad train recipe.toml data/flow --out runs/fno --epochs 20 --resume`
    - `scenegrad train fno_kolmogorov data/flow --batch-size 32 --learning-rate 0.01 --amp bfloat16`
    - `torchrun --nproc-per-node 2 -m scenegrad train fno_kolmogorov data/flow --parallel fsdp`
    """
    from scenegrad.engine.dataset import open_dataset
    from scenegrad.surrogates import TensorBoard
    from scenegrad.surrogates import train as fit
    from scenegrad.surrogates.training.processes import leads

    folder = out or Path("runs") / Path(recipe).stem
    how: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "precision": amp}
    how |= {"seed": seed, "device": device, "parallel": parallel, "resume": resume}
    watch = TensorBoard(folder) if tensorboard else None
    made = fit(recipe, open_dataset(data), out=folder, progress=not (quiet or json), watch=watch, **how)
    if not leads():
        return 0
    last = made.history[-1]
    held_out = "none" if last.validation is None else f"{last.validation:.4g}"
    text = f"{made.path}: {len(made.history)} epochs, loss {last.loss:.4g}, validation {held_out}"
    show({"checkpoint": str(made.path), "epochs": len(made.history), **vars(last)}, json, text)
    return 0


def evaluate(
    model: Annotated[Path, Parameter(help="The checkpoint of a trained network, or the folder that holds it.")],
    *more: Annotated[
        Path, Parameter(help="Further models, to be judged side by side, and last the folder of a dataset.")
    ],
    metrics: Annotated[
        tuple[str, ...], Parameter(negative="", help="Only these, on the test part, in place of all. May be repeated.")
    ] = (),
    report: Annotated[Path | None, Parameter(help="Also write a page with pictures, such as report.html.")] = None,
    finer: Annotated[Path | None, Parameter(help="A dataset of the same scene with more cells.")] = None,
    draws: Annotated[int | None, Parameter(help="Of each forecast of a model that draws; 16 unless said.")] = None,
    cost: Annotated[bool, Parameter(help="Time the model beside its solver at several resolutions.")] = True,
    device: Device = "auto",
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Measure trained networks on what no training has seen, cut as it was for them: the last path is the dataset.

    Errors of one step and along trajectories, spectra, conserved quantities, in and out of distribution; calibration
    of models that draw; cost beside the solver, and after how many solves data and training are won back. Single
    metrics are one_step, persistence, vrmse, largest, rollout, correlation_time, spectrum, conserved and calibration.

    For example

    - `scenegrad evaluate runs/fno data/flow`
    - `scenegrad evaluate runs/fno data/flow --report report.html --finer data/flow128`
    - `scenegrad evaluate runs/fno runs/unet runs/flow data/flow --report side_by_side.html`
    - `scenegrad evaluate runs/fno data/flow --metrics one_step --metrics spectrum --json`
    """
    from scenegrad.engine.dataset import open_dataset
    from scenegrad.engine.errors import EngineError
    from scenegrad.evaluating import evaluate as judge
    from scenegrad.surrogates import Fit

    if not more:
        raise EngineError("evaluate needs a model and, last, the dataset: scenegrad evaluate runs/fno data/flow.")
    models, data = (model, *more[:-1]), open_dataset(more[-1])
    if metrics:
        if len(models) > 1 or report is not None:
            raise EngineError("--metrics is for the numbers of one model; a report and a comparison hold all of them.")
        numbers = Fit.load(model, data).evaluate(metrics)
        show(dict(numbers), json, str(numbers))
        return 0
    beyond = None if finer is None else open_dataset(finer)
    found = judge(models, data, finer=beyond, draws=draws, cost=cost, device=device, progress=not (quiet or json))
    page = [] if report is None else [f"Report: {found.report(report)}"]
    show(found.table(), json, "\n".join([str(found), *page]))
    return 0

"""The processes that train one network together.

Every one has the same seeds, so that all draw the same batches and the same noise, and each works on its share of them;
what they end with is what one process would, but for the order of sums. The first one alone writes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from scenegrad.engine.device import pick_device
from scenegrad.engine.errors import EngineError

__all__ = ["PARALLEL", "Alone", "Processes", "Replicas", "Shards", "leads", "mapped", "together"]


class Processes(Protocol):
    rank: int  # of this process, from 0
    size: int  # how many there are
    device: str  # of this process

    def ready(self, lesson: nn.Module) -> nn.Module:
        """The module to call in place of `lesson`, whose call gives a loss; its weights may be parted from now on."""
        ...

    def adding(self, last: bool) -> AbstractContextManager[Any]:
        """Within it gradients are computed: of the last part of a batch, or of one whose gradients add to the next."""
        ...

    def total(self, value: Tensor) -> Tensor: ...  # the sum over the processes

    def agreed(self, *decisions: bool) -> tuple[bool, ...]: ...  # what the first process decided

    def whole(self, value: Any) -> Any:
        """Tensors, or tables and lists of them, put together from the parts that the processes hold."""
        ...

    def parted(self, value: Tensor, like: Tensor) -> Tensor:
        """Undoes `whole`, for a value that goes with the weight `like`."""
        ...

    def wait(self) -> None: ...  # for the others

    def leave(self) -> None: ...


class Alone:
    """One process."""

    rank, size = 0, 1

    def __init__(self, device: str):
        self.device = device

    def ready(self, lesson: nn.Module) -> nn.Module:
        return lesson

    def adding(self, last: bool) -> AbstractContextManager[Any]:
        return nullcontext()

    def total(self, value: Tensor) -> Tensor:
        return value

    def agreed(self, *decisions: bool) -> tuple[bool, ...]:
        return decisions

    def whole(self, value: Any) -> Any:
        return value

    def parted(self, value: Tensor, like: Tensor) -> Tensor:
        return value

    def wait(self) -> None: ...

    def leave(self) -> None: ...


class Replicas:
    """Every process holds the whole network; gradients are averaged while they are computed [Li et al. 2020,
    arXiv:2006.15704]."""

    def __init__(self, device: str):
        from torch import distributed

        self.group = distributed
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()
        self.device, self.made_here = device, False

    def ready(self, lesson: nn.Module) -> nn.Module:
        from torch.nn.parallel import DistributedDataParallel

        self.lesson: Any = DistributedDataParallel(lesson)
        return self.lesson

    @contextmanager
    def adding(self, last: bool) -> Iterator[None]:
        with nullcontext() if last else self.lesson.no_sync():
            yield

    def total(self, value: Tensor) -> Tensor:
        added = value.clone()
        self.group.all_reduce(added)
        return added

    def agreed(self, *decisions: bool) -> tuple[bool, ...]:
        told = torch.tensor(decisions)
        self.group.broadcast(told, src=0)
        return tuple(told.tolist())

    def whole(self, value: Any) -> Any:
        return value

    def parted(self, value: Tensor, like: Tensor) -> Tensor:
        return value

    def wait(self) -> None:
        self.group.barrier()

    def leave(self) -> None:
        if self.made_here:
            self.group.destroy_process_group()


class Shards(Replicas):
    """Every process holds a part of each weight, of its gradient and of what the optimiser keeps of it; a block is put
    together while it is used [Zhao et al. 2023, arXiv:2304.11277]."""

    def ready(self, lesson: nn.Module) -> nn.Module:
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        mesh = init_device_mesh(torch.device(self.device).type, (self.size,))
        for module in (*blocks_of(lesson), lesson):
            fully_shard(module, mesh=mesh, shard_placement_fn=self.cut)
        self.lesson = lesson
        return lesson

    def cut(self, weight: nn.Parameter) -> Any:
        """Along the longest axis that the processes can share evenly, or the first one."""
        from torch.distributed.tensor import Shard

        even = [axis for axis, length in enumerate(weight.shape) if length % self.size == 0]
        return Shard(max(even, key=lambda axis: weight.shape[axis])) if even else None

    @contextmanager
    def adding(self, last: bool) -> Iterator[None]:
        self.lesson.set_requires_gradient_sync(last)
        yield

    def whole(self, value: Any) -> Any:
        from torch.distributed.tensor import DTensor

        return mapped(lambda held: held.full_tensor() if isinstance(held, DTensor) else held, value)

    def parted(self, value: Tensor, like: Tensor) -> Tensor:
        from torch.distributed.tensor import DTensor, distribute_tensor

        if not isinstance(like, DTensor) or value.shape != like.shape:
            return value
        place = value.to(like.device)
        return distribute_tensor(place, like.device_mesh, like.placements, src_data_rank=None)


def blocks_of(network: nn.Module) -> list[nn.Module]:
    """What stands in lists, and is called and has weights: those within others first."""
    lists = [module for module in network.modules() if isinstance(module, nn.ModuleList)]
    found = dict.fromkeys(block for blocks in lists for block in blocks)
    called = [block for block in found if type(block).forward is not nn.ModuleList.forward]
    return [block for block in reversed(called) if next(block.parameters(), None) is not None]


def mapped(change: Callable[[Tensor], Tensor], value: Any) -> Any:
    """Every tensor of nested tables and lists changed."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, dict):
        return {name: mapped(change, item) for name, item in value.items()}
    return type(value)(mapped(change, item) for item in value) if isinstance(value, list | tuple) else value


def leads() -> bool:
    """Whether this process is the first of those that torchrun started, or alone: the one that speaks."""
    return os.environ.get("RANK", "0") == "0"


PARALLEL: dict[str, type[Replicas]] = {"ddp": Replicas, "fsdp": Shards}


def together(device: str | torch.device = "auto", parallel: str = "ddp") -> Processes:
    """The processes that torchrun started, each on a device of its own kind; this one alone where it did not.

    parallel: "ddp", Replicas, or "fsdp", Shards.
    """
    from torch import distributed

    if parallel not in PARALLEL:
        raise EngineError(f"parallel={parallel!r} is not known; there are {', '.join(PARALLEL)}.")
    where = pick_device(device)
    made_here = (
        distributed.is_available() and distributed.is_torchelastic_launched() and not distributed.is_initialized()
    )
    if made_here:
        if where.startswith("cuda"):
            where = pick_device(f"cuda:{os.environ['LOCAL_RANK']}")
            torch.cuda.set_device(where)
        distributed.init_process_group("cpu:gloo,cuda:nccl" if where.startswith("cuda") else "gloo")
    if not (distributed.is_available() and distributed.is_initialized()):
        return Alone(where)
    processes = PARALLEL[parallel](where)
    processes.made_here = made_here
    return processes

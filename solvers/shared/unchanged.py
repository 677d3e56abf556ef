"""Whether tensors are still the ones that something was made of."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

__all__ = ["Fingerprint"]


class Fingerprint:
    """Remembers tensors by the memory they stand in and by how often that has been written to.

    It holds them, so that their memory is not given to others; a detached twin of a tensor counts as that tensor.
    """

    def __init__(self, tensors: Iterable[Tensor]):
        self.known = [(tensor.detach(), tensor._version) for tensor in tensors]

    def fits(self, tensors: Iterable[Tensor]) -> bool:
        """Whether these are the tensors seen before, in their order, and nobody wrote to them since."""
        now = list(tensors)
        return len(now) == len(self.known) and all(
            tensor.data_ptr() == old.data_ptr() and tensor.shape == old.shape and tensor._version == version
            for tensor, (old, version) in zip(now, self.known, strict=True)
        )

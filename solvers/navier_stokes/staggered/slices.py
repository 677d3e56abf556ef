"""Neighbours along an axis of a field."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["but_first", "but_last", "differences", "first", "inner", "last", "means"]


def but_last(field: Tensor, axis: int) -> Tensor:
    return field.narrow(axis, 0, field.shape[axis] - 1)


def but_first(field: Tensor, axis: int) -> Tensor:
    return field.narrow(axis, 1, field.shape[axis] - 1)


def inner(field: Tensor, axis: int, rim: int = 1) -> Tensor:
    return field.narrow(axis, rim, field.shape[axis] - 2 * rim)


def first(field: Tensor, axis: int, count: int = 1) -> Tensor:
    return field.narrow(axis, 0, count)


def last(field: Tensor, axis: int, count: int = 1) -> Tensor:
    return field.narrow(axis, field.shape[axis] - count, count)


def differences(field: Tensor, axis: int) -> Tensor:
    """f_i+1 - f_i"""
    return torch.sub(but_first(field, axis), but_last(field, axis))


def means(field: Tensor, axis: int) -> Tensor:
    """(f_i + f_i+1) / 2"""
    return torch.add(but_first(field, axis), but_last(field, axis)).mul_(0.5)

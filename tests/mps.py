"""A device like Apple's MPS, on any machine: tensors that say they are there, and no float64 among them.

The numbers are computed on the CPU. What is refused, as there: to make a tensor of float64, be it by conversion, by a
factory or in the middle of an operation; to mix tensors with those of the CPU, save with numbers and as indices; to
show them to numpy; and the factorisations that MPS lacks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

MPS = torch.device("mps", 0)
NO_DOUBLE = (
    "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64. "
    "Please use float32 instead."
)
WIDE = (torch.float64, torch.complex128)
LACKING = ("_linalg_eigh", "_linalg_svd", "linalg_qr")
INDEXING = ("__getitem__", "__setitem__")
MOVES = ("to", "cpu", "double", "numpy", "__array__", "copy_")


def tensors(value: Any) -> Iterator[Tensor]:
    """All tensors in arguments or results."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from tensors(part)
    elif isinstance(value, dict):
        yield from tensors(list(value.values()))


def there(value: Tensor) -> bool:
    return getattr(value, "_there", False)


def put_there(result: Any) -> Any:
    """The same tensors, from now on there."""
    for one in tensors(result):
        if one.dtype in WIDE:
            raise TypeError(NO_DOUBLE)
        one._there = True  # type: ignore[attr-defined]
    return result


class OnlySingle(TorchDispatchMode):
    """While something is computed there: no operation may give float64, or be one that is lacking."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if (name := func.overloadpacket.__name__) in LACKING:
            raise NotImplementedError(f"The operator 'aten::{name}' is not currently implemented for the MPS device.")
        result = func(*args, **(kwargs or {}))
        if any(one.dtype in WIDE for one in tensors(result)):
            raise TypeError(NO_DOUBLE)
        return result


class Pretend(TorchFunctionMode):
    """While it is on, tensors can be made on MPS and moved there."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, name = dict(kwargs or {}), func.__name__
        given = list(tensors([args, kwargs]))
        some = any(map(there, given))
        if func == Tensor.device.__get__:
            return MPS if some else func(*args)
        if func == Tensor.data.__set__:  # type: ignore[attr-defined]  # how a module moves its parameters
            func(*args)
            args[0]._there = there(args[1])
            return None
        if func is torch._has_compatible_shallow_copy_type:
            return func(*args)
        if name in MOVES and given:
            return self.moved(func, name, args, kwargs)
        asked = kwargs.pop("device", None)
        if asked is not None and torch.device(asked).type != "mps":
            return func(*args, **kwargs, device=asked)
        if asked is None and not some:
            return func(*args, **kwargs)
        for one in () if name in INDEXING else given:
            if not there(one) and (one.ndim or one.dtype in WIDE):
                raise RuntimeError(f"Expected all tensors to be on the same device, found mps:0 and cpu! ({name})")
        with OnlySingle():
            result = func(*args, **kwargs)
            return iter(put_there(list(result))) if name == "__iter__" else put_there(result)

    def moved(self, func: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
        """What makes a tensor there of one here, or the other way round. Precision changes before it leaves."""
        one = args[0]
        if name in ("numpy", "__array__") and there(one):
            raise TypeError("can't convert mps:0 device type tensor to numpy. Use Tensor.cpu() first")
        if name == "copy_":
            if any(part.dtype in WIDE for part in tensors(args)) and any(map(there, tensors(args))):
                raise TypeError(NO_DOUBLE)
            return func(*args, **kwargs)
        if name != "to":
            result = func(*args, **kwargs)
            if name == "double" and there(one):
                raise TypeError(NO_DOUBLE)
            return result.clone() if name == "cpu" and there(one) else result
        like = next(iter(tensors([args[1:], kwargs])), None)
        copy = kwargs.pop("copy", False)
        if like is None:
            device, dtype, *_ = torch._C._nn._parse_to(*args[1:], **kwargs)
        else:
            device, dtype = MPS if there(like) else like.device, like.dtype
        target_there = there(one) if device is None else device.type == "mps"
        if dtype in WIDE and (there(one) or target_there):
            raise TypeError(NO_DOUBLE)
        result = one.to(dtype or one.dtype, copy=copy or target_there != there(one))
        return put_there(result) if target_there else result

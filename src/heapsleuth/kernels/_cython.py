"""Stand-in for the `cython` module when kernels run interpreted.

Kernels are written in Cython's pure-Python mode.  Compiled, the names below never exist at run
time; interpreted (no compiler was there at install time), they must only be importable.
"""

from __future__ import annotations

import builtins
from contextlib import nullcontext
from typing import Any

compiled = False
nogil = nullcontext()


def _decorator(*_args: Any, **_kwargs: Any) -> Any:
    return lambda function: function


boundscheck = wraparound = cdivision = initializedcheck = _decorator
returns = exceptval = locals = inline_hint = _decorator


def cfunc(function: Any) -> Any:
    """Return *function* unchanged."""
    return function


ccall = inline = nogil_function = cfunc


class _Type:
    """A C type name: indexable (`cython.uint[::1]`), callable as an identity cast."""

    def __getitem__(self, _key: Any) -> _Type:
        return self

    def __call__(self, value: Any = 0) -> Any:
        return value


def cast(_type: Any, value: Any, **_kwargs: Any) -> Any:
    """Return *value* as a Python number, which unlike numpy's scalars never wraps round."""
    return value if isinstance(value, builtins.float) else builtins.int(value)


def fused_type(*_types: Any) -> Any:
    """Stand for any of the types."""
    return _Type()


def declare(_type: Any = None, value: Any = None, **_kwargs: Any) -> Any:
    """Return *value* unchanged."""
    return value


bint = char = uchar = short = ushort = int = uint = long = ulong = _Type()
longlong = ulonglong = float = double = size_t = Py_ssize_t = void = const = _Type()

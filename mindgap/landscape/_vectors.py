"""Loops over whole vector registers: written in LLVM's language, and compiled for the processor at hand when needed.

What compiles Python has to find out for itself what may be done side by side, and often fills half of a register only.
Here vectors are written as vectors, as wide as the registers are, so that nothing is left to find out and little to
compile: that takes some hundredths of a second, once a process. Nothing is kept on disk, where a full one, an
interrupted upgrade or a home that machines share could spoil it.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir

NAME = "loops"
INDEX, SHORT, POINTER = ir.IntType(64), ir.IntType(32), ir.PointerType()
WIDTHS = {"avx512f": 64, "avx": 32}  # bytes of a register; other processors are taken to have 16, as most do


class Processor(NamedTuple):
    """What is compiled for: name and features in LLVM's words, and how many bytes a register holds."""

    name: str
    features: str
    width: int


@functools.cache
def processor() -> Processor:
    """The one at hand."""
    features = llvm.get_host_cpu_features()
    width = next((width for name, width in WIDTHS.items() if features.get(name)), 16)
    return Processor(llvm.get_host_cpu_name(), features.flatten(), width)


class Value:
    """A number or a vector that the compiled code will have, with the operators of numbers."""

    def __init__(self, at: ir.IRBuilder, held: Any) -> None:
        self.at, self.held = at, held

    @property
    def kind(self) -> Any:
        """Its type."""
        return self.held.type

    def like(self, other: Value | float) -> Value:
        """Another value, or a number as a constant of the same type."""
        if isinstance(other, Value):
            return other
        many = isinstance(self.kind, ir.VectorType)
        return Value(self.at, ir.Constant(self.kind, [other] * self.kind.count if many else other))

    def _with(self, other: Value | float, operation: str) -> Value:
        element = getattr(self.kind, "element", self.kind)
        name = operation if isinstance(element, ir.IntType) else f"f{operation}"
        return Value(self.at, getattr(self.at, name)(self.held, self.like(other).held))

    def __add__(self, other: Value | float) -> Value:
        return self._with(other, "add")

    def __sub__(self, other: Value | float) -> Value:
        return self._with(other, "sub")

    def __mul__(self, other: Value | float) -> Value:
        return self._with(other, "mul")

    def __mod__(self, other: int) -> Value:
        return self._with(other, "srem")

    def __lshift__(self, other: int) -> Value:
        return Value(self.at, self.at.shl(self.held, self.like(other).held))

    def __neg__(self) -> Value:
        return Value(self.at, self.at.fneg(self.held))

    def least(self, other: Value | float) -> Value:
        """The smaller of two, lane by lane."""
        return self._one_of("<", self.like(other))

    def most(self, other: Value | float) -> Value:
        """The larger of two, lane by lane."""
        return self._one_of(">", self.like(other))

    def _one_of(self, sign: str, other: Value) -> Value:
        whole = isinstance(getattr(self.kind, "element", self.kind), ir.IntType)
        compare = self.at.icmp_signed if whole else self.at.fcmp_ordered
        return Value(self.at, self.at.select(compare(sign, self.held, other.held), self.held, other.held))

    def times_plus(self, factor: Value, term: Value) -> Value:
        """self · factor + term, rounded once where the processor can."""
        name = f"llvm.fmuladd.v{self.kind.count}f{8 * _size(self.kind.element)}"
        both = _known(self.at.module, name, self.kind, [self.kind] * 3)
        return Value(self.at, self.at.call(both, [self.held, factor.held, term.held]))

    def seen_as(self, kind: Any) -> Value:
        """The same bits as another type."""
        return Value(self.at, self.at.bitcast(self.held, kind))

    def rounded(self, kind: Any) -> Value:
        """The same real numbers in another type, if that is narrower."""
        return self if kind == self.kind else Value(self.at, self.at.fptrunc(self.held, kind))

    def widened(self) -> Value:
        """The same real numbers in float64."""
        double = ir.DoubleType()
        wide = ir.VectorType(double, self.kind.count) if isinstance(self.kind, ir.VectorType) else double
        return self if wide == self.kind else Value(self.at, self.at.fpext(self.held, wide))

    def shuffled(self, other: Value, lanes: Sequence[int]) -> Value:
        """Those lanes of this vector and, counted on, of another."""
        return Value(self.at, self.at.shuffle_vector(self.held, other.held, _lanes(lanes)))


class Code:
    """One function that is being written."""

    def __init__(self, parameters: Sequence[str]) -> None:
        """`parameters`: their names; those with a capital letter are whole numbers, all others lie in memory."""
        self.wholes = [name[0].isupper() for name in parameters]
        kinds = [INDEX if whole else POINTER for whole in self.wholes]
        self.function = ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), kinds), NAME)
        self.at = ir.IRBuilder(self.function.append_basic_block())
        self.given = {name: Value(self.at, held) for name, held in zip(parameters, self.function.args, strict=True)}

    def whole(self, number: int) -> Value:
        """A constant to count with."""
        return Value(self.at, INDEX(number))

    def vector(self, kind: Any, number: float) -> Value:
        """A constant vector of equal lanes."""
        return Value(self.at, ir.Constant(kind, [float(number)] * kind.count))

    def spread(self, number: Value, lanes: int) -> Value:
        """A vector in whose lanes is the same number."""
        empty = ir.Constant(ir.VectorType(number.kind, lanes), ir.Undefined)
        one = self.at.insert_element(empty, number.held, SHORT(0))
        return Value(self.at, self.at.shuffle_vector(one, one, _lanes([0] * lanes)))

    def read(self, memory: Value, index: Value, kind: Any, lanes: Value | None = None) -> Value:
        """A number, or the vector that begins with that number; or some of its `lanes`, and zeros in the others, which
        need not be there."""
        place, size = self._place(memory, index, kind)
        if lanes is None:
            return Value(self.at, self.at.load(place, align=size, typ=kind))
        name = f"llvm.masked.load.v{kind.count}f{8 * size}.p0"
        function = _known(self.at.module, name, kind, [POINTER, SHORT, lanes.kind, kind])
        arguments = [place, SHORT(size), lanes.held, self.vector(kind, 0.0).held]
        return Value(self.at, self.at.call(function, arguments))

    def write(self, value: Value, memory: Value, index: Value) -> None:
        """Put a number or a vector there."""
        place, size = self._place(memory, index, value.kind)
        self.at.store(value.held, place, align=size)

    def add(self, value: Value, memory: Value, index: Value) -> None:
        """Add a number or a vector to what is there."""
        self.write(self.read(memory, index, value.kind) + value, memory, index)

    def _place(self, memory: Value, index: Value, kind: Any) -> tuple[Any, int]:
        element = getattr(kind, "element", kind)
        return self.at.gep(memory.held, [index.held], source_etype=element), _size(element)

    def first(self, count: Value, lanes: int) -> Value:
        """Which lanes of a vector come before the one with that number."""
        places = ir.Constant(ir.VectorType(INDEX, lanes), list(range(lanes)))
        return Value(self.at, self.at.icmp_signed("<", places, self.spread(count, lanes).held))

    def where(self, condition: Value, one: Value, other: Value) -> Value:
        """One or the other, lane by lane."""
        return Value(self.at, self.at.select(condition.held, one.held, other.held))

    def when(self, one: Value, other: Value | int) -> Any:
        """A context for what is to be done only if two whole numbers are equal."""
        return self.at.if_then(self.at.icmp_signed("==", one.held, one.like(other).held))

    def loop(
        self,
        start: Value,
        stop: Value,
        step: int,
        body: Callable[..., Sequence[Value] | None],
        carried: Sequence[Value] = (),
    ) -> list[Value]:
        """`for index in range(start, stop, step): carried = body(index, *carried)`; gives what is carried last."""
        at, before = self.at, self.at.block
        head, inside, after = (self.function.append_basic_block() for _ in range(3))
        at.branch(head)
        at.position_at_end(head)
        index, *held = (Value(at, at.phi(value.kind)) for value in (start, *carried))
        at.cbranch(at.icmp_signed("<", index.held, stop.held), inside, after)
        at.position_at_end(inside)
        kept = [*(body(index, *held) or ()), index + step]
        for phi, first, value in zip([*held, index], [*carried, start], kept, strict=True):
            phi.held.add_incoming(first.held, before)
            phi.held.add_incoming(value.held, at.block)
        at.branch(head)
        at.position_at_end(after)
        return held

    def totals(self, vectors: Sequence[Value]) -> Value:
        """The sums over the lanes of some vectors, no more than there are lanes, in one vector; zeros follow where they
        are not as many as a power of two."""
        many = 2 ** (len(vectors) - 1).bit_length()
        left = [*vectors, *[self.vector(vectors[0].kind, 0.0)] * (many - len(vectors))]
        piece = vectors[0].kind.count  # lanes side by side that belong to one sum
        while piece > 1:
            # Both halves of each piece are added: of two vectors at once, or, once there is only one, in half of it.
            pairs = list(zip(left[::2], left[1::2], strict=True)) if len(left) > 1 else [(left[0], left[0])]
            lanes = left[0].kind.count * min(2, len(left))
            half = piece // 2
            first = [lane for start in range(0, lanes, piece) for lane in range(start, start + half)]
            second = [lane + half for lane in first]
            left = [one.shuffled(other, first) + one.shuffled(other, second) for one, other in pairs]
            piece = half
        return left[0]

    def compiled(self) -> Callable[..., None]:
        """The function, to be called with whole numbers and addresses; other threads run meanwhile."""
        self.at.ret_void()
        engine = _engine(str(self.function.module), processor())
        kinds = [ctypes.c_int64 if whole else ctypes.c_void_p for whole in self.wholes]
        call = ctypes.CFUNCTYPE(None, *kinds)(engine.get_function_address(NAME))

        def run(*arguments: int) -> None:
            call(*arguments)

        run.engine = engine  # type: ignore[attr-defined]  # the machine code is let go with it
        return run


def _known(module: ir.Module, name: str, gives: Any, takes: Sequence[Any]) -> Any:
    """A function that LLVM knows."""
    return module.globals.get(name) or ir.Function(module, ir.FunctionType(gives, takes), name)


def _lanes(places: Sequence[int]) -> Any:
    return ir.Constant(ir.VectorType(SHORT, len(places)), list(places))


def _size(kind: Any) -> int:
    """Bytes of a number."""
    return kind.width // 8 if isinstance(kind, ir.IntType) else {ir.FloatType(): 4, ir.DoubleType(): 8}[kind]


def named(kind: np.dtype[Any]) -> Any:
    """LLVM's name of a floating type of numpy."""
    return {np.dtype(np.float32): ir.FloatType(), np.dtype(np.float64): ir.DoubleType()}[kind]


def _engine(text: str, host: Processor) -> Any:
    """Machine code of a module."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(host.name, host.features, opt=3, jit=True)
    module = llvm.parse_assembly(text)
    module.verify()
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine

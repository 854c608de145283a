"""Building blocks from which the fast kernels are put together, instruction by instruction.

Numba turns Python into LLVM code, and LLVM into machine code. Left to itself it
does not keep a block of sums in registers, which is what makes a convolution fast
(see `stepconv.kernels.tiles`). So the innermost loops are written as LLVM code
here: a function marked `emitted` (`stepconv.kernels.drivers`) is not compiled but *run while a
kernel is compiled*, and each call it makes on `Code` adds one instruction to that kernel.

A vector has `Code.lanes` numbers. Vectors are loaded from and stored to any element;
nothing need be aligned. Masks say which lanes of a load or store take part: the
others are not touched in memory, so that no kernel reads or writes outside an array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba.core import cgutils as _cgutils

from stepconv.kernels.host import host

cgutils: Any = _cgutils  # some versions of Numba have types for a part of it

Value = Any  # of llvmlite: a number, vector, mask or pointer that the code will hold when it runs

INT = ir.IntType(64)
_LANE = ir.IntType(32)  # shuffles count lanes in 32 bits
_BIT = ir.IntType(1)

#: Bytes of a cache line, and of the widest vector.
LINE_BYTES = 64
#: Bytes of a page of memory, as most systems have it.
PAGE_BYTES = 4096


class Loop:
    """A loop that carries values from one pass to the next; see `Code.loop`."""

    index: Value
    values: list[Value]
    results: list[Value]

    def next(self, *values: Value) -> None:
        """End the body: what the next pass, or after the last one `results`, will hold."""
        self.results = list(values)


class Code:
    """Adds instructions on one element type to a kernel that is being compiled.

    Offsets are counted in elements and may be Python ints or values.
    """

    def __init__(self, builder: Any, itemsize: int, lanes: int | None = None) -> None:
        self.builder = builder
        self.itemsize = itemsize
        self.lanes = host().lanes(itemsize) if lanes is None else lanes
        self.element = {4: ir.FloatType(), 8: ir.DoubleType()}[itemsize]
        self.vector = ir.VectorType(self.element, self.lanes)
        self._mask = ir.VectorType(_BIT, self.lanes)
        self._indices = ir.VectorType(_LANE, self.lanes)

    # Integers and pointers

    def integer(self, value: Value) -> Value:
        """Return `value`, a Python int as a constant."""
        return ir.Constant(INT, value) if isinstance(value, int) else value

    def add(self, one: Value, other: Value) -> Value:
        """Add two integers."""
        return self.builder.add(self.integer(one), self.integer(other))

    def subtract(self, one: Value, other: Value) -> Value:
        """Subtract two integers."""
        return self.builder.sub(self.integer(one), self.integer(other))

    def multiply(self, one: Value, other: Value) -> Value:
        """Multiply two integers."""
        return self.builder.mul(self.integer(one), self.integer(other))

    def shift(self, bits: Value, places: int) -> Value:
        """Shift bits to higher places, or to lower ones where `places` is negative."""
        shifted = self.builder.shl if places >= 0 else self.builder.lshr
        return shifted(bits, self.integer(abs(places)))

    def ceiling(self, one: Value, other: Value) -> Value:
        """Divide two positive integers, rounding up."""
        top = self.add(one, self.subtract(other, 1))
        return self.builder.sdiv(top, self.integer(other))

    def floor(self, one: Value, other: Value) -> Value:
        """Divide two integers that are not negative, rounding down."""
        return self.builder.udiv(self.integer(one), self.integer(other))

    def least(self, one: Value, other: Value) -> Value:
        """Return the smaller of two integers."""
        one, other = self.integer(one), self.integer(other)
        return self.builder.select(self.builder.icmp_signed("<", one, other), one, other)

    def greatest(self, one: Value, other: Value) -> Value:
        """Return the larger of two integers."""
        return self.select(self.compare(one, ">", other), one, other)

    def compare(self, one: Value, how: str, other: Value) -> Value:
        """Compare two integers: ``compare(a, "<", b)``."""
        return self.builder.icmp_signed(how, self.integer(one), self.integer(other))

    def select(self, condition: Value, one: Value, other: Value) -> Value:
        """Return integer `one` where `condition` holds, else `other`."""
        return self.builder.select(condition, self.integer(one), self.integer(other))

    def both(self, one: Value, other: Value) -> Value:
        """Whether two conditions hold."""
        return self.builder.and_(one, other)

    def either(self, one: Value, other: Value) -> Value:
        """Whether one of two conditions holds."""
        return self.builder.or_(one, other)

    def move(self, pointer: Value, offset: Value) -> Value:
        """Return the pointer to the element `offset` elements further on."""
        return self.builder.gep(pointer, [self.integer(offset)])

    # Memory

    def load(self, pointer: Value, offset: Value = 0) -> Value:
        """Load a vector."""
        place = self._as_vectors(self.move(pointer, offset))
        return self.builder.load(place, align=self.itemsize)

    def store(self, value: Value, pointer: Value, offset: Value = 0) -> None:
        """Store a vector."""
        place = self._as_vectors(self.move(pointer, offset))
        self.builder.store(value, place, align=self.itemsize)

    def store_first(self, value: Value, count: int, pointer: Value, offset: Value = 0) -> None:
        """Store the first lanes of a vector, of a number known beforehand, without a mask."""
        part = value if count == self.lanes else self.shuffle(value, value, range(count))
        place = self.builder.bitcast(self.move(pointer, offset), part.type.as_pointer())
        self.builder.store(part, place, align=self.itemsize)

    def load_one(self, pointer: Value, offset: Value = 0) -> Value:
        """Load one element: a float, or from an index table an integer."""
        return self.builder.load(self.move(pointer, offset))

    def store_one(self, value: Value, pointer: Value, offset: Value = 0) -> None:
        """Store one element."""
        self.builder.store(value, self.move(pointer, offset))

    def load_masked(self, pointer: Value, mask: Value) -> Value:
        """Load the lanes of the mask; the others are 0, and their memory is not touched."""
        kinds = [self.vector.as_pointer(), _LANE, self._mask, self.vector]
        align = ir.Constant(_LANE, self.itemsize)
        load = self._intrinsic("masked.load", self.vector, kinds, ".p0")
        return self.builder.call(load, [self._as_vectors(pointer), align, mask, self.zero()])

    def store_masked(self, value: Value, pointer: Value, mask: Value) -> None:
        """Store the lanes of the mask; the memory of the others is not touched."""
        kinds = [self.vector, self.vector.as_pointer(), _LANE, self._mask]
        align = ir.Constant(_LANE, self.itemsize)
        store = self._intrinsic("masked.store", ir.VoidType(), kinds, ".p0")
        self.builder.call(store, [value, self._as_vectors(pointer), align, mask])

    def room(self, vectors: int) -> Value:
        """Return a pointer to room for some vectors on the stack."""
        space = cgutils.alloca_once(self.builder, ir.ArrayType(self.vector, vectors))
        return self.builder.bitcast(space, self.element.as_pointer())

    def prefetch(self, pointer: Value, offset: Value = 0, nearness: int = 3) -> None:
        """Ask for the cache line of an element: for the first cache, with `nearness` 2 the second.

        Never faults, wherever the pointer leads.
        """
        place = self.builder.bitcast(self.move(pointer, offset), ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [place.type, _LANE, _LANE, _LANE])
        fetch = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.prefetch.p0")
        flags = (0, nearness, 1)  # to read, how near, data
        self.builder.call(fetch, [place, *(ir.Constant(_LANE, flag) for flag in flags)])

    # Arithmetic

    def zero(self) -> Value:
        """Return a vector of zeros."""
        return ir.Constant(self.vector, [0.0] * self.lanes)

    def splat(self, number: Value) -> Value:
        """Return a vector with `number` in every lane."""
        return self._spread(number, self.vector)

    def constant(self, number: float) -> Value:
        """Return a vector with a number known beforehand in every lane."""
        return ir.Constant(self.vector, [number] * self.lanes)

    def sum(self, one: Value, other: Value) -> Value:
        """Add two vectors."""
        return self.builder.fadd(one, other)

    def difference(self, one: Value, other: Value) -> Value:
        """Subtract two vectors."""
        return self.builder.fsub(one, other)

    def product(self, one: Value, other: Value) -> Value:
        """Multiply two vectors."""
        return self.builder.fmul(one, other)

    def multiply_add(self, one: Value, other: Value, total: Value) -> Value:
        """Return ``one * other + total``.

        Fused, rounded once, where the machine can; else in two steps: `llvm.fma` would
        call a slow library function there.
        """
        fused = self._intrinsic("fmuladd", self.vector, [self.vector] * 3)
        return self.builder.call(fused, [one, other, total])

    # Masks and shuffles

    def first(self, count: Value, lo: int = 0) -> Value:
        """Mask of the lanes ``lo + i < count``: with `lo`, those of the vector `lo` further on."""
        lanes = ir.Constant(self._indices, [lo + lane for lane in range(self.lanes)])
        return self.builder.icmp_signed(
            "<", lanes, self._spread(self._narrow(count), self._indices)
        )

    def between(self, start: Value, stop: Value) -> Value:
        """Mask of the lanes ``start <= lane < stop``."""
        return self.builder.and_(self.builder.not_(self.first(start)), self.first(stop))

    def lanes_of(self, bits: Value) -> Value:
        """Mask of the lanes whose bit is set in an integer."""
        narrow = self.builder.trunc(self.integer(bits), ir.IntType(self.lanes))
        return self.builder.bitcast(narrow, self._mask)

    def compress(self, value: Value, mask: Value) -> Value:
        """Push the lanes of the mask together, from lane 0.

        Where the machine cannot, LLVM goes through the stack. Compressing in the register and
        storing a mask of lanes takes a third of the time of a compressing store on Zen 5.
        """
        kinds = [self.vector, self._mask, self.vector]
        compress = self._intrinsic("experimental.vector.compress", self.vector, kinds)
        return self.builder.call(compress, [value, mask, ir.Constant(self.vector, ir.Undefined)])

    def lane(self, value: Value, lane: int) -> Value:
        """Return the number in a lane known beforehand."""
        return self.builder.extract_element(value, ir.Constant(_LANE, lane))

    def shuffle(self, one: Value, other: Value, lanes: Sequence[int]) -> Value:
        """Pick lanes of two vectors, counted through both."""
        picked = ir.Constant(ir.VectorType(_LANE, len(lanes)), list(lanes))
        return self.builder.shuffle_vector(one, other, picked)

    def transpose(self, rows: Sequence[Value]) -> list[Value]:
        """Transpose a square of `lanes` vectors.

        Swaps the off-diagonal quarters of the square, then those of its quarters, and so on::

            a b   a c      lanes with bit `half` clear come from the upper rows,
            c d   b d      the others from the lower ones
        """
        square = list(rows)
        half = self.lanes // 2
        while half:
            upper = [i if not i & half else self.lanes + i - half for i in range(self.lanes)]
            lower = [i + half if not i & half else self.lanes + i for i in range(self.lanes)]
            for i in range(self.lanes):
                if not i & half:
                    one, other = square[i], square[i + half]
                    square[i] = self.shuffle(one, other, upper)
                    square[i + half] = self.shuffle(one, other, lower)
            half //= 2
        return square

    def lane_sums(self, rows: Sequence[Value]) -> Value:
        """Return the sums of the lanes of `lanes` vectors: that of vector i in lane i.

        Adds the halves of two vectors at a time, as `transpose` would swap them.
        """
        sums = list(rows)
        half = self.lanes // 2
        while half:
            upper = [i if not i & half else self.lanes + i - half for i in range(self.lanes)]
            lower = [i + half if not i & half else self.lanes + i for i in range(self.lanes)]
            pairs = zip(sums[:half], sums[half:], strict=True)
            sums = [
                self.sum(self.shuffle(*pair, upper), self.shuffle(*pair, lower)) for pair in pairs
            ]
            half //= 2
        return sums[0]

    def every_second(self, one: Value, other: Value, start: int = 0) -> Value:
        """Return lanes 0, 2, 4, … of two vectors laid end to end, or 1, 3, 5, …"""
        return self.shuffle(one, other, range(start, 2 * self.lanes, 2))

    def deal(self, vectors: Sequence[Value]) -> list[Value]:
        """Return of n vectors laid end to end every n-th number: those from 0, from 1, … on."""
        count = len(vectors)
        if count == 1:
            return list(vectors)
        if count % 2 == 0:
            pairs = list(zip(vectors[::2], vectors[1::2], strict=True))
            halves = (
                self.deal([self.every_second(one, other, start) for one, other in pairs])
                for start in range(2)
            )
            return [part for pair in zip(*halves, strict=True) for part in pair]
        dealt = []
        for start in range(count):
            part = vectors[0]
            for number, vector in enumerate(vectors):
                wanted = [start + i * count - number * self.lanes for i in range(self.lanes)]
                picked = [
                    self.lanes + lane if 0 <= lane < self.lanes else i
                    for i, lane in enumerate(wanted)
                ]
                part = self.shuffle(part, vector, picked)
            dealt.append(part)
        return dealt

    def weave(self, vectors: Sequence[Value]) -> list[Value]:
        """Return the numbers of n vectors by turns, as n vectors: what `deal` undoes."""
        count = len(vectors)
        if count == 1:
            return list(vectors)
        if count % 2 == 0:
            halves = (self.weave(vectors[first::2]) for first in range(2))
            return [part for pair in zip(*halves, strict=True) for part in self.interleave(*pair)]
        woven = []
        for number in range(count):
            part = vectors[0]
            for start, vector in enumerate(vectors):
                places = [divmod(number * self.lanes + i, count) for i in range(self.lanes)]
                picked = [
                    self.lanes + lane if turn == start else i
                    for i, (lane, turn) in enumerate(places)
                ]
                part = self.shuffle(part, vector, picked)
            woven.append(part)
        return woven

    def interleave(self, one: Value, other: Value) -> tuple[Value, Value]:
        """Return the two vectors ``one[0], other[0], one[1], other[1], …``."""
        both = [lane for i in range(self.lanes) for lane in (i, self.lanes + i)]
        return (
            self.shuffle(one, other, both[: self.lanes]),
            self.shuffle(one, other, both[self.lanes :]),
        )

    # Flow

    @contextmanager
    def loop(self, count: Value, *initial: Value) -> Iterator[Loop]:
        """Repeat the body `count` times, at least once.

        ``loop.values`` begin as `initial`; the body ends with ``loop.next(*values)``, and
        ``loop.results`` are the last of these::

            with code.loop(count, zero, pointer) as loop:
                total, place = loop.values
                loop.next(code.sum(total, code.load(place)), code.move(place, step))
            total = loop.results[0]
        """
        builder, loop = self.builder, Loop()
        before = builder.block
        body = builder.append_basic_block("loop")
        after = builder.append_basic_block("after")
        builder.branch(body)
        builder.position_at_end(body)
        carried = [self._carry(before, self.integer(value)) for value in (0, *initial)]
        loop.index, *loop.values = carried
        yield loop
        following = [self.add(loop.index, 1), *loop.results]
        for phi, value in zip(carried, following, strict=True):
            phi.add_incoming(value, builder.block)
        self.keep_rolled(builder.cbranch(self.compare(following[0], "<", count), body, after))
        builder.position_at_end(after)

    def keep_rolled(self, back: Value) -> None:
        """Let LLVM not unroll the loop of which `back` is the branch to its beginning.

        What is worth unrolling is written out here. LLVM's copies of it make nothing faster, and
        compiling takes up to half as long again.
        """
        module = self.builder.module
        flag = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
        own = module.add_metadata([ir.MetaDataString(module, f"loop {len(module.metadata)}")])
        own.operands = own, flag  # a loop's properties are a list that begins with itself
        back.set_metadata("llvm.loop", own)

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """Emit what runs only where `condition` holds. It can store, but yields no values."""
        with self.builder.if_then(condition):
            yield

    def choose(
        self,
        condition: Value,
        then: Callable[[], Sequence[Value]],
        otherwise: Callable[[], Sequence[Value]],
    ) -> list[Value]:
        """Run one of two pieces of code and return its values."""
        ends = []
        with self.builder.if_else(condition) as branches:
            for branch, piece in zip(branches, (then, otherwise), strict=True):
                with branch:
                    values = piece()
                    ends.append((values, self.builder.block))
        (ones, one_end), (others, other_end) = ends
        merged = []
        for one, other in zip(ones, others, strict=True):
            phi = self.builder.phi(one.type)
            phi.add_incoming(one, one_end)
            phi.add_incoming(other, other_end)
            merged.append(phi)
        return merged

    # Inside

    def _carry(self, before: Any, value: Value) -> Value:
        phi = self.builder.phi(value.type)
        phi.add_incoming(value, before)
        return phi

    def _as_vectors(self, pointer: Value) -> Value:
        return self.builder.bitcast(pointer, self.vector.as_pointer())

    def _narrow(self, count: Value) -> Value:
        return self.builder.trunc(self.integer(count), _LANE)

    def _spread(self, number: Value, kind: Any) -> Value:
        undefined = ir.Constant(kind, ir.Undefined)
        single = self.builder.insert_element(undefined, number, ir.Constant(_LANE, 0))
        return self.builder.shuffle_vector(single, undefined, ir.Constant(self._indices, None))

    def _intrinsic(self, name: str, result: Any, kinds: Sequence[Any], suffix: str = "") -> Any:
        """Declare an LLVM intrinsic over this vector type, for instance llvm.fmuladd.v16f32."""
        full = f"llvm.{name}.v{self.lanes}f{8 * self.itemsize}{suffix}"
        kind = ir.FunctionType(result, list(kinds))
        return cgutils.get_or_insert_function(self.builder.module, kind, full)

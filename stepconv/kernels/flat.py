"""Arrays as kernels take them: a row of numbers, whatever their shape.

    array, in Python    | what every object begins with | numbers | axes | sizes | …
                                                          |              |
    array, in a kernel  | where they begin <--------------+  how many <--+ their product |

Numba's own way from the one to the other makes an object that holds the array while the kernel
runs, 0.03 µs for each; and as an array of five axes is another type to it than one of one axis,
each would first need a view of one axis, 0.05 µs more. A convolution of a few pixels takes 0.1 µs.
Here both are read from where NumPy keeps them, as its binary interface says (`PyArrayObject_fields`
in its headers, by which Numba is compiled too). Nothing is checked: who calls holds the arrays
meanwhile, and sees to it that they are contiguous arrays of the dtype compiled for.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending as _extending, types
from numba.core import cgutils as _cgutils

cgutils: Any = _cgutils  # these have no types, or only some of them
extending: Any = _extending
_Array: Any = types.Array
_size: Any = types.intp

_BYTE, _SIZE = ir.IntType(8), ir.IntType(_size.bitwidth)

# The fields of an array in Python behind what every object has, as far as they are read here.
_NUMBERS, _AXES, _SIZES = range(1, 4)
_FIELDS = ir.LiteralStructType(
    [
        ir.ArrayType(_BYTE, object.__basicsize__),
        _BYTE.as_pointer(),
        ir.IntType(32),  # C's int
        _SIZE.as_pointer(),
    ]
)


class Flat(_Array):  # type: ignore[misc]  # Numba is untyped
    """The type of contiguous arrays of any shape, which have a single axis inside."""

    def __init__(self, dtype: Any) -> None:
        super().__init__(dtype, 1, "C", name=f"Flat({dtype})")

    def __repr__(self) -> str:
        """Another name than an array's: code on disk is found by it."""
        return str(self.name)


def flat(kind: Any) -> Any:
    """Return the `Flat` type for that of a contiguous row, and all other types as they are.

    Whether the array may be written to, or is aligned, is no part of it.
    """
    if isinstance(kind, _Array) and (kind.ndim, kind.layout) == (1, "C"):
        return Flat(kind.dtype)
    return kind


def _field(builder: Any, array: Any, which: int) -> Any:
    """Read a field of an array in Python."""
    fields = builder.bitcast(array, _FIELDS.as_pointer())
    return builder.load(cgutils.gep_inbounds(builder, fields, 0, which))


def _count(module: Any, array: Any) -> Any:
    """Return a function that tells how many numbers an array has.

    A function of its own, since LLVM would make much of a loop for each array that a kernel takes:
    a tenth of the time to compile it.
    """
    count = cgutils.get_or_insert_function(
        module, ir.FunctionType(_SIZE, [array.type]), "stepconv.count"
    )
    if count.is_declaration:
        count.linkage = "internal"
        count.attributes.add("noinline")
        builder = ir.IRBuilder(count.append_basic_block())
        sizes = _field(builder, count.args[0], _SIZES)
        product = cgutils.alloca_once_value(builder, _SIZE(1))
        axes = builder.sext(_field(builder, count.args[0], _AXES), _SIZE)
        with cgutils.for_range(builder, axes) as axis:
            size = builder.load(builder.gep(sizes, [axis.index]))
            builder.store(builder.mul(builder.load(product), size), product)
        builder.ret(builder.load(product))
    return count


def _read(kind: Any, array: Any, c: Any) -> Any:
    """Read where the numbers of an array begin and how many there are."""
    builder = c.builder
    number = c.context.get_data_type(kind.dtype)
    row = c.context.make_array(kind)(c.context, builder)
    row.data = builder.bitcast(_field(builder, array, _NUMBERS), number.as_pointer())
    row.nitems = builder.call(_count(builder.module, array), [array])
    row.itemsize = _SIZE(c.context.get_abi_sizeof(number))
    row.shape = cgutils.pack_array(builder, [row.nitems])
    row.strides = cgutils.pack_array(builder, [row.itemsize])
    row.meminfo, row.parent = (
        cgutils.get_null_value(each.type) for each in (row.meminfo, row.parent)
    )
    return extending.NativeValue(row._getvalue())


def _cast(_context: Any, _builder: Any, _given: Any, _taken: Any, value: Any) -> Any:
    """Pass an array on: inside, both kinds look the same."""
    return value


extending.register_model(Flat)(extending.models.ArrayModel)
extending.unbox(Flat)(_read)
extending.lower_cast(_Array, Flat)(_cast)
extending.lower_cast(Flat, _Array)(_cast)

"""Words: how the pictures of a step are captioned, and what a term says of itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from stepconv.geometry import AXIS_NAMES, Axis
from stepconv.language import _
from stepconv.record import Trace
from stepconv.views.header import axis_label
from stepconv.views.parts.figures import factor, figures
from stepconv.views.parts.paragraph import listed
from stepconv.views.steps.reading import Reading
from stepconv.views.steps.stamping import Stamping


def times(sizes: Sequence[int]) -> str:
    """Write sizes as they are read.

    >>> times((8, 8))
    '8×8'
    """
    return "×".join(map(str, sizes))


def cell_name(trace: Trace, index: Sequence[int]) -> str:
    """Write (n, channel, *position) as an index of the array as it was given."""
    return str(list(index[1:] if trace.geometry.batch is None else index))


def input_caption(trace: Trace) -> str:
    """Caption the laid-out input: its size, and what it is laid out to."""
    geometry = trace.geometry
    size, layout = times(geometry.input_size), times([axis.layout_size for axis in geometry.axes])
    if size == layout:
        return _("input {size}").format(size=size)
    if geometry.transposed:
        return _("input {size}, laid out to {layout}").format(size=size, layout=layout)
    if trace.spec.padding_mode == "zeros":
        return _("input {size}, padded to {layout}").format(size=size, layout=layout)
    return _("input {size}, padded to {layout} ({mode})").format(
        size=size, layout=layout, mode=trace.spec.padding_mode
    )


def output_caption(trace: Trace) -> str:
    """Caption the output: its size, or that of the part traced."""
    size = times(trace.geometry.output_size)
    part = times([len(span) for span in trace.region[2:]])
    if part == size:
        return _("output {size}").format(size=size)
    return _("output {part} of {size}").format(part=part, size=size)


def which_input(trace: Trace, sample: int, channel: int) -> list[str]:
    """Say which sample and input channel is shown, where there are several."""
    return _which(trace, sample, channel, trace.geometry.in_channels, _("channel {channel}"))


def which_output(trace: Trace, sample: int, channel: int) -> list[str]:
    """Say which sample and output channel is shown, where there are several."""
    several = trace.geometry.out_channels
    return _which(trace, sample, channel, several, _("output channel {channel}"))


def group_fact(trace: Trace, channel: int) -> list[str]:
    """Say which input channels an output channel sees, where there are groups."""
    geometry = trace.geometry
    if geometry.groups == 1:
        return []
    mine = geometry.group_channels(channel)
    facts = {"group": channel // geometry.group_outputs, "channel": channel, "first": mine[0]}
    if len(mine) == 1:
        return [
            _("group {group}: output channel {channel} sees input channel {first} alone").format(
                **facts
            )
        ]
    return [
        _("group {group}: output channel {channel} sees input channels {first}–{last}").format(
            last=mine[-1], **facts
        )
    ]


def region_fact(trace: Trace) -> list[str]:
    """Say which part of the output was traced, where it is not all."""
    shape = (trace.geometry.batch or 1, *trace.geometry.output_shape[-1 - trace.geometry.rank :])
    names = [
        str(span[0]) if len(span) == 1 else ":" if len(span) == size else f"{span[0]}:{span.stop}"
        for span, size in zip(trace.region, shape, strict=True)
    ]
    if all(len(span) == size for span, size in zip(trace.region, shape, strict=True)):
        return []
    region = ", ".join(names[1:] if trace.geometry.batch is None else names)
    return [_("only output[{region}] is traced").format(region=region)]


def layout_facts(trace: Trace) -> list[str]:
    """Say how a transposed convolution lays out its input, and what it crops and adds."""
    if not trace.geometry.transposed:
        return []
    return [
        fact for say in (_inserted, _border, _cropped, _added) for fact in _for_axes(trace, say)
    ]


def crop_facts(trace: Trace) -> list[str]:
    """Say what a transposed convolution crops from its result, and what it adds."""
    return [fact for say in (_cropped, _added) for fact in _for_axes(trace, say)]


def missed_facts(trace: Trace) -> list[str]:
    """Say where the steps end before the padded input does."""
    return [] if trace.geometry.transposed else _for_axes(trace, _missed)


def product_words(trace: Trace, value: Any, weight: Any, product: Any) -> str:
    """Write one product: ``15·-1 = -15``."""
    mine = figures(trace)
    return f"{factor(mine.value(value))}·{factor(mine.weight(weight))} = {mine.result(product)}"


def term_words(reading: Reading) -> list[str]:
    """Tell the current term: its product, the running sum, where its factors come from."""
    if reading.term is None or reading.tap is None:
        return []
    at = (reading.channel, *reading.tap)
    kind, write = reading.kinds[reading.tap], reading.figures.result
    facts = {"number": reading.term + 1, "count": reading.trace.geometry.terms}
    if not reading.is_term(kind):
        work = _("term {number} of {count}: no product, running stays {sum}")
        return [work.format(sum=write(reading.sum), **facts), _origin(reading, kind)]
    before = reading.sums.reshape(-1)[reading.term - 1] if reading.term else 0
    work = _("term {number} of {count}: {product}, running {before} → {after}").format(
        product=product_words(
            reading.trace, reading.values[at], reading.weights[at], reading.products[at]
        ),
        before=write(before),
        after=write(reading.sum),
        **facts,
    )
    return [work, _origin(reading, kind)]


def stamp_words(stamping: Stamping) -> list[str]:
    """Tell the current product of a stamp: where it lands, what lay there, what lies there now."""
    if stamping.term is None or stamping.tap is None:
        return []
    trace, tap = stamping.trace, stamping.tap
    write = stamping.figures.result
    value, weight = stamping.stamp.value, stamping.weights[tap]
    facts = {
        "number": stamping.term + 1,
        "count": stamping.count,
        "product": product_words(trace, value, weight, stamping.products[tap]),
    }
    rank = trace.geometry.rank
    share = trace.geometry.group_outputs
    own = [stamping.stamp.input_index[1], stamping.channel % share, *tap[3 - rank :]]
    origin = _("weight {index}").format(index=_tight(str(own)))
    if not stamping.inside[tap]:
        return [_("term {number} of {count}: {product}, cropped").format(**facts), origin]
    place = [int(places[k]) for places, k in zip(stamping.landings, tap, strict=True)]
    index = (stamping.stamp.input_index[0], stamping.channel, *place[3 - rank :])
    work = _("term {number} of {count}: {product} on output {cell}: {before} → {after}")
    return [
        work.format(
            cell=_tight(cell_name(trace, index)),
            before=write(stamping.before[tap]),
            after=write(stamping.after[tap]),
            **facts,
        ),
        origin,
    ]


def _origin(reading: Reading, kind: str) -> str:
    """Say what lies under the current tap, and which weight it meets."""
    placement, geometry = reading.placement, reading.trace.geometry
    assert reading.tap is not None
    tap = reading.tap[3 - geometry.rank :]
    place = [int(source[k]) for source, k in zip(placement.sources, tap, strict=True)]
    channel = placement.input_channels[reading.channel]
    cell = _tight(cell_name(reading.trace, (placement.output_index[0], channel, *place)))
    own = reading.trace.weight_index(placement.channel, reading.channel, tap)
    index = _tight(str(list(own)))
    match kind:
        case "input":
            return _("input {place}, weight {index}").format(place=cell, index=index)
        case "border":
            return _("a copy of input {place}, weight {index}").format(place=cell, index=index)
        case "inserted":
            return _("inserted zero, weight {index}").format(index=index)
        case _ if geometry.transposed:
            return _("border zero, weight {index}").format(index=index)
        case _:
            return _("padding zero, weight {index}").format(index=index)


def _tight(index: str) -> str:
    """Write an index without blanks, since the words on a term shall stand on one line."""
    return index.replace(" ", "")


def _which(trace: Trace, sample: int, channel: int, channels: int, name: str) -> list[str]:
    parts = []
    if (trace.geometry.batch or 1) > 1:
        parts.append(_("sample {sample}").format(sample=sample))
    if channels > 1:
        parts.append(name.format(channel=channel))
    return [listed(parts)] if parts else []


def _for_axes(trace: Trace, say: Callable[[Axis], str]) -> list[str]:
    """Say something of every axis: once where it is the same, else axis by axis."""
    axes = trace.geometry.axes
    facts = [say(axis) for axis in axes]
    if len(set(facts)) == 1:
        return [fact for fact in facts[:1] if fact]
    names = [axis_label(name) for name in AXIS_NAMES[len(axes)]]
    told = _("{name}: {fact}")
    pairs = zip(names, facts, strict=True)
    return [told.format(name=name, fact=fact) for name, fact in pairs if fact]


def _inserted(axis: Axis) -> str:
    if axis.stride == 1 or axis.input_size == 1:
        return ""
    return _("zeros between values {count}").format(count=axis.stride - 1)


def _border(axis: Axis) -> str:
    reach, (before, after), extra = axis.span - 1, axis.pad, axis.output_padding
    first = f"{reach} − {before} = {axis.border[0]}"
    if axis.border[0] == axis.border[1]:
        return _("border {zeros}").format(zeros=first)
    last = f"{reach} − {after}{f' + {extra}' if extra else ''} = {axis.border[1]}"
    return _("border {first} before, {last} after").format(first=first, last=last)


def _cropped(axis: Axis) -> str:
    before, after = axis.pad
    if before == after:
        crops = _("padding crops {count} at both ends").format(count=before)
        return crops if before else ""
    return _("padding crops {before} at the start, {after} at the end").format(
        before=before, after=after
    )


def _missed(axis: Axis) -> str:
    if not axis.leftover:
        return ""
    return _("the last placement ends {count} short of the end").format(count=axis.leftover)


def _added(axis: Axis) -> str:
    if not axis.output_padding:
        return ""
    return _("output_padding adds {count} at the end").format(count=axis.output_padding)

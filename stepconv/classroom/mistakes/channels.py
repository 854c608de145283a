"""Mistakes about channels, groups and the bias."""

from __future__ import annotations

import numpy as np

from stepconv.classroom.mistakes.base import Dealt, Mistake, Words, hollow, reshaped, take
from stepconv.classroom.run import Run
from stepconv.language import _

_MOST_COPIED = 2**24  # cells: half a second and 128 MB


def _channel_axis(run: Run) -> int:
    return -run.rank - 1


def _by_filter(run: Run) -> Run | None:
    geometry = run.geometry
    large = run.input.size * geometry.group_outputs > _MOST_COPIED and not hollow(run.input)
    if run.transposed or geometry.group_inputs == 1 or large:
        return None
    # A group for every pair: each output channel gets a copy of the channels it sums over.
    copies = [c for out in range(geometry.out_channels) for c in geometry.group_channels(out)]
    return run.changed(
        input=take(run.input, copies, _channel_axis(run)),
        weight=reshaped(run.weight, (len(copies), 1, *geometry.kernel_size)),
        bias=None if run.bias is None else np.repeat(run.bias, geometry.group_inputs),
        groups=len(copies),
    )


def _by_channel(run: Run) -> Run | None:
    geometry = run.geometry
    if run.transposed or run.groups > 1 or geometry.in_channels == 1:
        return None
    pairs = geometry.in_channels * geometry.out_channels
    return run.changed(
        weight=reshaped(run.weight.swapaxes(0, 1), (pairs, 1, *geometry.kernel_size)),
        bias=None if run.bias is None else np.tile(run.bias, geometry.in_channels),
        groups=geometry.in_channels,
    )


def _independent_words() -> Words:
    return Words(
        _("channels not summed"),
        _(
            "Each pair of an input and an output channel was kept as a channel of its own. A"
            " kernel covers all the input channels of its group, and its products are all added."
        ),
        _("Add what the input channels give: one output channel for each kernel, no more."),
    )


def _bias_per_pair(run: Run) -> Run | None:
    share = run.geometry.group_inputs
    return None if run.bias is None or share == 1 else run.changed(bias=run.bias * share)


def _bias_per_pair_words() -> Words:
    return Words(
        _("bias added for each input channel"),
        _("The bias was added once for each input channel. It belongs to the output channel."),
        _("Add up all channels first, then the bias, once."),
    )


def _bias_per_tap(run: Run) -> Run | None:
    taps = run.geometry.terms
    if run.bias is None or run.transposed or taps == 1:
        return None
    return run.changed(bias=run.bias * taps)


def _bias_per_tap_words() -> Words:
    return Words(
        _("bias added to each product"),
        _("The bias was added to every product. It is added once to each output cell."),
        _("Add up all products first, then the bias, once."),
    )


def _bias_forgotten(run: Run) -> Run | None:
    return None if run.bias is None else run.changed(bias=None)


def _bias_forgotten_words() -> Words:
    return Words(
        _("bias left out"),
        _("The bias was not added."),
        _("Add the output channel's bias to each of its sums."),
    )


def _inputs_dealt(run: Run) -> Run | None:
    geometry = run.geometry
    if geometry.groups == 1 or geometry.group_inputs == 1:
        return None
    order = np.arange(geometry.in_channels).reshape(-1, geometry.groups).T.reshape(-1).tolist()
    return run.changed(input=take(run.input, order, _channel_axis(run)))


def _outputs_dealt(run: Run) -> Run | None:
    geometry = run.geometry
    if run.transposed or geometry.groups == 1 or geometry.group_outputs == 1:
        return None
    order = np.arange(geometry.out_channels).reshape(-1, geometry.groups).T.reshape(-1)
    back = tuple(np.argsort(order).tolist())
    return run.changed(
        weight=take(run.weight, order.tolist(), 0),
        bias=None if run.bias is None else run.bias[order],
        finish=(*run.finish, Dealt(back, _channel_axis(run))),
    )


def _dealt_words() -> Words:
    return Words(
        _("channels dealt out in turn"),
        _(
            "The channels were dealt to the groups one after the other, like cards. Groups are"
            " blocks: the first group has the first channels, all of them side by side."
        ),
        _("Cut the channels into as many blocks as there are groups, in order."),
    )


def _ungrouped(run: Run) -> Run | None:
    if run.transposed or run.groups == 1:
        return None
    geometry = run.geometry
    order = list(range(geometry.group_inputs)) * geometry.groups
    return run.changed(weight=take(run.weight, order, 1), groups=1)


def _ungrouped_words() -> Words:
    return Words(
        _("groups left out"),
        _(
            "Each kernel was used on all input channels, over and over. With groups it covers"
            " the channels of its own group alone, and so its weight has C_in / groups of them."
        ),
        _("For each output channel find its group, and add up that group's channels alone."),
    )


MISTAKES = (
    Mistake("channels_independent", _by_filter, _independent_words, "by filter"),
    Mistake("channels_independent", _by_channel, _independent_words, "by channel"),
    Mistake("bias_forgotten", _bias_forgotten, _bias_forgotten_words),
    Mistake("bias_per_pair", _bias_per_pair, _bias_per_pair_words, "channel"),
    Mistake("bias_per_pair", _bias_per_tap, _bias_per_tap_words, "tap"),
    Mistake("groups_order", _inputs_dealt, _dealt_words, "inputs"),
    Mistake("groups_order", _outputs_dealt, _dealt_words, "outputs"),
    Mistake("groups_order", _ungrouped, _ungrouped_words, "left out"),
)

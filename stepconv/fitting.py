"""Do an input and a weight fit? The sentences for all the ways in which they do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from stepconv.errors import ShapeError
from stepconv.values import by

_LAYOUT = {1: "L", 2: "H, W", 3: "D, H, W"}


def function_name(rank: int, *, transposed: bool) -> str:
    """Return the name of the function for a rank, such as "conv2d".

    >>> function_name(1, transposed=True)
    'conv_transpose1d'
    """
    return f"conv_transpose{rank}d" if transposed else f"conv{rank}d"


@dataclass(frozen=True)
class Fitting:
    """What a description asks of the shapes that it is bound to."""

    kernel_size: tuple[int, ...]
    groups: int
    transposed: bool

    @property
    def rank(self) -> int:
        """Number of axes along which the kernel moves."""
        return len(self.kernel_size)

    @property
    def name(self) -> str:
        """Name of the function that the shapes are for."""
        return function_name(self.rank, transposed=self.transposed)

    def channels_axis(self, inputs: tuple[int, ...]) -> int:
        """Return which axis of the input counts the channels: 0 where it is unbatched."""
        rank, got = self.rank, len(inputs)
        if got in (rank + 1, rank + 2):
            return got - rank - 1
        layout = _LAYOUT[rank]
        facts = {"shape": inputs, "got": got, "name": self.name, "layout": layout}
        if got == rank:
            raise ShapeError(
                "the channel axis is missing from input {shape}: {name} takes (N, C, {layout}) or"
                " (C, {layout}); add it with input[None]",
                **facts,
            )
        if got < rank:
            raise ShapeError(
                "input {shape} has {got} axes, fewer than the kernel's own;"
                " {name} takes (N, C, {layout}) or (C, {layout})",
                **facts,
            )
        raise ShapeError(
            "input {shape} has {got} axes, too many; {name} takes (N, C, {layout}) or"
            " (C, {layout}): drop an axis, or use a kernel with more axes",
            **facts,
        )

    def check_weight(self, weights: tuple[int, ...]) -> None:
        """Refuse a weight that does not carry the kernel described."""
        layout = "(C_in, C_out/groups" if self.transposed else "(C_out, C_in/groups"
        kernel = ", ".join("k" * self.rank) + ")"
        if len(weights) != self.rank + 2:
            raise ShapeError(
                "weight {shape} has {got} axes; {name} takes {wanted}",
                shape=weights,
                got=len(weights),
                name=self.name,
                wanted=f"{layout}, {kernel}",
            )
        if weights[2:] != self.kernel_size:
            raise ShapeError(
                "weight {shape} carries a kernel of {kernel}; the description says {wanted}",
                shape=weights,
                kernel=by(weights[2:]),
                wanted=by(self.kernel_size),
            )
        if 0 in weights:
            raise ShapeError(
                "weight {shape} holds no values: each axis needs at least 1", shape=weights
            )

    def check_channels(
        self, inputs: tuple[int, ...], in_channels: int, weights: tuple[int, ...], *, given: bool
    ) -> None:
        """Refuse channels that the weight, or the groups, do not go with."""
        if in_channels == 0:
            raise ShapeError("input {input} has 0 channels; it needs at least 1", input=inputs)
        expected = weights[0] if self.transposed else weights[1] * self.groups
        if not given or in_channels == expected:
            self._check_groups(in_channels, in_channels if self.transposed else weights[0])
            return
        facts = {
            "input": inputs,
            "weight": weights,
            "channels": in_channels,
            "groups": self.groups,
            "expected": expected,
        }
        if inputs[-1] == expected:
            raise ShapeError(
                "input {input} has {channels} channels where weight {weight} wants {expected},"
                " and {expected} stands last: channels come before the spatial axes here;"
                " use numpy.moveaxis(input, -1, {axis})",
                axis=len(inputs) - self.rank - 1,
                **facts,
            )
        if self.transposed:
            self._raise_transposed_channels(facts, weights)
        self._raise_forward_channels(facts, weights)

    def _raise_transposed_channels(
        self, facts: dict[str, Any], weights: tuple[int, ...]
    ) -> NoReturn:
        share, odd = divmod(weights[0], self.groups)
        if weights[1] * self.groups == facts["channels"] and not odd:
            raise ShapeError(
                "weight {weight} looks like (C_out, C_in/groups, …), but a transposed convolution"
                " takes (C_in, C_out/groups, …), here {wanted}: use weight.swapaxes(0, 1), group"
                " by group where there are several",
                wanted=(facts["channels"], share, *weights[2:]),
                **facts,
            )
        self._raise_missing_channel_axis(facts)
        raise ShapeError(
            "input {input} has {channels} channels, weight {weight} is made for {expected};"
            " a transposed weight is (C_in, C_out/groups, …)",
            **facts,
        )

    def _raise_forward_channels(self, facts: dict[str, Any], weights: tuple[int, ...]) -> NoReturn:
        channels = facts["channels"]
        if self.groups > 1 and weights[1] == channels and channels % self.groups == 0:
            raise ShapeError(
                "weight {weight} carries all {channels} input channels, but with groups={groups}"
                " a kernel sees {channels}/{groups} of them: its second axis must be {share}",
                share=channels // self.groups,
                **facts,
            )
        if self.groups == 1 and weights[0] == channels and weights[1] > 1:
            raise ShapeError(
                "weight {weight} looks like (C_in, C_out, …), as a transposed convolution takes"
                " it; for an input of {channels} channels this one takes (C_out, {channels}, …):"
                " use weight.swapaxes(0, 1)",
                **facts,
            )
        fitting, odd = divmod(channels, weights[1])
        if fitting and not odd and weights[0] % fitting == 0:
            raise ShapeError(
                "input {input} has {channels} channels, weight {weight} with groups={groups} is"
                " made for {expected}; groups={fitting} would fit",
                fitting=fitting,
                **facts,
            )
        self._raise_missing_channel_axis(facts)
        raise ShapeError(
            "input {input} has {channels} channels, weight {weight} is made for {expected}"
            " (its second axis times groups={groups}); change one of the two",
            **facts,
        )

    def _raise_missing_channel_axis(self, facts: dict[str, Any]) -> None:
        """Refuse (N, *spatial), which was read as (C, *spatial)."""
        if facts["expected"] == 1 and len(facts["input"]) == self.rank + 1:
            raise ShapeError(
                "input {input} is read as (C, {layout}): {channels} channels, where weight"
                " {weight} wants 1; if the first axis counts samples, add the channel axis with"
                " input[:, None]",
                layout=_LAYOUT[self.rank],
                **facts,
            )

    def _check_groups(self, in_channels: int, first: int) -> None:
        for name, channels in (("in_channels", in_channels), ("out_channels", first)):
            if channels % self.groups:
                raise ShapeError(
                    "{name} {channels} cannot be dealt out to groups={groups};"
                    " choose a number of groups that divides it",
                    name=name,
                    channels=channels,
                    groups=self.groups,
                )

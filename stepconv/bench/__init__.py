"""Measuring this package beside others, on this machine.

    layers     the convolutions of well-known networks, and some that are no network's
    peers      what else computes them, where it is installed
    timing     one process, taking turns, medians
    report     times, ratios and classes, as JSON and back

The method: every contestant computes the same layer from the same numbers, in one
process, on as many threads; they take turns, each run warmed up before it is timed,
and a ratio is the median of the rounds' ratios, so that what slows the machine for a
while slows both. Memory for the result is taken in the timed call, as each takes it, and
inputs are given as users have them. The results are compared with one another.

This package is timed twice. As *layer*, which keeps its weights packed, it stands
against onnxruntime, which packs them beforehand; as *function*, which packs them in
the call, against torch.nn.functional and the others. Winograd's transformed weights are
kept in every comparison.
"""

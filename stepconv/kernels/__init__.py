"""The compiled loops: the only place that imports Numba. Importing this package costs nothing.

A guide for those who want to know why they are fast. Who knows NumPy and how matrices are
multiplied can read the files in this order; each holds one idea.

**The definition.** `textbook` is a convolution as it is defined: five loops around a product,
for numbers of any type. It is the reference for all the others, and it also fills a trace. It
reaches about one per cent of what a processor can do.

**Where the time goes.** Two vectors of 16 float32 multiplied and added in each of some 4
billion cycles a second are 250 billion operations a second and core; one load from memory takes
as long as hundreds of them. So a fast kernel

- does nothing in its innermost loop but multiply and add, with sums that stay in registers:
  `tiles`, and for small maps `small_tiles`;
- reads numbers from the cache, laid out so that the next one needed is the next one in
  memory: `bands`;
- uses each number many times once it is there: the order of the loops in `direct`.

**How a dense convolution runs**, from the outside in::

    plan        which family of kernels, and how the work is cut        once for a geometry
    cutting     so many rows at a time, so that a band fits the cache
    listing     lists of tiles and of taps, for kernels to go through
    pool        units of work, shared by threads                        for each call:
    direct      a unit: fill a band, then for each block of channels
    bands           copy rows of the input: padding, stride, dilation are dealt with here
    tiles           up to 8 channels x 48 pixels: sums in 24 registers
    emit                the instructions themselves

With 16 registers (AVX2) a tile is half as large, and layers of many channels are mostly the work of
`small`, `phase_pixels` for transposed ones: six single pixels, which leave no rest on any map. With
32, `phase_pixels` is for small maps.

There `bands` alone knows of padding and strides, and a table of offsets of dilation and of how many
axes there are. There is no matrix of unrolled windows ("im2col"): a tile reads the band through
the offsets of its taps. Where a band would only repeat the input, none is filled (`reading`).

**The families**, in the order in which `plan` asks them:

====================  ==================================================================
`swapped`             transposed, of a single pixel: weights and input change places
`stamps`              transposed, few output channels: each pixel stamps the kernel
`mosaic`              transposed, kernels no larger than the stride: each pixel makes a block
`phases`              transposed: an ordinary convolution for each phase of the output
`dots`                outputs of few pixels, whose weights are read as they lie
`depthwise_channels`  depthwise, small maps and short rows: channels in vectors, not pixels
`depthwise3`          depthwise with 3x3, where the input can be read in place
`depthwise`           other depthwise layers, and images of one channel
`masked`              few channels, the output as large as the input: padding is masked (AVX-512)
`small`               many channels, mostly on small maps: channels in vectors, not pixels
`direct`              all others
`winograd`            3x3 with fewer multiplications, where asked for
====================  ==================================================================

`small` has files of its own for each of its ideas, which it lists. It leaves the padding out pixel
by pixel, so that most layers of networks need no band.

Layers keep their weights packed, functions pack them in each call. So where an output has some
dozen pixels or fewer, and packing would take longer than the sums, a function takes `dots`. And
where tiles pass over the weights but once or twice, the kernel of `small` lays them out itself, a
part at a time, so that they are read from memory once and written to no memory at all.

A family's ``plan(geometry, dtype, threads)`` returns a plan, or None where it does not apply.
A plan holds tables of where things lie and never changes; ``plan.pack`` lays out weights as
its kernel reads them, ``plan.run`` computes some units of work. What the families of tiles have in
common is in `tiled`. Whatever a run needs besides, it allocates itself, so that a plan may run in
many threads at once: less than a megabyte, but for layers of so many channels that the smallest
band takes more. That is one row of 48 pixels, for a 3x3 in float32 0.65 KB a channel (1.3 MB at
2048), for a 5x5 1.1 KB; or a few rows of a narrow map, up to 4 MB, where fewer would leave vectors
empty. Winograd's takes 2.3 KB a channel from 450 on.

**Inside a user's compiled code** (`inline`) `rows` plans, without Python, for the kernel of
`direct`, and `rows_depthwise` for that of `depthwise`; what is not float32 or float64, or
transposed, runs on the loops of `plain`. It calls them by name (`linking`), and holds no copy of
them.

**How they are compiled.** `emit` has the building blocks with which the innermost loops are written
as LLVM code, for vectors as wide as `host` finds them. The loops around them are Python: `drivers`
says what they may hold, and `lowering` turns them into LLVM code too. `compiling` says how Numba
compiles functions, `flat` how arrays reach them, and `cache` keeps them on disk.

**What holds for all.** Kernels check nothing: they trust `stepconv.operands`, which validates
every shape and index map first. They read and write nothing outside their arrays, not even by a
lane of a vector. Sums of more than about a hundred terms are cut into pieces, so that float32 is
as accurate as elsewhere. No fast-math: infinities and nan travel as in arithmetic, but
for taps that lie in the padding altogether and may be left out.
"""

"""The compiled loops: the only place that imports Numba.

`textbook` holds the definition of a convolution as a plain loop nest, which is
also the instrumented kernel that fills a trace. Kernels check nothing: they
trust `stepconv.operands`, which validates every shape and index map first.

Importing this package costs nothing; a submodule imports Numba.
"""

"""The record of a convolution: every placement, every product, every partial sum."""

from stepconv.record.placement import Placement, Stamp, Term
from stepconv.record.trace import Trace, trace

__all__ = ["Placement", "Stamp", "Term", "Trace", "trace"]

"""Where the pages of a lesson begin."""

from __future__ import annotations

from collections.abc import Sequence

from stepconv.lessons.format import Block, Heading, PageBreak, Paragraph, QuestionMarker, plain


def page_starts(blocks: Sequence[Block], heights: Sequence[int], room: int) -> tuple[int, ...]:
    """Return with which blocks pages begin: as much on each as fits, and the end on its own.

    Parameters
    ----------
    blocks : sequence of Block
    heights : sequence of int
        Lines of each block.
    room : int
        Lines of a page. A block that has more is alone on its page.

    Notes
    -----
    A blank line parts two blocks. A question closes its page, so that there is one at most; a
    heading, and a line that ends in a colon, stay with what follows.
    """
    starts, used = [0], 0
    for k, block in enumerate(blocks):
        if isinstance(block, PageBreak):
            used = room  # what follows begins a page
            continue
        needed = heights[k] + _kept_with(blocks, heights, k)
        if used and used + 1 + needed > room and k > starts[-1]:
            starts.append(k)
            used = 0
        used += bool(used) + heights[k]
        if isinstance(block, QuestionMarker):
            used = room
    return (*starts, len(blocks))


def _kept_with(blocks: Sequence[Block], heights: Sequence[int], k: int) -> int:
    """Return how many lines after block `k` have to be on its page."""
    if k + 1 >= len(blocks) or not _leads_on(blocks[k]):
        return 0
    return 1 + heights[k + 1] + _kept_with(blocks, heights, k + 1)


def _leads_on(block: Block) -> bool:
    if isinstance(block, Paragraph):
        return plain(block.text).rstrip().endswith((":", "："))
    return isinstance(block, Heading)

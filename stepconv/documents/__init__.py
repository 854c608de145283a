"""TOML that people write, read strictly: every error names file, place, rule and fix.

A lesson, an exercise or a worksheet is a small file that somebody typed. `Section` hands
out its values by kind and remembers which were asked for, so that `Section.finish` finds
the misspelt ones.
"""

from __future__ import annotations

from stepconv.documents.reading import LARGEST, read_document, read_words
from stepconv.documents.section import Localized, Section
from stepconv.documents.slips import nearest

__all__ = ["LARGEST", "Localized", "Section", "nearest", "read_document", "read_words"]

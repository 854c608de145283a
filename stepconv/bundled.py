"""Where the lessons that come with stepconv lie."""

from __future__ import annotations

from pathlib import Path


def bundled_folder() -> Path:
    """Return the folder ``lessons/``: of the checkout, or inside the installed package.

    >>> (bundled_folder() / "README.md").is_file()
    True
    """
    package = Path(__file__).parent
    installed = package / "bundled_lessons"
    return installed if installed.is_dir() else package.parent / "lessons"

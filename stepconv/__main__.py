"""Runs the command line: ``python -m stepconv`` is ``stepconv``."""

from __future__ import annotations

import sys

from stepconv.cli import main

if __name__ == "__main__":
    sys.exit(main())

"""One step in full: the window and its products, or the stamp and where it lands."""

"""What lessons look like: pages of a terminal, a whole lesson as text, Markdown or HTML."""

"""Paragraphs, which the views break as well."""

from stepconv.views.paragraph import wrapped

__all__ = ["wrapped"]

"""A whole lesson as a file: text, Markdown or HTML."""

from __future__ import annotations

from pathlib import Path

from stepconv.files import write_atomically
from stepconv.lessons.lesson import Lesson
from stepconv.views.export import save_picture
from stepconv.views.lessons.markdown import markdown
from stepconv.views.lessons.webpage import webpage
from stepconv.views.lessons.whole import Whole
from stepconv.views.theme import Look


def save_lesson(lesson: Lesson, path: str, *, width: int, ascii: bool, answers: bool) -> None:
    """Write a lesson in the current language, in the format that the suffix names.

    Raises
    ------
    InputError
        For a suffix of no format, or where the file cannot be written.
    """
    match Path(path).suffix.lower():
        case ".md":
            text = markdown(lesson, Look(color=False, ascii=ascii), width, answers=answers)
        case ".html":
            text = webpage(lesson, width, ascii=ascii, answers=answers)
        case _:
            whole = Whole(lesson, Look(color=False, ascii=ascii), answers=answers)
            save_picture(whole, path, width=width, ascii=ascii, title=lesson.title)
            return
    write_atomically(path, text.encode("utf-8"))

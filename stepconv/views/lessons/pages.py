"""Pages: the states of a lesson that is read, as screens of a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.constrain import Constrain

from stepconv.language import using_language
from stepconv.lessons.format import Block, PageBreak, QuestionMarker, SceneMarker
from stepconv.lessons.lesson import Lesson
from stepconv.lessons.paging import page_starts
from stepconv.lessons.session import Session
from stepconv.views.lessons.footer import footer
from stepconv.views.lessons.overlays import contents_lines, ending_lines, help_lines
from stepconv.views.lessons.prose import WIDEST, Prose, styled
from stepconv.views.lessons.question import QuestionView, question_title
from stepconv.views.lessons.scene import SceneView
from stepconv.views.parts.chrome import too_small
from stepconv.views.screen import Screen

NARROWEST, LOWEST = 40, 10
"""The smallest terminal in which a lesson can be read."""

FOOTER = 3

Size = tuple[int, int]


class Pages:
    """Draws the states of a session.

    Parameters
    ----------
    lesson : Lesson
    screen : Screen
        Whose colours and characters are used.
    remark : str
        What is to be said below every page, such as that progress is not kept.
    following : Mapping
        The title of the next lesson in each language, if there is one.
    """

    def __init__(
        self,
        lesson: Lesson,
        screen: Screen,
        *,
        remark: str = "",
        following: Mapping[str, str] | None = None,
    ) -> None:
        self.lesson = lesson
        self.screen = screen
        self.remark = remark
        self.following = following or {}
        self._drawn: dict[tuple[object, ...], list[str]] = {}

    def fitted(self, session: Session, size: Size) -> Session:
        """Return the session with its pages as they are on a terminal of `size`."""
        width, height = self._within(size)
        if _too_small(width, height):
            return session
        with using_language(session.language):
            blocks, room = session.outline.blocks, height - FOOTER
            # As at first: what is said of an answer makes a page longer, and moves nothing.
            fresh = replace(session, attempts={}, focus=0)
            heights = [len(self._block(fresh, k, width, height)) for k in range(len(blocks))]
            starts = page_starts(blocks, heights, room)
            placed = session.fitted(starts, room, session.scroll)
            overflow = len(self._body(placed, width, height)) - room
            placed = placed.fitted(starts, room, max(overflow, 0))
            if session.overlay != "help":
                return placed
            most = max(len(self._help(width)) - room, 0)
            return replace(placed, cursor=min(session.cursor, most))

    def lines(self, session: Session, size: Size) -> list[str]:
        """Return the screen for a session that was fitted: as many lines as it has."""
        width, height = self._within(size)
        if _too_small(width, height):
            return too_small((width, height), (NARROWEST, LOWEST), self.screen.look)
        with using_language(session.language):
            room, look = height - FOOTER, self.screen.look
            body = self._overlay(session, width, room)
            if body is None:
                body = self._body(session, width, height)[session.scroll :]
            body = [*body, *[""] * room][:room]
            below = footer(session, self.lesson, look, width, self.remark)
            return [*body, *(self._text(line, width)[0] for line in below)]

    # -- parts ----------------------------------------------------------------------------

    def _within(self, size: Size) -> Size:
        width, height = size
        most = self.screen.chosen_width
        return (width if most is None else min(width, most), height)

    def _overlay(self, session: Session, width: int, room: int) -> list[str] | None:
        """What hides the page, if anything does."""
        look = self.screen.look
        if session.overlay == "contents":
            titles = [styled(entry.title, look) for entry in session.outline.entries]
            return self._text(Group(*contents_lines(session, titles, look, room)), width)
        if session.overlay == "help":
            return self._help(width)[session.cursor :]
        return None

    def _help(self, width: int) -> list[str]:
        return self._text(Group(*help_lines(self.screen.look, min(width, WIDEST))), width)

    def _body(self, session: Session, width: int, height: int) -> list[str]:
        """The lines of the page, more than fit where it is long."""
        if session.at_end:
            following = self.following.get(session.language, "")
            widest = min(width, WIDEST)
            ending = ending_lines(session, self.lesson, self.screen.look, widest, following)
            return self._text(Group(*ending), width)
        body: list[str] = []
        for k in range(session.starts[session.page], session.page_end):
            lines = self._block(session, k, width, height)
            body += [""] * bool(body and lines) + lines
        return body

    def _block(self, session: Session, index: int, width: int, height: int) -> list[str]:
        """Draw one block; it is kept, since most keys change nothing about it."""
        block = session.outline.blocks[index]
        state: object = None
        if isinstance(block, SceneMarker):
            state = index == session.focused
        elif isinstance(block, QuestionMarker):
            state = session.attempt(block.question)
        key = (session.language, index, width, height, state)
        if key not in self._drawn:
            drawn = self._part(session, block, height, chosen=state is True)
            self._drawn[key] = [] if drawn is None else self._text(drawn, width)
        return self._drawn[key]

    def _part(
        self, session: Session, block: Block, height: int, *, chosen: bool
    ) -> RenderableType | None:
        lesson, look = self.lesson, self.screen.look
        match block:
            case PageBreak():
                return None
            case SceneMarker():
                return SceneView(
                    lesson.scenes[block.scene],
                    look,
                    view=block.view,
                    step=block.step,
                    height=height - FOOTER,
                    chosen=chosen,
                )
            case QuestionMarker():
                return Constrain(
                    QuestionView(
                        lesson.questions[block.question],
                        look,
                        title=question_title(session.outline, block.question),
                        attempt=session.attempt(block.question),
                    ),
                    WIDEST,
                )
            case _:
                return Prose(block, look)

    def _text(self, drawn: RenderableType, width: int) -> list[str]:
        return self.screen.text(drawn, width=width).splitlines() or [""]


def _too_small(width: int, height: int) -> bool:
    return width < NARROWEST or height < LOWEST

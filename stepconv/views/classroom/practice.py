"""PracticePages: the states of practice, as screens of a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.constrain import Constrain
from rich.text import Text

from stepconv.classroom.asked import the_shape, the_size
from stepconv.classroom.practice import Comparison
from stepconv.classroom.topics import topic
from stepconv.language import _
from stepconv.lessons.drill import Drill
from stepconv.lessons.progress import SHOWN
from stepconv.views.classroom.beside import Beside, cell_title
from stepconv.views.classroom.given import Given
from stepconv.views.lessons.prose import WIDEST
from stepconv.views.lessons.question import QuestionView
from stepconv.views.parts.chrome import key_line, key_table, note_line, too_small
from stepconv.views.screen import Screen
from stepconv.views.theme import Look

NARROWEST, LOWEST, FOOTER = 40, 12, 3

Size = tuple[int, int]


class QuestionHead:
    """Which question it is, and the layer that it is about."""

    def __init__(self, drill: Drill, look: Look) -> None:
        self.drill = drill
        self.look = look

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        title = Text(self.look.plain("── "), self.look.style("rule"), overflow="ellipsis")
        yield title.append(question_name(self.drill), self.look.style("title"))
        question = self.drill.course.question
        shapes = question.problem.asked in (the_size, the_shape)
        inputs = 1 if shapes else question.problem.run.geometry.in_channels
        yield Given(question.given, self.look, inputs)


class PracticePages:
    """Draws the states of practice.

    Parameters
    ----------
    screen : Screen
        Whose colours and characters are used.
    remark : str
        What is to be said below every page, such as that nothing is kept.
    """

    def __init__(self, screen: Screen, *, remark: str = "") -> None:
        self.screen = screen
        self.remark = remark

    def fitted(self, drill: Drill, size: Size) -> Drill:
        """Return the state with what fits on a terminal of `size`."""
        width, height = self._within(size)
        room = max(height - FOOTER, 1)
        return drill.fitted(room, max(len(self._body(drill, width, room)) - room, 0))

    def lines(self, drill: Drill, size: Size) -> list[str]:
        """Return the screen for a state that was fitted: as many lines as it has."""
        width, height = self._within(size)
        if width < NARROWEST or height < LOWEST:
            return too_small((width, height), (NARROWEST, LOWEST), self.screen.look)
        room = height - FOOTER
        body = self._body(drill, width, room)[drill.scroll :]
        below = footer(drill, self.screen.look, width, self.remark)
        return [
            *[*body, *[""] * room][:room],
            *(self._text(line, width)[0] for line in below),
        ]

    def _within(self, size: Size) -> Size:
        most = self.screen.chosen_width
        return (size[0] if most is None else min(size[0], most), size[1])

    def _body(self, drill: Drill, width: int, room: int) -> list[str]:
        look = self.screen.look
        if drill.overlay == "help":
            return self._text(Group(*help_lines(look)), width)
        if drill.overlay and drill.beside is not None:
            return self._text(Group(*comparison_lines(drill.beside, look)), width)
        asked = QuestionView(drill.asked, look, attempt=drill.attempt)
        body = [
            *self._text(QuestionHead(drill, look), width),
            "",
            *self._text(Constrain(asked, WIDEST), width),
        ]
        shown = beside_shown(drill)
        if shown is not None:
            more = ["", *self._text(Group(*comparison_lines(shown, look)), width)]
            # Where it does not fit, a key leads there: the question stays in sight.
            body += more if len(body) + len(more) <= room or drill.attempt.outcome else []
        return body

    def _text(self, drawn: RenderableType, width: int) -> list[str]:
        return self.screen.text(drawn, width=width).splitlines() or [""]


def beside_shown(drill: Drill) -> Comparison | None:
    """The comparison that may stand below the question: one that does not give it away."""
    found, attempt = drill.beside, drill.attempt
    if found is None or not found.telling or (attempt.outcome and attempt.outcome != SHOWN):
        return None
    return found if attempt.outcome or (attempt.wrong and not found.tells) else None


def comparison_lines(comparison: Comparison, look: Look) -> Iterator[RenderableType]:
    """Yield a comparison under the name of its cell."""
    title = cell_title(comparison)
    if title:
        yield Text(look.plain(_("How {cell} comes about").format(cell=title)), look.style("label"))
    yield Beside(comparison, look)


def question_name(drill: Drill) -> str:
    """Say which question it is, and what it is about."""
    course = drill.course
    return _("{question}: {topic}, level {level}").format(
        question=_numbered(drill), topic=topic(course.topic).title(), level=course.level
    )


def _numbered(drill: Drill) -> str:
    number = drill.course.number
    if drill.most is None:
        return _("Question {number}").format(number=number)
    return _("Question {number} of {count}").format(number=number, count=drill.most)


# -- below the page -------------------------------------------------------------------------


def footer(drill: Drill, look: Look, width: int, remark: str) -> list[Text]:
    """Return the three lines below a page."""
    first = note_line(remark, look)
    if not drill.attempt.outcome and not drill.overlay:
        first = _answer_line(drill, look)
    return [
        first,
        note_line(key_line(_standing(drill), width), look, look.style("title")),
        note_line(key_line(_keys(drill), width), look),
    ]


def _answer_line(drill: Drill, look: Look) -> Text:
    line = Text(_("Your answer: "), look.style("label"), no_wrap=True, overflow="ellipsis")
    if drill.attempt.typed:
        # The end of a long answer is where one is typing.
        return line.append(drill.attempt.typed[-40:] + "_", look.style("strong"))
    form = _("{form}, then enter").format(form=drill.course.question.form)
    return line.append("_  ", look.style("strong")).append(look.plain(form))


def _standing(drill: Drill) -> list[tuple[int, str]]:
    results = drill.course.results
    right = sum(one.outcome == "right" for one in results)
    parts = [(1, _("practice")), (0, _numbered(drill))]
    if results:
        text = _("{right} of {count} right at once")
        parts.append((2, text.format(right=right, count=len(results))))
    if drill.scroll < drill.overflow:
        parts.append((0, _("↓ more below")))
    return parts


def _keys(drill: Drill) -> list[tuple[int, str]]:
    """Return the keys that do something now, each with the rank in which it is left out."""
    traced = drill.course.question.trace is not None
    if drill.overlay == "help":
        return []
    if drill.overlay:
        cells = drill.beside is not None and len(drill.beside.cells) > 1
        return [
            *([(0, "←→ " + _("another cell"))] if cells else []),
            *([(1, "r " + _("step through"))] if traced else []),
            (0, "q " + _("back to the question")),
        ]
    is_open = not drill.attempt.outcome
    going = _("finish") if drill.last else _("next")
    keys = [(0, "→ " + (_("skip") if is_open else going))]
    if is_open:
        more = drill.attempt.hints < len(drill.asked.hints)
        keys += [(1, "h " + _("hint"))] * more + [(3, "x " + _("show the answer"))]
    if drill.comparable:
        keys.append((1, "c " + _("compare")))
    if traced:
        keys.append((2, "r " + _("step through")))
    if drill.overflow:
        keys.append((5, "↑↓ " + _("scroll")))
    return [*keys, (4, "? " + _("help")), (0, "q " + _("quit"))]


def help_lines(look: Look) -> list[Text]:
    """Explain the keys."""
    keys = [
        (_("enter"), _("send the answer; behind an answer, the next question")),
        ("→ n", _("the next question; one still open is passed over")),
        ("h", _("a hint; again for the next one")),
        ("x", _("give up: show the answer")),
        ("c", _("after a wrong answer: how it came about, beside what is right")),
        ("r", _("step through the layer, from where the answer goes wrong")),
        ("↑ ↓", _("up and down on a long page")),
        ("q Esc", _("quit; how it went is told then")),
    ]
    return [
        Text(_("Keys"), look.style("title")),
        Text(),
        *key_table(keys, look),
        Text(),
        Text(_("Topics that went wrong come back sooner."), look.style("note")),
        Text(_("Any key goes back."), look.style("note")),
    ]

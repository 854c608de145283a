"""A lesson on a terminal: keys to states, states to screens, and progress kept on the way."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from stepconv.cli.output import Output
from stepconv.cli.replay import POLL, run
from stepconv.cli.terminal import Terminal
from stepconv.cli.waiting import compiling, uncollected
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.home import set_aside
from stepconv.language import _, language, set_language, using_language
from stepconv.lessons.attempt import Attempt
from stepconv.lessons.lesson import Lesson
from stepconv.lessons.progress import NAME, Progress, progress, reset, save_answer, save_place
from stepconv.lessons.reading import Reading
from stepconv.lessons.scenes import ConvolutionScene
from stepconv.lessons.session import Replay, Session
from stepconv.lessons.shelf import Head
from stepconv.lessons.stepping import inside, step_of
from stepconv.player import Counts, Player
from stepconv.record import Trace
from stepconv.views.frame import views_of
from stepconv.views.lessons.pages import Pages
from stepconv.views.screen import Screen


class Keeper:
    """Keeps the progress of one lesson, as long as that can be done.

    Attributes
    ----------
    remark : str
        What there is to say about it: that progress cannot be kept, or was set aside.
    """

    def __init__(self, lesson: str) -> None:
        self.lesson = lesson
        self.remark = ""
        self._keeping = True

    def begin(self, *, restart: bool) -> Progress:
        """Return the progress so far; with `restart` forget it."""
        found = [Progress()]

        def read() -> None:
            aside = set_aside(NAME)
            if aside is not None:
                text = _("Your progress could not be read; the file is kept as {path}")
                self.remark = text.format(path=shown(str(aside), 200))
            if restart:
                reset([self.lesson])
            found.append(progress().get(self.lesson, Progress()))

        self._try(read)
        return found[-1]

    def keep(self, before: Session, after: Session) -> None:
        """Keep what changed: the place, and answers."""
        if after.place != before.place:
            self.keep_place(after)
        for name, attempt in after.attempts.items():
            if attempt.outcome != before.attempt(name).outcome:
                self._keep_answer(name, attempt.outcome)

    def keep_place(self, session: Session) -> None:
        """Keep the place, and whether the end is reached."""
        self._try(lambda: save_place(self.lesson, session.place, finished=session.at_end))

    def _keep_answer(self, question: str, outcome: str) -> None:
        self._try(lambda: save_answer(self.lesson, question, outcome))

    def _try(self, work: Callable[[], object]) -> None:
        """Do it; what the system refuses once is not tried again, and no reason to stop."""
        if not self._keeping:
            return
        try:
            work()
        except InputError as error:
            self._keeping = False
            self.remark = _("Progress is not kept: {reason}").format(reason=error)


def read(
    lesson: Lesson,
    output: Output,
    *,
    page: int | None = None,
    restart: bool = False,
    following: Head | None = None,
) -> bool:
    """Let a lesson be read on a terminal, until the reader quits.

    Parameters
    ----------
    lesson : Lesson
    output : Output
    page : int, optional
        The page to begin with, from 1; by default the one that was left.
    restart : bool
        Forget the progress, and begin at the beginning.
    following : Head, optional
        The next lesson.

    Returns
    -------
    bool
        Whether the next lesson is wanted.
    """
    screen = output.screen
    keeper = Keeper(lesson.id)
    pages = Pages(lesson, screen, following=following.titles if following else None)
    session = _begun(lesson, keeper.begin(restart=restart), followed=following is not None)
    pages.remark = keeper.remark
    with uncollected(), compiling(output.errors):
        session = pages.fitted(session, Terminal(screen.stream).size)
    if page is not None:
        session = session.went_to(session.starts[min(page, len(session.starts)) - 1])
    keeper.keep_place(session)
    try:
        with Terminal(screen.stream) as terminal:
            session = _loop(pages, keeper, screen, terminal, session)
    except EOFError:
        return False  # the terminal was closed: there is nobody left to show anything to
    set_language(session.language)  # the next lesson goes on in it
    return session.follow


def _begun(lesson: Lesson, found: Progress, *, followed: bool) -> Session:
    """Return the session where the lesson was left."""
    reading = Reading.of(lesson, followed=followed)
    attempts = {
        name: Attempt(outcome=outcome)
        for name, outcome in found.answers.items()
        if name in lesson.questions
    }
    outline = reading.outlines[language()]
    at = outline.find(found.place)
    if at == len(outline.blocks):
        at = 0  # it was read to the end, so it is read again
    return Session(reading, language=language(), at=at, attempts=MappingProxyType(attempts))


def _loop(
    pages: Pages, keeper: Keeper, screen: Screen, terminal: Terminal, session: Session
) -> Session:
    drawn: object = None
    while not session.done:
        size = terminal.size
        if terminal.resumed or drawn != (session, size):
            terminal.resumed = False
            session = pages.fitted(session, size)
            pages.remark = keeper.remark
            terminal.draw(pages.lines(session, size))
            drawn = (session, size)
        for key in terminal.keys(POLL):
            before, session = session, pages.fitted(session.press(key), size)
            keeper.keep(before, session)
            if session.replay is not None:
                with using_language(session.language):
                    _replay(pages.lesson, session, session.replay, screen, terminal)
                session, drawn = session.returned(), None
            if session.done:
                break
    return session


def _replay(
    lesson: Lesson, session: Session, wanted: Replay, screen: Screen, terminal: Terminal
) -> None:
    """Step through a scene, or through what a question is about, from where it goes wrong."""
    leave = _("back to the lesson")
    scene = lesson.scenes.get(wanted.scene)
    cell = None
    if wanted.question:
        scene = lesson.questions[wanted.question].scene
        verdict = session.attempt(wanted.question).verdict
        cell = verdict.cell if verdict is not None else None
        if wanted.mistaken and verdict is not None and verdict.diagnosis is not None:
            trace = verdict.diagnosis.explanations[0].run.trace
            start = 0 if cell is None else step_of(trace, inside(trace, cell))
            _step_through(trace, start, None, screen, terminal, _("back (this was your way)"))
            return
    if isinstance(scene, ConvolutionScene):
        start = (scene.step or 1) - 1 if cell is None else step_of(scene.trace, cell)
        _step_through(scene.trace, start, scene.view, screen, terminal, leave)


def _step_through(
    trace: Trace, start: int, view: str | None, screen: Screen, terminal: Terminal, leave: str
) -> None:
    if not len(trace):
        return
    views = views_of(trace)
    player = Player(
        Counts.of(trace),
        views,
        index=min(start, len(trace) - 1),
        view=view if view in views else views[0],
    )
    run(trace, screen, terminal, player, leave=leave)

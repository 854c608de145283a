"""Practice on a terminal: keys to states, states to screens, and what is kept on the way."""

from __future__ import annotations

from stepconv.classroom.practice import Course
from stepconv.classroom.practice.keeping import Keeper
from stepconv.classroom.practice.summary import Summary
from stepconv.cli.output import Output
from stepconv.cli.replay import POLL, run
from stepconv.cli.terminal import Terminal
from stepconv.cli.waiting import compiling, uncollected
from stepconv.files import shown
from stepconv.language import _
from stepconv.lessons.drill import Drill
from stepconv.lessons.stepping import inside, step_of
from stepconv.player import Counts, Player
from stepconv.record import Trace
from stepconv.views.classroom.practice import PracticePages
from stepconv.views.classroom.practised import Practised
from stepconv.views.frame import views_of
from stepconv.views.screen import Screen


def practise(output: Output, course: Course, most: int | None, keeper: Keeper) -> None:
    """Ask until the user quits or the questions end, then tell how it went."""
    session = _Session(output.screen, keeper, Drill(course, most))
    with uncollected(), compiling(output.errors):
        session.draw_once()
    try:
        with Terminal(output.screen.stream) as terminal:
            session.loop(terminal)
    except EOFError:
        session.end()
        return  # the terminal was closed: there is nobody left to show anything to
    except KeyboardInterrupt:
        session.end()
        session.tell()
        raise
    session.tell()


def keeper_remark(keeper: Keeper) -> str:
    """Say in the current language what there is to say about what is kept."""
    if keeper.problem is not None:
        return _("What you practise is not kept: {reason}").format(reason=keeper.problem)
    if keeper.aside is not None:
        text = _("What was kept could not be read; the file is now {path}")
        return text.format(path=shown(str(keeper.aside), 200))
    return ""


class _Session:
    """Practice that goes on: its state, which changes, and who keeps the results."""

    def __init__(self, screen: Screen, keeper: Keeper, drill: Drill) -> None:
        self.screen = screen
        self.keeper = keeper
        self.drill = drill
        self.pages = PracticePages(screen, remark=keeper_remark(keeper))

    def draw_once(self) -> None:
        """Work out the first screen, while something may have to be compiled."""
        self.pages.fitted(self.drill, (80, 24))

    def loop(self, terminal: Terminal) -> None:
        drawn: object = None
        while not self.drill.done:
            size = terminal.size
            if terminal.resumed or drawn != (self.drill, size):
                terminal.resumed = False
                self.drill = self.pages.fitted(self.drill, size)
                self.pages.remark = keeper_remark(self.keeper)
                terminal.draw(self.pages.lines(self.drill, size))
                drawn = (self.drill, size)
            for key in terminal.keys(POLL):
                self._become(self.pages.fitted(self.drill.press(key), size))
                if self.drill.done:
                    return
                if self.drill.replay:
                    self._replay(terminal)
                    self.drill, drawn = self.drill.returned(), None

    def end(self) -> None:
        """Stop; a question that was tried counts."""
        self._become(self.drill.ended())

    def tell(self) -> None:
        """Tell how it went, where it stays on the screen."""
        results = self.drill.course.results
        if results:
            self.screen.show(Practised(Summary.of(results), self.screen.look))
        remark = keeper_remark(self.keeper)
        if remark:
            self.screen.write(self.screen.look.plain(remark) + "\n")

    def _become(self, drill: Drill) -> None:
        self.keeper.follow(self.drill.course, drill.course)
        self.drill = drill

    def _replay(self, terminal: Terminal) -> None:
        """Step through the layer, from where the answer goes wrong."""
        trace = self.drill.course.question.trace
        if trace is None:
            return
        views, start = views_of(trace), step_of(trace, cell_of(self.drill, trace))
        player = Player(Counts.of(trace), views, index=start, view=views[0])
        run(trace, self.screen, terminal, player, leave=_("back to the question"))


def cell_of(drill: Drill, trace: Trace) -> tuple[int, ...]:
    """Return the output cell at which to look: where the answer goes wrong, or the one asked."""
    beside = None if drill.beside is None else drill.beside.cell
    found = beside or drill.course.question.cell or (0,) * (trace.spec.rank + 2)
    return inside(trace, found)

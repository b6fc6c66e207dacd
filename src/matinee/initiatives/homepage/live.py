"""The homepage of a home as it stands: the current release, the stored members, the composer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from matinee.errors import StorageError
from matinee.initiatives.homepage.compose import Composer
from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.html import Watched
from matinee.initiatives.homepage.members import LakeMembers
from matinee.initiatives.homepage.model import HomepageModel
from matinee.initiatives.homepage.page import MemberState, Page, TitleState
from matinee.initiatives.homepage.scoring import whole_minute
from matinee.initiatives.homepage.trained import TrainedHomepage
from matinee.learn.reading import interactions_from_home, load_catalogue, load_members
from matinee.observe.home import Home
from matinee.observe.lake.reader import Moment
from matinee.observe.member_state import read_marks
from matinee.observe.play_rates import read_play_rates
from matinee.platform.lifecycle.model_folder import check_files
from matinee.platform.lifecycle.project import open_project

BATCH = 128
"""Members scored at a time."""


@dataclass(slots=True)
class LiveHomepage:
    """Composes the pages of a home's members at one moment, with one trained model.

    Attributes
    ----------
    release : Path
        Folder of the model.
    member_ids : list of str
        Members with a history, stored limits or marks, in the order of their ids.
    released : bool
        Whether the model is the one in production.
    """

    release: Path
    model: HomepageModel
    member_ids: list[str]
    titles: TitleState
    composer: Composer
    at_us: int
    released: bool = True

    @staticmethod
    def open(home: Home, at: str | None = None) -> LiveHomepage:
        """The model in production; where nothing is released yet, the one that was trained last.

        Raises
        ------
        NotFoundError
            Nothing was trained yet.
        StorageError
            The model is damaged, or from another version.
        """
        with open_project(home, "homepage", at=at) as project:
            current = project.registry.releases.current("homepage")
            folder, card = project.model("newest" if current is None else "released")
            check_files(folder, card.files)
            live = LiveHomepage.of(folder, project.lake, project.at_us, config=project.config)
        return replace(live, released=current is not None)

    @staticmethod
    def of(release: Path, home: Home, at_us: int, *, config: PageConfig | None = None) -> LiveHomepage:
        """Load a trained model and what is stored about members.

        Raises
        ------
        NotFoundError
            The folder holds no model.
        StorageError
            The model is damaged, or from another version.
        """
        catalogue = load_catalogue(home, at_us)
        members = LakeMembers(
            interactions_from_home(home, until_us=at_us, catalogue=catalogue),
            load_members(home, at_us),
            read_marks(home, catalogue, Moment(at_us, at_us)),
        )
        model = HomepageModel.of(load_trained(release, home), catalogue, members)
        rates = read_play_rates(home, catalogue, Moment(at_us, at_us))
        titles = replace(model.title_state(at_us), rates=rates)
        composer = Composer(titles, at_us=at_us, config=config)
        return LiveHomepage(release, model, members.member_ids, titles, composer, at_us)

    def states(self, member_ids: Sequence[str]) -> list[MemberState]:
        """What is known about members; one that nobody has heard of has no history and no limits."""
        return self.model.member_states(member_ids, self.at_us, asked_us=whole_minute(self.at_us))

    def pages(
        self, member_ids: Sequence[str], *, rows: int | None = None, cols: int | None = None
    ) -> Iterator[tuple[MemberState, Page]]:
        """Pages of many members, scored in batches, with the state that each was composed from."""
        waiting = iter(member_ids)
        while batch := list(islice(waiting, BATCH)):
            for state in self.states(batch):
                yield state, self.composer.page(state, rows=rows, cols=cols)


def load_trained(release: Path, home: Home) -> TrainedHomepage:
    """Read a trained model.

    Raises
    ------
    NotFoundError
        The folder holds no model.
    StorageError
        The model is damaged, or from another version.
    """
    try:
        return TrainedHomepage.load(release)
    except (KeyError, ValueError) as problem:
        raise StorageError(
            f"{release}: the release does not load ({problem}); it may be from another version of "
            f"Matinee. Run: matinee train homepage --home {home.root}"
        ) from problem


def watched(state: MemberState, latest: int = 30) -> Watched:
    """What stands above a page in the viewer: the latest titles, each once, newest first."""
    newest_first = dict.fromkeys(int(title) for title in state.history[::-1])
    return Watched(len(newest_first), list(newest_first)[:latest])

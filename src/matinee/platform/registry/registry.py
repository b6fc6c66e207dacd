"""The registry: one object with a part per topic, and transactions over all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from matinee.errors import NotFoundError
from matinee.platform.registry.address import Address
from matinee.platform.registry.alerts import Alerts
from matinee.platform.registry.api_keys import ApiKeys
from matinee.platform.registry.connection import WAIT_S, Database
from matinee.platform.registry.experiments import Experiments
from matinee.platform.registry.initiatives import Initiatives
from matinee.platform.registry.inputs import Inputs
from matinee.platform.registry.lineage import Lineage
from matinee.platform.registry.migrate import migrate
from matinee.platform.registry.models import Models
from matinee.platform.registry.portfolio import Portfolio
from matinee.platform.registry.releases import Releases
from matinee.platform.registry.retraining import Retraining
from matinee.platform.registry.rollouts import Rollouts
from matinee.platform.registry.runs import Runs
from matinee.platform.registry.sqlite_file import make_file


class Registry:
    """What there is in a service's machine learning, and how it hangs together.

    It never reads a clock: every time is an argument. Threads may share it; each process opens its own.

    Attributes
    ----------
    initiatives, inputs, runs, models, releases, rollouts, retraining, experiments, alerts, api_keys
        Register and read, by topic.
    lineage : Lineage
        What feeds X, who uses feature F, what breaks if source S stops.
    portfolio : Portfolio
        What was in production on day D; which models are stale, unused, alerted.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Registry.open(Path(folder) / "meta.db") as registry:
    ...     registry.initiatives.all()
    []
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.initiatives = Initiatives(database)
        self.inputs = Inputs(database)
        self.runs = Runs(database)
        self.models = Models(database)
        self.releases = Releases(database)
        self.rollouts = Rollouts(database)
        self.retraining = Retraining(database)
        self.experiments = Experiments(database)
        self.alerts = Alerts(database)
        self.api_keys = ApiKeys(database)
        self.lineage = Lineage(database)
        self.portfolio = Portfolio(database)

    @staticmethod
    def open(where: str | Path, *, create: bool = True, wait_s: float = WAIT_S) -> Registry:
        """Open a registry and bring its tables up to date.

        Parameters
        ----------
        where : str or Path
            A SQLite file (`Home.meta_db`), or `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`.
        create : bool, default True
            Make the SQLite file if there is none.
        wait_s : float, > 0, default 30.0
            How long to wait for a lock that another process holds.

        Raises
        ------
        InputError
            The address cannot be read, or the database is another program's or a newer Matinee's.
        NotFoundError
            The file (with `create` False) or its folder does not exist.
        MissingExtraError
            PostgreSQL without the extra `postgres`.
        StorageError
            The database is unreachable, read-only, locked or no database.
        """
        address = Address.read(where)
        if address.path is not None:
            if not create and not address.path.is_file():
                raise NotFoundError(
                    f"{address.path}: no registry here, expected a file. Train or evaluate first."
                )
            make_file(address.path, wait_s=wait_s)
        database = Database(address, wait_s=wait_s)
        try:
            migrate(database)
        except BaseException:
            database.close()
            raise
        return Registry(database)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything that is written in the block is stored together, or none of it.

        Raises
        ------
        StorageError
            The database failed. Nothing was written.
        """
        with self.database.transaction():
            yield

    def close(self) -> None:
        """Give the connections back."""
        self.database.close()

    def __enter__(self) -> Registry:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

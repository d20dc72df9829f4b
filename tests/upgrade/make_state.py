"""Makes the states of version 0.1 that the tests upgrade: by 0.1's own commands, on a broker and databases of its own.

    python -m tests.upgrade.make_state

writes tests/upgrade/state-of-0.1-{sqlite,postgresql}.tar.xz: configuration, routes and applied rules, ledger, stores,
and all records and committed offsets of Kafka, 300 invented raw events in all. It is run once; what it wrote is kept,
since only 0.1 itself can say what 0.1 leaves.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from newsflow.processes import free_port
from newsflow.tools.broker import LocalBroker
from newsflow.tools.postgres import LocalPostgres
from tests.broker_helpers import RunningBroker
from tests.conftest import LIBS
from tests.e2e.deliver_kit import HookServer
from tests.upgrade.deployment import Deployment, begin_with_01, made_up_events
from tests.upgrade.releases import version_01
from tests.upgrade.state import pack

EVENTS = 300
HERE = Path(__file__).resolve().parent


def state_file(database: str) -> Path:
    return HERE / f"state-of-0.1-{database}.tar.xz"


def main() -> None:
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        release = version_01(scratch / "v01")
        postgres = stack.enter_context(LocalPostgres())
        for database, url in (("sqlite", "sqlite:///ledger.sqlite3"), ("postgresql", postgres.url)):
            local = LocalBroker(scratch / f"kafka-{database}", free_port(), libs=LIBS)
            stack.callback(local.kill)
            local.up()
            folder = scratch / database
            folder.mkdir()
            broker = RunningBroker(local.status().bootstrap_servers)
            deployment = Deployment(folder, broker, url, HookServer(), release)
            begin_with_01(deployment, made_up_events(EVENTS))
            pack(deployment, state_file(database))
            local.kill()
            print(
                f"{state_file(database).name}: {deployment.outcomes()}, {state_file(database).stat().st_size:,} bytes"
            )


if __name__ == "__main__":
    main()

"""Stores on files while their disk is full, or mounted read-only: said as what it is, nothing half kept, and on they go."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.corpus import raw_events
from newsflow.errors import LedgerError, SinkError
from newsflow.ingest.files import KINDS as KINDS_OF_ROWS
from newsflow.ingest.files import MANIFEST, PARTIAL
from newsflow.ledger import Ledger, open_ledger
from newsflow.stores.contract import Store, StoreRow
from newsflow.stores.registry import open_store
from tests.ledger.ledger_helpers import Wire
from tests.stores.store_harness import row

KINDS = ["jsonl", "parquet", "sqlite"]


@dataclass
class Disk:
    """A file system in memory that can be filled, and mounted read-only. Only root may; elsewhere the test is skipped."""

    folder: Path

    def mount(self, options: str) -> None:
        command = ["mount", "-o", f"remount,{options}", str(self.folder)]
        subprocess.run(command, check=True, capture_output=True)

    def fill(self) -> None:
        with (self.folder / "ballast").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 4096)
            except OSError:
                return

    def free(self) -> None:
        (self.folder / "ballast").unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting takes root")
    yield Disk(folder)
    subprocess.run(["umount", "-l", str(folder)], check=False)


def opened(kind: str, disk: Disk) -> Store:
    name = disk.folder / ("store.sqlite3" if kind == "sqlite" else "store")
    return open_store(f"{kind}:///{name}")


def many(first: int) -> list[StoreRow]:
    """Some megabytes that do not compress away."""
    return [row(f"{first}-{n}", body=raw_body(first * 100 + n)) for n in range(40)]


def raw_body(seed: int) -> str:
    [(_, value)] = raw_events(1, seed=seed, size_chars=20_000)
    return value.decode("utf-8", "replace")


@pytest.mark.parametrize("how", ["full", "read-only"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_store_on_a_disk_that_takes_nothing(
    kind: str, how: str, disk: Disk, record_property: Callable[[str, object], None]
) -> None:
    with opened(kind, disk) as before:
        before.write(many(0))
    if how == "read-only":
        disk.mount("ro")  # which the system refuses while files are open for writing
    with opened(kind, disk) as store:
        if how == "full":
            disk.fill()
        for _ in range(3):
            with pytest.raises(SinkError) as raised:
                store.write(many(1))
        if how == "full":
            disk.free()
        else:
            disk.mount("rw")
        store.write(many(1))
        assert store.check()
    with opened(kind, disk) as again:
        again.write(many(0))
        again.write(many(1))  # all of it is there already
        assert again.check()
    record_property("figure", f"80 rows, 0 lost; {str(raised.value)[:90]}")


@pytest.mark.parametrize("how", ["full", "read-only"])
def test_a_ledger_on_a_disk_that_takes_nothing(how: str, disk: Disk) -> None:
    wire, url = Wire(), f"sqlite:///{disk.folder}/ledger.sqlite3"
    first, second = wire.publish(), wire.publish("https://b.example/", "Another text. " * 40)
    with closing(open_ledger(url, retry_for_s=0.2)) as ledger:
        ledger.decide([first])
        if how == "full":
            disk.fill()
            with pytest.raises(LedgerError, match="full"):
                decide_many(ledger, wire)  # the log of the database has some room of its own
            disk.free()
            assert [each.outcome.value for each in ledger.decide([first, second])] == ["added", "added"]
    if how == "read-only":
        disk.mount("ro")  # which the system refuses while files are open for writing
        with pytest.raises(LedgerError, match=r"read-only|readonly|unable"):
            open_ledger(url, retry_for_s=0.2)
        disk.mount("rw")
    with closing(open_ledger(url)) as ledger:
        assert [each.outcome.value for each in ledger.decide([first, second])] == ["added", "added"]


def decide_many(ledger: Ledger, wire: Wire) -> None:
    for _ in range(2000):
        ledger.decide([wire.publish(f"https://c.example/{wire.offset}", "A text. " * 400)])


@pytest.mark.allow_errors
@pytest.mark.attacks
def test_results_on_files_are_whole_or_not_there(disk: Disk, tmp_path: Path) -> None:
    """`newsflow run ingest --input --output` onto a disk that fills up: an error that says so, and no half folder."""
    from newsflow.cli.launch import on_files
    from newsflow.config.load import load_config
    from newsflow.runners.job import load_job
    from tests.rule_helpers import FEW_RULES

    events = tmp_path / "events.jsonl"
    events.write_bytes(b"".join(value + b"\n" for _, value in raw_events(30, seed=1)))
    flags = {"topics.paths": [str(path) for path in FEW_RULES], "ledger.url": f"sqlite:///{tmp_path}/ledger.sqlite3"}
    config = load_config(environ={}, flags=flags).config
    disk.fill()
    with pytest.raises(Exception, match="No space left"):
        on_files(load_job("ingest"), config, events, disk.folder / "out", quiet=True)
    left = {path.name for path in (disk.folder / "out").iterdir()}
    assert not left & {PARTIAL, MANIFEST, *KINDS_OF_ROWS.values()}, left
    disk.free()
    on_files(load_job("ingest"), config, events, disk.folder / "out", quiet=True)
    assert (disk.folder / "out" / "articles.jsonl").stat().st_size > 0

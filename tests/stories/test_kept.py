"""What is kept of word lists and the encoder is what is made: read back, it costs and means the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from newsflow.stories import rarity, vectors
from newsflow.stories.rarity import rarity_of


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    rarity_of.cache_clear()
    yield tmp_path / "newsflow"
    rarity_of.cache_clear()


def test_costs_of_words_are_made_once_and_read_alike(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    make = rarity._costs_of
    monkeypatch.setattr(rarity, "_costs_of", lambda code: asked.append(code) or make(code))  # type: ignore[func-returns-value]
    made = rarity_of("sl")
    rarity_of.cache_clear()
    read = rarity_of("sl")
    assert asked == ["sl"]
    assert vars(read) == vars(made)
    assert read.of_stem("danes") < rarity.UNKNOWN == read.of_stem("merro")
    [file] = (cache / "words").iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    rarity_of.cache_clear()
    assert vars(rarity_of("sl")) == vars(made)
    assert asked == ["sl", "sl"]  # one that is damaged is made again
    assert vars(rarity_of("xx")) == vars(rarity.Rarity({}, {}))


def test_an_encoder_read_back_means_the_same(cache: Path) -> None:
    vectors._model.cache_clear()
    texts = ["The harbour wall of Merrow is to be repaired.", "Стену гавани отремонтируют", "إصلاح سور الميناء"]
    made = vectors.encode([(text, "") for text in texts])
    [file] = (cache / "encoder").iterdir()
    vectors._model.cache_clear()
    read = vectors.encode([(text, "") for text in texts])
    assert [each.tobytes() for each in read] == [each.tobytes() for each in made]
    assert not vectors._model()._model.table.flags.writeable  # it is the file's
    assert file.stat().st_size > 10_000_000


def test_an_encoder_that_would_run_something_runs_nothing(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "was-here",))

    with pytest.raises(Exception, match="Path"):
        vectors._read_model(memoryview(b"".join(vectors._pieces(Evil()))))
    assert not (tmp_path / "was-here").exists()

"""What the pages show is loaded, or its command lines parsed; nothing is shown that is neither run nor listed."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.docs.answers import same_answer
from tests.docs.command_lines import check_line, check_newsflow
from tests.docs.listing import LOADED, RUN, is_run, not_run, pages, parts
from tests.docs.loaders import load
from tests.docs.markdown import PAGES, SHELLS, Block, all_blocks, inline_commands, page_name

BLOCKS = all_blocks()


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.language in LOADED], ids=str)
def test_a_file_loads(block: Block, tmp_path: Path) -> None:
    load(block, tmp_path)


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.language in SHELLS], ids=str)
def test_command_lines_are_those_of_their_programs(block: Block) -> None:
    done = subprocess.run(["bash", "-n"], input="\n".join(parts(block)), text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    for line in parts(block):
        check_line(line)


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.language == "python"], ids=str)
def test_python_compiles(block: Block) -> None:
    compile(block.text, str(block), "exec")


@pytest.mark.parametrize("path", PAGES, ids=page_name)
def test_commands_in_sentences_exist(path: Path) -> None:
    for command in inline_commands(path):
        check_newsflow(shlex.split(command.partition("…")[0])[1:], whole=False)


def test_every_block_is_run_loaded_or_listed() -> None:
    left = [
        str(block) for block in BLOCKS if block.language not in (*RUN, *LOADED) and is_run(block.page, block.first_line)
    ]
    assert left == [], "neither run nor loaded: say in tests/docs/not_run.yaml why"


def test_every_entry_of_the_lists_is_of_a_page() -> None:
    shown = {(block.page, part) for block in BLOCKS for part in parts(block)}
    idle = [entry for entry in not_run() if not any(entry.covers(*each) for each in shown)]
    assert idle == []
    for page, given in pages().items():
        of_page = [part for name, part in shown if name == page]
        assert of_page, page
        beginnings = (*given.codes, *given.silent)
        assert [begins for begins in beginnings if not any(part.startswith(begins) for part in of_page)] == []
        assert [word for word in given.stands_for if not any(word in part for part in of_page)] == []


@pytest.mark.parametrize(
    ("shown", "real", "same"),
    [
        ("up (process 4711, log /home/ann/kafka/broker.log)", "up (process 9, log /tmp/x/broker.log)\n", True),
        ("at 2026-11-29T23:33:14Z", "at 2025-01-02T03:04:05.678Z", True),
        ("3 articles", "4 articles", False),
        ("a\n…\nb", "a\nmuch\nmore\nb", True),
        ("a\nb", "a\nb\nc", False),
        ("so … on", "so it goes on", True),
    ],
)
def test_answers_may_differ_in_what_varies_alone(shown: str, real: str, same: bool) -> None:
    assert same_answer(shown, real) is same

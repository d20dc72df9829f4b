"""The newsflow command."""

from __future__ import annotations

import sys
from types import TracebackType

from newsflow.cli.output import EXIT_CONFIG, EXIT_FAILED, EXIT_USAGE, console, tell


def main() -> None:
    """Run the command line; ends the process with 0 ok, 1 failed, 2 usage, 3 bad configuration."""
    import logging

    from newsflow.cli.app import app
    from newsflow.cli.options import log_lines
    from newsflow.errors import ConfigError, NewsflowError, UsageError, in_words
    from newsflow.leftovers import ending_in_order

    if logging.lastResort is not None:  # of commands that set up no log
        logging.lastResort.setFormatter(log_lines())
    sys.excepthook = _say_unexpected
    try:
        with ending_in_order():
            app()
    except ConfigError as error:
        _end(f"bad {error.what}: {error}", EXIT_CONFIG)
    except UsageError as error:
        _end(str(error), EXIT_USAGE)
    except NewsflowError as error:
        _end(str(error), EXIT_FAILED)
    except BrokenPipeError:
        # The reader of our output has gone; the interpreter must not trip over it again at exit.
        sys.stdout = None
        sys.exit(EXIT_FAILED)
    except OSError as error:
        # A folder that may not be written, a full disk: nothing to look for in the code.
        if error.filename is None:
            raise
        _end(f"{error.filename}: {in_words(error)}", EXIT_FAILED)


def _end(message: str, code: int) -> None:
    tell(f"newsflow: {message}", style="bold red" if console.is_terminal else None)
    sys.exit(code)


def _say_unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A mistake of ours: its traceback, as a log would have it."""
    from newsflow.cli.options import log_lines

    sys.stderr.write(log_lines().formatException((kind, error, trace)) + "\n")

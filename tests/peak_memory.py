"""For programs that a test starts: how much memory they took at most."""

PEAK = r"""
import re
from pathlib import Path


def peak_kib():
    # Not getrusage: its figure begins with what the parent had when it started this program.
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])


"""

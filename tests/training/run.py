"""Runs unittest modules of data/training and tests/bench/peers.

Ends with 77, which ctest reports as skipped, without PyTorch.
"""

import importlib.util
import os
import sys
import unittest

SKIPPED = 77
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDERS = ("data/training", "tests/bench/peers")


def main():
    missing = [m for m in ("torch", "numpy", "PIL") if importlib.util.find_spec(m) is None]
    if missing:
        print(f"skipped: {sys.executable} has no {', '.join(missing)}")
        return SKIPPED
    sys.path[:0] = [os.path.join(ROOT, folder) for folder in FOLDERS]
    suite = unittest.defaultTestLoader.loadTestsFromNames(sys.argv[1:])
    if suite.countTestCases() == 0:
        print("no tests found")
        return 1
    return 0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())

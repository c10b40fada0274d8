"""Runs the official Python client through one suite of checks; see world.py for the arguments."""

import chat  # noqa: F401  (each registers its checks)
import tools  # noqa: F401
import formats  # noqa: F401
import endpoints  # noqa: F401
import errors  # noqa: F401
import guarded  # noqa: F401
from world import main

main()

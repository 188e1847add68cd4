"""The commands: what the user types, and what is printed."""

from typing import Final

from monitor import __version__

VERSION: Final = f"providerwatch {__version__}"
"""The output of `--version`."""

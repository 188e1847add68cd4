"""Providerwatch installed in a machine as docs/systemd.md tells: a venv at /opt/providerwatch and the unit file.

The packages are this virtual environment's own, so nothing is downloaded. `ProtectHome` may hide this Python from
the service (pyenv's lives below /root), so the machine sees it at /opt/python.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from tests.system.systemd_machine import Machine

REPOSITORY = Path(__file__).parents[2]
VENV = "/opt/providerwatch"
PACKAGES = "/opt/packages"
PYTHON = "/opt/python"
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
UNIT = "providerwatch.service"
COMMAND = f"""#!{VENV}/bin/python
import sys
from monitor.cli.main import main
if __name__ == "__main__":
    sys.exit(main())
"""


def binds() -> dict[Path, str]:
    """The folders of this machine that `install` needs inside."""
    folders = {Path(sysconfig.get_path("purelib")): PACKAGES}
    return folders if _is_system_python() else {**folders, Path(sys.base_prefix): PYTHON}


def install(machine: Machine) -> None:
    """Make the venv, the command and the unit file."""
    if not _is_system_python():
        machine.write("/etc/ld.so.conf.d/python.conf", f"{PYTHON}/lib\n")
        machine.run("ldconfig")
    prefix = sys.base_prefix if _is_system_python() else PYTHON
    machine.run(f"{prefix}/bin/{VERSION}", "-m", "venv", "--without-pip", VENV)
    site = f"{VENV}/lib/{VERSION}/site-packages"
    machine.write(f"{site}/packages.pth", PACKAGES + "\n")
    for package in ("monitor", "probes"):
        machine.copy(REPOSITORY / package, f"{site}/{package}")
    machine.write(f"{VENV}/bin/providerwatch", COMMAND, mode=0o755)
    machine.copy(REPOSITORY / "config" / UNIT, f"/etc/systemd/system/{UNIT}")
    machine.systemctl("daemon-reload")


def _is_system_python() -> bool:
    return Path(sys.base_prefix).is_relative_to("/usr")

"""What Lambda runs a function on, as pip, uv and environment markers name it."""

from __future__ import annotations

from dataclasses import dataclass

_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
# Python 3.11 runs on Amazon Linux 2, later ones on Amazon Linux 2023. A wheel for an older glibc
# runs there too; the oldest that wheels are made for differs: manylinux2014, manylinux1.
_GLIBC_MINORS = {"3.11": 26}
_LATER_GLIBC_MINOR = 34
_OLDEST_GLIBC_MINORS = {"arm64": 17, "x86_64": 5}
# uv names some glibc versions only: of those up to 2.26, this is the newest.
_UV_GLIBC_MINORS = {26: 17}


@dataclass(frozen=True, kw_only=True)
class Platform:
    """A version of Python, such as `3.14`, and an architecture, `arm64` or `x86_64`."""

    python: str
    architecture: str

    def __str__(self) -> str:
        """Name it for a message."""
        return f"Python {self.python} on {self.architecture} with glibc 2.{self._glibc_minor}"

    @property
    def pip_tags(self) -> list[str]:
        """The tags of wheels that it runs, the best ones first."""
        minors = range(self._glibc_minor, _OLDEST_GLIBC_MINORS[self.architecture] - 1, -1)
        machine = _MACHINES[self.architecture]
        # From manylinux2014, pip derives manylinux2010 and manylinux1.
        return [*(f"manylinux_2_{minor}_{machine}" for minor in minors), f"manylinux2014_{machine}"]

    @property
    def uv_name(self) -> str:
        """The name of the platform in uv."""
        minor = _UV_GLIBC_MINORS.get(self._glibc_minor, self._glibc_minor)
        return f"{_MACHINES[self.architecture]}-manylinux_2_{minor}"

    @property
    def markers(self) -> dict[str, str]:
        """The values of the variables of environment markers."""
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": "posix",
            "platform_machine": _MACHINES[self.architecture],
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }

    @property
    def _glibc_minor(self) -> int:
        return _GLIBC_MINORS.get(self.python, _LATER_GLIBC_MINOR)

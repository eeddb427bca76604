"""`heapsleuth version`: what a bug report needs to know."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command(name="version")
def command() -> int:
    """Print the version of heapsleuth and of what it runs on."""
    import platform
    from importlib.metadata import version

    from heapsleuth import kernels
    from heapsleuth._version import __version__

    slow = kernels.interpreted_names()
    rows = (
        ("heapsleuth", __version__),
        ("python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("system", f"{platform.system()} {platform.release()} {platform.machine()}"),
        ("numpy", version("numpy")),
        ("kernels", f"interpreted: {', '.join(slow)}" if slow else "compiled"),
    )
    for name, value in rows:
        click.echo(f"{name:<10}  {value}")
    return 0

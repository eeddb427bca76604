"""`heapsleuth agent`: where the Node.js agent is, a copy of it, and the lines that inject it elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from heapsleuth.errors import OutputError, UsageError

__all__ = ["command"]

_FORMS = {
    "shell": """\
export NODE_OPTIONS='{options}'
export HEAPSLEUTH_SERVICE={service}""",
    "docker": """\
# heapsleuth agent copy ./heapsleuth-agent, beside the Dockerfile
COPY heapsleuth-agent {home}
ENV NODE_OPTIONS='{options}'
ENV HEAPSLEUTH_SERVICE={service}
ENV HEAPSLEUTH_SNAPSHOT_DIR=/tmp""",
    "kubernetes": """\
# In the pod's container; the agent comes with the image (see docker) or by a volume at {home}.
# Snapshots need several times the heap for a moment: the memory limit must leave room for that.
env:
  - name: NODE_OPTIONS
    value: '{options}'
  - name: HEAPSLEUTH_SERVICE
    value: {service}
  - name: HEAPSLEUTH_SNAPSHOT_DIR
    value: /snapshots
volumeMounts:
  - name: snapshots
    mountPath: /snapshots""",
    "systemd": """\
[Service]
Environment="NODE_OPTIONS={systemd_options}"
Environment=HEAPSLEUTH_SERVICE={service}
Environment=HEAPSLEUTH_SNAPSHOT_DIR=/var/tmp""",
    "pm2": """\
// ecosystem.config.js
module.exports = {{
  apps: [{{
    name: '{service}',
    script: 'server.js',
    env: {{ NODE_OPTIONS: {js_options}, HEAPSLEUTH_SERVICE: '{service}' }},
  }}],
}};""",
}
_HOME = "/opt/heapsleuth-agent"


@click.group(name="agent", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Print or copy the Node.js agent, or show the lines that inject it.

    `heapsleuth run` and `heapsleuth check` inject it by themselves; this is
    for programs that are started elsewhere.
    """


@command.command(name="path")
def path() -> None:
    """Print the file to preload: node --require "$(heapsleuth agent path)" app.js."""
    from heapsleuth.capture.inject import register_file

    click.echo(register_file())


@command.command(name="copy")
@click.argument("folder", metavar="DIR")
def copy(folder: str) -> None:
    """Copy the agent into DIR, which is made if it is not there."""
    from heapsleuth.capture.inject import REGISTER, agent_folder

    target = Path(folder)
    if target.exists() and (
        not target.is_dir() or (any(target.iterdir()) and not (target / REGISTER).exists())
    ):
        raise OutputError(
            f"expected an empty folder or an older copy of the agent, found something else: {folder}"
        )
    ignored = shutil.ignore_patterns("test", "node_modules", "__pycache__")
    try:
        shutil.copytree(agent_folder(), target, ignore=ignored, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        raise OutputError(f"cannot copy the agent to {folder}: {error}") from error
    click.echo((target / REGISTER).absolute())


@command.command(name="env")
@click.option(
    "--for",
    "form",
    type=click.Choice(sorted(_FORMS)),
    default="shell",
    show_default=True,
    help="What starts the program.",
)
@click.option("--service", metavar="NAME", default="my-service", show_default=True, help="Name in reports.")
@click.option(
    "--dir",
    "home",
    metavar="DIR",
    help=f"Where the agent will be.  [default: here; {_HOME} for docker and kubernetes]",
)
def env(form: str, service: str, home: str | None) -> None:
    """Show the lines that inject the agent into a program."""
    import json
    import re

    from heapsleuth.capture.inject import REGISTER, agent_folder, node_options

    # It goes into five languages of quoting.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", service):
        raise UsageError(f"--service: expected letters, digits and ._-, got {service!r}")
    elsewhere = form in {"docker", "kubernetes"}
    folder = Path(home) if home else Path(_HOME) if elsewhere else agent_folder()
    options = node_options("", folder / REGISTER)
    click.echo(
        _FORMS[form].format(
            home=folder,
            options=options.replace("'", "'\\''") if form == "shell" else options,
            systemd_options=options.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%"),
            js_options=json.dumps(options),
            service=service,
        )
    )

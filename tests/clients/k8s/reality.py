"""What the services really are: their settings by `--help`, and what the sources say."""

import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).parents[3]


class Setting:
    """One setting of a service, as its `--help` documents it."""

    def __init__(self, name, flag, default, is_secret, is_required):
        self.name, self.flag, self.default = name, flag, default
        self.is_secret, self.is_required = is_secret, is_required


def services():
    """The folders of services."""
    return sorted(it.name for it in (ROOT / "services").iterdir() if it.is_dir())


def binary(service):
    """The program of a service: the one that runs in the mesh of this test, or a built one."""
    pid = pathlib.Path(os.environ.get("DATA_DIR", "/nowhere")) / "run" / f"{service}.pid"
    if pid.is_file():
        program = pathlib.Path(f"/proc/{pid.read_text().strip()}/exe")
        if program.exists():
            return os.path.realpath(program)
    return ROOT / "target" / "debug" / service


def settings(service):
    """The settings of a service, by their variables."""
    # Values of this environment would be shown beside the names.
    text = subprocess.run(
        [binary(service), "--help"], capture_output=True, text=True, check=True, env={}
    ).stdout
    usage = re.search(r"^Usage: (.*)$", text, re.MULTILINE).group(1)
    found = {}
    for flag, rest in re.findall(r"^ +(--[a-z0-9-]+)\b(.*?)(?=^ +-|\Z)", text, re.M | re.S):
        variable = re.search(r"\[env: ([A-Z0-9_]+)(=?)", rest)
        default = re.search(r"\[default: (.*?)\]", rest, re.S)
        if variable:
            found[variable.group(1)] = Setting(
                variable.group(1),
                flag,
                default.group(1).strip('"') if default else None,
                variable.group(2) != "=",
                f" {flag} " in f"{usage} ",
            )
    return found


def health_names():
    """The names that crates/server answers the health of."""
    text = (ROOT / "crates/server/src/serve.rs").read_text()
    return {
        name: re.search(rf'const {name.upper()}: &str = "(.*?)"', text).group(1)
        for name in ("readiness", "liveness")
    }


def depends(service, crate):
    """Whether a service depends on one of our crates."""
    manifest = (ROOT / "services" / service / "Cargo.toml").read_text()
    normal = manifest.split("[dev-dependencies]")[0]
    return re.search(rf"^{crate}[. ]", normal, re.MULTILINE) is not None


def image():
    """The Dockerfile, as far as manifests rely on it."""
    return (ROOT / "Dockerfile").read_text()


def seconds(text):
    """A duration as the services write it, in seconds."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    return sum(float(n) * units[unit] for n, unit in re.findall(r"([0-9.]+)(ms|s|m|h)", text))

"""Renders each overlay, holds it against the schemas and the rules, and shows that each rule can fail."""

import copy
import re
import sys

import breaches
import reality
import render
import rules
import schemas
from world import World

counts = {"passed": 0, "failed": 0}


def check(name, complaints):
    """Counts a check by what there is to complain about."""
    complaints = list(complaints)
    counts["failed" if complaints else "passed"] += 1
    print(f"{'not ok' if complaints else 'ok'} {name}", flush=True)
    for it in complaints:
        print(f"  {it}", flush=True)


def promised():
    """The Secrets that k8s/README.md asks for, with their keys."""
    text = (reality.ROOT / "k8s/README.md").read_text()
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*?) \|$", text, re.MULTILINE)
    return {name: re.findall(r"`([A-Z0-9_]+)`", keys) for name, keys in rows}


def sentence(name):
    """The name of a rule as it is read."""
    return name.replace("_", " ")


def overlay(name, real, secrets):
    """Checks one overlay."""
    objects = render.render(reality.ROOT / "k8s/overlays" / name)
    if render.tool():
        own = render.build(reality.ROOT / "k8s/overlays" / name)
        differences = set(render.comparable(own)) ^ set(render.comparable(objects))
        check(f"{name}: it is rendered alike without kustomize", sorted(differences))
    else:
        print("there is neither kubectl nor kustomize here: k8s/ is rendered as kustomize would")
    world = World(name, objects, real, {} if name == "local" else secrets)
    names = [(it["kind"], it["metadata"]["name"]) for it in objects]
    twice = {it for it in names if 1 < names.count(it)}
    check(f"{name}: {len(objects)} objects are rendered", [f"{it} twice" for it in sorted(twice)])
    check(
        f"{name}: they are what Kubernetes {' and '.join(schemas.VERSIONS)} knows, strictly",
        [complaint for it in objects for complaint in schemas.complaints(it)],
    )
    for rule in rules.RULES:
        check(f"{name}: {sentence(rule.__name__)}", rule(world))
    return world


def breach(world, broken):
    """Checks that what breaks a rule is noticed, by that rule."""
    other = World(world.overlay, copy.deepcopy(world.objects), world.real, world.promised)
    broken.change(other)
    if broken.rule is None:
        found = [complaint for it in other.objects for complaint in schemas.complaints(it)]
    else:
        found = list(broken.rule(other))
    rule = broken.rule.__name__ if broken.rule else "schemas"
    missed = [] if found else [f"`{rule}` does not notice it"]
    check(f"it would be noticed that {sentence(broken.change.__name__)}", missed)


def main():
    """Runs everything."""
    real = {name: reality.settings(name) for name in reality.services()}
    secrets = promised()
    worlds = {name: overlay(name, real, secrets) for name in ("local", "production")}
    for broken in breaches.ALL:
        breach(worlds[broken.overlay], broken)
    without = {it.__name__ for it in rules.RULES} - {
        it.rule.__name__ for it in breaches.ALL if it.rule
    }
    check("every rule is shown to fail", sorted(without))
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())

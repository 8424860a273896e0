"""Renders a folder of k8s/: with kustomize, which kubectl brings along, or as kustomize would.

Not every machine has kubectl. What our folders use of kustomize is little, and is done here where
it is missing; where it is there, both must make the same.
"""

import base64
import copy
import hashlib
import json
import pathlib
import re
import shutil
import subprocess

import yaml

# By what the items of a list are told apart when lists are merged.
KEYS = {
    "containers": "name",
    "volumes": "name",
    "env": "name",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
}
UNKNOWN_TO_NAMESPACES = {"Namespace"}


def tool():
    """How to call kustomize on this machine, or nothing."""
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    if shutil.which("kubectl"):
        known = subprocess.run(["kubectl", "kustomize", "--help"], capture_output=True)
        if known.returncode == 0:
            return ["kubectl", "kustomize"]
    return None


def render(folder):
    """The objects that a folder becomes; warnings are errors."""
    if tool() is None:
        return build(folder)
    done = subprocess.run([*tool(), str(folder)], capture_output=True, text=True)
    if done.returncode != 0 or done.stderr.strip():
        raise ValueError(f"{folder}: {done.stderr.strip()}")
    return [it for it in yaml.load_all(done.stdout, UniqueKeys) if it]


class UniqueKeys(yaml.SafeLoader):
    """Refuses what YAML allows and nobody means: the same key twice."""


def unique(loader, node):
    """Makes a mapping whose keys are all different."""
    keys = [loader.construct_object(key) for key, _ in node.value]
    if len(keys) != len(set(keys)):
        raise yaml.YAMLError(f"a key twice: {keys}")
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, unique)


def build(folder):
    """Does what kustomize does, as far as our folders need it."""
    objects = accumulate(pathlib.Path(folder))
    renamed = {}
    for it in objects:
        if it["kind"] in ("ConfigMap", "Secret") and it.pop("generated", False):
            name = it["metadata"]["name"]
            content = json.dumps(it["data"], sort_keys=True).encode()
            it["metadata"]["name"] = f"{name}-{hashlib.sha256(content).hexdigest()[:10]}"
            renamed[it["kind"], name] = it["metadata"]["name"]
    for it in objects:
        refer(it, renamed)
    return objects


def accumulate(folder):
    """The objects of a folder, with names as they are written."""
    plan = load(folder / "kustomization.yaml")[0]
    known = {
        "apiVersion",
        "kind",
        "namespace",
        "resources",
        "images",
        "replicas",
        "patches",
        "configMapGenerator",
        "secretGenerator",
    }
    if set(plan) - known:
        raise ValueError(f"{folder}: {sorted(set(plan) - known)} is not known here")
    objects = []
    for resource in plan.get("resources", []):
        path = folder / resource
        objects += accumulate(path) if path.is_dir() else load(path)
    for kind in ("ConfigMap", "Secret"):
        for wanted in plan.get(f"{kind[0].lower()}{kind[1:]}Generator", []):
            generate(folder, objects, kind, wanted)
    for change in plan.get("patches", []):
        apply(folder, objects, change)
    for it in objects:
        if "namespace" in plan and it["kind"] not in UNKNOWN_TO_NAMESPACES:
            it["metadata"]["namespace"] = plan["namespace"]
        for image in plan.get("images", []):
            replace_image(it, image)
        for wanted in plan.get("replicas", []):
            if (it["kind"], it["metadata"]["name"]) == ("Deployment", wanted["name"]):
                it["spec"]["replicas"] = wanted["count"]
    return objects


def load(path):
    """The documents of a file."""
    return [it for it in yaml.load_all(path.read_text(), UniqueKeys) if it]


def generate(folder, objects, kind, wanted):
    """Makes a ConfigMap or a Secret, or adds to one."""
    data = dict(it.split("=", 1) for it in wanted.get("literals", []))
    data |= {name: (folder / name).read_text() for name in wanted.get("files", [])}
    if kind == "Secret":
        data = {key: base64.b64encode(it.encode()).decode() for key, it in data.items()}
    if wanted.get("behavior") == "merge":
        [before] = [
            it for it in objects if (it["kind"], it["metadata"]["name"]) == (kind, wanted["name"])
        ]
        before["data"] |= data
        return
    made = {"apiVersion": "v1", "kind": kind, "metadata": {"name": wanted["name"]}}
    made |= {"data": data, "generated": True}
    if kind == "Secret":
        made["type"] = "Opaque"
    objects.append(made)


def apply(folder, objects, change):
    """Patches the objects that a patch is for."""
    text = change.get("patch") or (folder / change["path"]).read_text()
    patch = yaml.load(text, UniqueKeys)
    target = change.get("target") or {"kind": patch["kind"], "name": patch["metadata"]["name"]}
    for it in objects:
        label, _, value = target.get("labelSelector", "").partition("=")
        if (
            it["kind"] != target["kind"]
            or not re.fullmatch(target.get("name", ".*"), it["metadata"]["name"])
            or label
            and it["metadata"].get("labels", {}).get(label) != value
        ):
            continue
        if isinstance(patch, list):
            for step in patch:
                operate(it, step)
        else:
            inner = {
                key: value
                for key, value in patch.items()
                if key not in ("apiVersion", "kind", "metadata")
            }
            merge(it, copy.deepcopy(inner))


def operate(it, step):
    """One step of a JSON patch."""
    *path, last = step["path"].strip("/").split("/")
    for part in path:
        it = it[part]
    if step["op"] == "remove":
        del it[last]
    elif step["op"] == "replace" and last in it:
        it[last] = step["value"]
    else:
        raise ValueError(f"{step} is not known here")


def merge(into, patch):
    """Merges a patch into an object."""
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        elif isinstance(value, list) and key in KEYS and key in into:
            known = {it[KEYS[key]]: it for it in into[key]}
            for item in value:
                if item[KEYS[key]] in known:
                    merge(known[item[KEYS[key]]], item)
                else:
                    into[key].append(item)
        else:
            into[key] = value


def containers(it):
    """The containers of an object, if it has any."""
    return it.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])


def replace_image(it, image):
    """Gives an image its name and version."""
    for container in containers(it):
        if container["image"] == image["name"]:
            container["image"] = f"{image.get('newName', image['name'])}:{image['newTag']}"


def refer(it, renamed):
    """Makes volumes refer to what was given another name."""
    for volume in it.get("spec", {}).get("template", {}).get("spec", {}).get("volumes", []):
        for source in [volume, *volume.get("projected", {}).get("sources", [])]:
            for kind, field, name in [
                ("ConfigMap", "configMap", "name"),
                ("Secret", "secret", "name"),
                ("Secret", "secret", "secretName"),
            ]:
                there = source.get(field, {})
                if name in there:
                    there[name] = renamed.get((kind, there[name]), there[name])


def comparable(objects):
    """Objects without what two renderers may do differently: order, line breaks, hashes in names."""
    hashes = {
        it["metadata"]["name"]: re.sub(r"-[a-z0-9]{10}$", "", it["metadata"]["name"])
        for it in objects
        if it["kind"] in ("ConfigMap", "Secret")
    }

    def plain(value, key=None):
        if isinstance(value, dict):
            return {inner: plain(it, inner) for inner, it in value.items()}
        if isinstance(value, list):
            items = [plain(it) for it in value]
            sort = key in KEYS and all(isinstance(it, dict) for it in items)
            return sorted(items, key=lambda it: json.dumps(it, sort_keys=True)) if sort else items
        return hashes.get(value, value) if isinstance(value, str) else value

    def joined(it):
        data = {key: text.replace("\n", "") for key, text in it.get("data", {}).items()}
        return it | {"data": data} if it["kind"] == "Secret" else it

    return sorted(json.dumps(plain(joined(it)), sort_keys=True) for it in objects)

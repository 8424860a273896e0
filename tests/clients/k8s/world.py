"""The objects of an overlay, and how they hang together."""

import base64
import re


class World:
    """One rendered overlay beside what the services really are."""

    def __init__(self, overlay, objects, real, promised):
        self.overlay, self.objects, self.real = overlay, objects, real
        # The Secrets that somebody else makes, with their keys.
        self.promised = promised

    def all(self, kind):
        """The objects of a kind, by name."""
        return {it["metadata"]["name"]: it for it in self.objects if it["kind"] == kind}

    def one(self, kind, name):
        """An object, or nothing."""
        return self.all(kind).get(name)

    def ours(self):
        """The Deployments of services, without stores and the sandbox."""
        found = self.all("Deployment")
        return {name: it for name, it in found.items() if name in self.real and name != "sandbox"}

    def sources(self, name):
        """What each ConfigMap and Secret says that a service reads: variable to (value, is secret)."""
        for volume in pod(self.one("Deployment", name)).get("volumes", []):
            for source in volume.get("projected", {}).get("sources", []):
                if "configMap" in source:
                    data = (self.one("ConfigMap", source["configMap"]["name"]) or {}).get("data")
                    yield {key: (value, False) for key, value in (data or {}).items()}
                if "secret" in source:
                    yield self.secret(source["secret"]["name"])

    def settings(self, name):
        """What the files that a service reads say: variable to (value, is secret)."""
        found = {}
        for source in self.sources(name):
            for key, (value, is_secret) in source.items():
                # What a ConfigMap says as well is no secret any more.
                found[key] = (
                    value or found.get(key, ("", True))[0],
                    is_secret and found.get(key, ("", True))[1],
                )
        return found

    def secret(self, name):
        """The keys of a Secret; those that somebody else makes have no values."""
        made = self.one("Secret", name)
        if made:
            data = made.get("data") or {}
            return {key: (base64.b64decode(it).decode(), True) for key, it in data.items()}
        return {key: ("", True) for key in self.promised.get(name, [])}

    def value(self, name, variable):
        """What a setting is, given or by default."""
        given = self.settings(name).get(variable)
        known = self.real[name].get(variable)
        return given[0] if given else (known.default if known else None)


def pod(deployment):
    """The pod of a Deployment."""
    return deployment["spec"]["template"]["spec"]


def labels(deployment):
    """The labels of its pods."""
    return deployment["spec"]["template"]["metadata"]["labels"]


def container(deployment):
    """Its one container."""
    return pod(deployment)["containers"][0]


def selects(selector, given):
    """Whether a label selector selects what is labelled so."""
    if any(given.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for rule in selector.get("matchExpressions", []):
        if rule["operator"] != "In":
            raise ValueError(f"what does {rule['operator']} mean?")
        if given.get(rule["key"]) not in rule["values"]:
            return False
    return True


def port_number(deployment, port):
    """The number of a port of a Deployment that may be given by name."""
    for it in container(deployment)["ports"]:
        if port in (it["name"], it["containerPort"]):
            return it["containerPort"]
    return None


def allowed(world, source, target, port):
    """Whether the policies let `source` call `target` at `port`: out of the one and into the other."""
    policies = world.all("NetworkPolicy").values()

    def lets(direction, here, there):
        peer = "to" if direction == "egress" else "from"
        for policy in policies:
            spec = policy["spec"]
            if direction.capitalize() not in spec["policyTypes"]:
                continue
            if not selects(spec["podSelector"], labels(here)):
                continue
            for rule in spec.get(direction) or []:
                ports = [port_number(target, it["port"]) for it in rule.get("ports", [])]
                peers = [
                    it
                    for it in rule.get(peer, [])
                    if "podSelector" in it
                    and "namespaceSelector" not in it
                    and selects(it["podSelector"], labels(there))
                ]
                if port in ports and peers:
                    return True
        return False

    return lets("egress", source, target), lets("ingress", target, source)


def hosts(value):
    """The hosts and ports that a setting's value names."""
    return [
        (host, int(port) if port else {"postgres": 5432, "redis": 6379}.get(scheme, 80))
        for scheme, host, port in re.findall(
            r"(https?|postgres|redis)://(?:[^@/,]*@)?([a-z0-9.-]+)(?::(\d+))?", value
        )
    ]

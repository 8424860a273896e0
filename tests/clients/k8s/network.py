"""Who may talk to whom, and who does: rules like those of rules.py."""

import reality
from world import allowed, container, hosts, labels


def urls_lead_to_services(world):
    """A URL of one of us names its Service and the Service's port."""
    for name in world.ours():
        for variable, (value, _) in world.settings(name).items():
            for host, port in hosts(value) if "," in value or "://" in value else []:
                service = world.one("Service", host)
                if service is None and "." not in host and host != "localhost":
                    yield f"{name}: {variable} leads to {host}"
                if service and port not in [it["port"] for it in service["spec"]["ports"]]:
                    yield f"{name}: {variable} leads to port {port} of {host}"
        for variable in world.real[name]:
            callee = variable.removesuffix("_URL").lower().replace("_", "-")
            is_asked = variable.endswith("_URL") and callee in world.real and callee != name
            given = world.settings(name).get(variable, ("", False))[0]
            if is_asked and [it for it, _ in hosts(given)] != [callee]:
                yield f"{name}: {variable} is {given or 'unset'}"


def calls(world):
    """Who calls whom: from the settings."""
    found = set()
    for name in world.ours():
        for variable, (value, _) in world.settings(name).items():
            # For browsers, or for checking what media signs.
            if variable in ("FILE_ORIGINS", "STORE_URLS", "ALLOWED_ORIGINS"):
                continue
            found |= {(name, it) for it, _ in hosts(value) if world.one("Deployment", it)}
    found = {(source, target) for source, target in found if source != target}
    # Bytes go to the store by URLs that media signs, which no setting names.
    fetching = [
        it for it in world.ours() if reality.depends(it, "fetch") or reality.depends(it, "provider")
    ]
    return found | {(it, "bucket") for it in fetching if world.one("Deployment", "bucket")}


def policies_are_the_call_graph(world):
    """Whoever has an address may call it, out and in; nobody else may."""
    expected = calls(world)
    deployments = world.all("Deployment")
    for source, here in deployments.items():
        for target, there in deployments.items():
            for port in container(there)["ports"]:
                if source == target or port["name"] in ("metrics", "scaler"):
                    continue
                out, into = allowed(world, here, there, port["containerPort"])
                if (source, target) in expected:
                    if not out:
                        yield f"{source} may not call out to {target}"
                    if not into:
                        yield f"{target} may not be called by {source}"
                elif out and into:
                    yield f"{source} may call {target}, and has no reason"
                elif into or out and target != "identity":
                    yield f"half of an edge from {source} to {target}"


def nothing_is_allowed_by_default(world):
    """All is denied to all pods, and names can be looked up."""
    everything = [
        it["spec"] for it in world.all("NetworkPolicy").values() if it["spec"]["podSelector"] == {}
    ]
    denied = [it for it in everything if set(it["policyTypes"]) == {"Ingress", "Egress"}]
    if not any("ingress" not in it and "egress" not in it for it in denied):
        yield "nothing denies"
    looked_up = [
        port.get("port")
        for it in everything
        for rule in it.get("egress", [])
        for port in rule["ports"]
    ]
    if looked_up != [53, 53]:
        yield f"all pods may call {looked_up}"


def what_a_pod_uses_is_what_its_service_uses(world):
    """The labels that open the way to stores and to the internet follow from --help and the crates."""
    for name, deployment in world.ours().items():
        real = world.real[name]
        speaks = reality.depends(name, "provider")
        fetches = reality.depends(name, "fetch") or speaks
        wanted = {
            "uses-postgres": "DATABASE_URL" in real,
            "uses-redis": "REDIS_URL" in real,
            "uses-store": "S3_ENDPOINT_URL" in real or fetches,
            "uses-internet": fetches,
        }
        for label, is_wanted in wanted.items():
            if (labels(deployment).get(label) == "true") != is_wanted:
                yield f"{name}: {label} is {labels(deployment).get(label)}"
        is_provider = labels(deployment)["app.kubernetes.io/component"] == "provider"
        if is_provider != name.startswith("provider-"):
            yield f"{name} is a {labels(deployment)['app.kubernetes.io/component']}"


def the_internet_is_nothing_private(world):
    """Whoever may call out to everywhere may not call what is private."""
    private = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7"}
    for name, policy in world.all("NetworkPolicy").items():
        for rule in policy["spec"].get("egress") or []:
            for peer in rule.get("to", [{"ipBlock": {"cidr": "0.0.0.0/0"}}] if rule else []):
                block = peer.get("ipBlock", {})
                if block.get("cidr") in ("0.0.0.0/0", "::/0"):
                    kind = ":" in block["cidr"]
                    missing = {it for it in private if (":" in it) == kind} - set(
                        block.get("except", [])
                    )
                    if missing:
                        yield f"{name} leads to {sorted(missing)}"

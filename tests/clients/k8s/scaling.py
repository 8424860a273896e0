"""What scales, by whom, and how KEDA is believed: rules like those of rules.py."""

from world import container, hosts, labels, pod, selects


def one_scaler_for_each_target(world):
    """Who is scaled exists, has no number of its own, and has one scaler."""
    scalers = [*world.all("HorizontalPodAutoscaler").values(), *world.all("ScaledObject").values()]
    targets = [it["spec"]["scaleTargetRef"]["name"] for it in scalers]
    for target in targets:
        deployment = world.one("Deployment", target)
        if not deployment:
            yield f"{target} cannot be scaled: there is none"
        elif "replicas" in deployment["spec"]:
            yield f"{target} is scaled and has a number"
        if 1 < targets.count(target):
            yield f"{target} has {targets.count(target)} scalers"


def providers_come_from_nothing(world):
    """Where there is KEDA, each adapter starts at none and is asked for at compute's scaler."""
    scaled = world.all("ScaledObject")
    if world.overlay != "production":
        return
    for name in world.ours():
        if name.startswith("provider-") and name not in scaled:
            yield f"{name} is not scaled"
    providers = dict(it.split("=") for it in world.value("compute", "PROVIDERS").split(","))
    for name, it in scaled.items():
        spec = it["spec"]
        [trigger] = spec["triggers"]
        if spec.get("minReplicaCount") != 0 or trigger["type"] != "external-push":
            yield f"{name} is not woken from nothing"
        provider = trigger["metadata"].get("provider")
        if [host for host, _ in hosts(providers.get(provider, ""))] != [name]:
            yield f"{name} is scaled by the work of {provider}"
        runs = int(trigger["metadata"].get("runsPerReplica", "64"))
        if int(world.value(name, "MAX_RUNS")) < runs:
            yield f"{name} refuses more than {world.value(name, 'MAX_RUNS')} runs"


def keda_finds_and_believes_the_scaler(world):
    """Address, port, policy and certificates fit together from KEDA to compute."""
    for name, it in world.all("ScaledObject").items():
        [trigger] = it["spec"]["triggers"]
        host, port = trigger["metadata"]["scalerAddress"].split(":")
        service, namespace, *rest = host.split(".")
        found = world.one("Service", service)
        if not found or int(port) not in [it["port"] for it in found["spec"]["ports"]]:
            yield f"{name}: nobody is at {host}:{port}"
            continue
        if namespace != found["metadata"]["namespace"] or rest != ["svc", "cluster", "local"]:
            yield f"{name}: {host} is elsewhere"
        if found["spec"]["selector"] != {"app.kubernetes.io/name": "compute"}:
            yield f"{name}: {service} is not compute"
        open_to = [
            peer
            for policy in world.all("NetworkPolicy").values()
            if selects(policy["spec"]["podSelector"], labels(world.one("Deployment", "compute")))
            for rule in policy["spec"].get("ingress") or []
            if "scaler" in [it["port"] for it in rule["ports"]]
            for peer in rule["from"]
        ]
        if (
            len(open_to) != 1
            or "namespaceSelector" not in open_to[0]
            or "podSelector" not in open_to[0]
        ):
            yield f"{name}: the scaler is open to {open_to}"
        yield from certificates(world, name, trigger, host)


def certificates(world, name, trigger, host):
    """What is wrong with the certificates between a trigger and the scaler."""
    made = {it["spec"]["secretName"]: it["spec"] for it in world.all("Certificate").values()}
    volumes = {it["name"]: it for it in pod(world.one("Deployment", "compute"))["volumes"]}
    mounts = container(world.one("Deployment", "compute"))["volumeMounts"]
    own = None
    for variable, key in [
        ("SCALER_TLS_CERT", "tls.crt"),
        ("SCALER_TLS_KEY", "tls.key"),
        ("SCALER_CLIENT_CA", "ca.crt"),
    ]:
        path = world.value("compute", variable) or ""
        folder, _, file = path.rpartition("/")
        mount = next((it for it in mounts if it["mountPath"] == folder), None)
        secret = volumes[mount["name"]].get("secret", {}).get("secretName") if mount else None
        if file != key or secret not in made:
            yield f"compute: {variable} is {path}"
        own = made.get(secret, own)
    if own and host not in own.get("dnsNames", []):
        yield f"{name}: the scaler's certificate is for {own.get('dnsNames')}"
    auth = world.one("TriggerAuthentication", trigger.get("authenticationRef", {}).get("name"))
    if not auth:
        yield f"{name}: KEDA proves nothing"
        return
    given = {it["parameter"]: it for it in auth["spec"]["secretTargetRef"]}
    wanted = {"caCert": "ca.crt", "tlsClientCert": "tls.crt", "tlsClientKey": "tls.key"}
    if {parameter: it["key"] for parameter, it in given.items()} != wanted:
        yield f"{name}: KEDA is given {sorted(given)}"
    for it in given.values():
        theirs = made.get(it["name"])
        if not theirs or "client auth" not in theirs.get("usages", []):
            yield f"{name}: {it['name']} is no certificate of a client"
        elif own and theirs["issuerRef"] != own["issuerRef"]:
            yield f"{name}: two authorities"

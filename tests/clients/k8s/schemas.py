"""Kubernetes' own schemas, strictly; and those of the custom objects that are used, as far as used."""

import kubernetes_validate

# The oldest and the newest minor version that is supported.
VERSIONS = ["1.33", "1.37"]

TEXT, NUMBER, FLAG = str, int, bool

SCALED_OBJECT = {
    "scaleTargetRef!": {
        "name!": TEXT,
        "kind": TEXT,
        "apiVersion": TEXT,
        "envSourceContainerName": TEXT,
    },
    "pollingInterval": NUMBER,
    "initialCooldownPeriod": NUMBER,
    "cooldownPeriod": NUMBER,
    "idleReplicaCount": NUMBER,
    "minReplicaCount": NUMBER,
    "maxReplicaCount": NUMBER,
    "advanced": {
        "horizontalPodAutoscalerConfig": {
            "name": TEXT,
            "behavior": {
                "scaleDown": {"stabilizationWindowSeconds": NUMBER, "selectPolicy": TEXT},
                "scaleUp": {"stabilizationWindowSeconds": NUMBER, "selectPolicy": TEXT},
            },
        },
        "restoreToOriginalReplicaCount": FLAG,
    },
    "fallback": {"failureThreshold!": NUMBER, "replicas!": NUMBER, "behavior": TEXT},
    "triggers!": [
        {
            "type!": TEXT,
            "name": TEXT,
            "useCachedMetrics": FLAG,
            # All values are texts, or KEDA refuses the object.
            "metadata!": {"*": TEXT},
            "authenticationRef": {"name!": TEXT, "kind": TEXT},
            "metricType": TEXT,
        }
    ],
}
TRIGGER_AUTHENTICATION = {
    "secretTargetRef": [{"parameter!": TEXT, "name!": TEXT, "key!": TEXT}],
}
ISSUER = {"selfSigned": {}, "ca": {"secretName!": TEXT}}
CERTIFICATE = {
    "secretName!": TEXT,
    "issuerRef!": {"name!": TEXT, "kind": TEXT, "group": TEXT},
    "commonName": TEXT,
    "dnsNames": [TEXT],
    "duration": TEXT,
    "renewBefore": TEXT,
    "isCA": FLAG,
    "usages": [TEXT],
    "privateKey": {"algorithm": TEXT, "size": NUMBER, "encoding": TEXT, "rotationPolicy": TEXT},
}
CUSTOM = {
    ("keda.sh/v1alpha1", "ScaledObject"): SCALED_OBJECT,
    ("keda.sh/v1alpha1", "TriggerAuthentication"): TRIGGER_AUTHENTICATION,
    ("cert-manager.io/v1", "Issuer"): ISSUER,
    ("cert-manager.io/v1", "Certificate"): CERTIFICATE,
}


def complaints(thing):
    """What is wrong with an object."""
    name = f"{thing['kind']} {thing['metadata']['name']}"
    custom = CUSTOM.get((thing["apiVersion"], thing["kind"]))
    if custom is not None:
        return [f"{name}: {it}" for it in differs("spec", custom, thing["spec"])]
    found = []
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(thing, version, strict=True)
        except kubernetes_validate.SchemaNotFoundError:
            found.append(f"{name}: {thing['apiVersion']} has no such kind in {version}")
        except kubernetes_validate.ValidationError as error:
            found.append(f"{name}: {error.message} in {version}")
    return found


def differs(path, schema, value):
    """What of a value is not as a schema of the kind above says."""
    if isinstance(schema, type):
        fits = isinstance(value, schema) and not (schema is int and isinstance(value, bool))
        return [] if fits else [f"{path} is no {schema.__name__}"]
    if isinstance(schema, list):
        if not isinstance(value, list):
            return [f"{path} is no list"]
        return [
            it for i, item in enumerate(value) for it in differs(f"{path}[{i}]", schema[0], item)
        ]
    if not isinstance(value, dict):
        return [f"{path} is no object"]
    known = {key.rstrip("!"): it for key, it in schema.items()}
    needed = [key[:-1] for key in schema if key.endswith("!")]
    found = [f"{path}.{key} is missing" for key in needed if key not in value]
    for key, item in value.items():
        inner = known.get(key, known.get("*"))
        if inner is None:
            found.append(f"{path}.{key} is unknown")
        else:
            found += differs(f"{path}.{key}", inner, item)
    return found

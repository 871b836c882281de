"""The program that only registers a stack's resources, with the inputs that are in its state.

It has no settings, no annotations and no questions to AWS: the least that a Python program with
these resources does. `make bench` runs a copy of this file beside `resources.json`.
"""

import gc
import json
from pathlib import Path

gc.disable()

import pulumi  # noqa: E402 - as in the program, after the collector is disabled

made = dict[str, pulumi.Resource]()
providers = dict[str, pulumi.ProviderResource]()
for entry in json.loads(Path("resources.json").read_text(encoding="utf-8")):
    kind, name, inputs = entry["type"], entry["urn"].rpartition("::")[2], entry.get("inputs", {})
    inputs = {key: value for key, value in inputs.items() if key != "__defaults"}
    opts = pulumi.ResourceOptions(
        parent=made.get(entry.get("parent")),
        provider=providers.get(entry.get("provider", "").rpartition("::")[0]),
        version=entry["version"],
    )
    if kind.startswith("pulumi:providers:"):
        package = kind.rpartition(":")[2]
        resource = pulumi.ProviderResource(package, name, inputs, opts)
        providers[entry["urn"]] = resource
    elif kind == "pulumi:index:Stash":
        resource = pulumi.Stash(name, input=inputs["input"])
    elif entry["custom"]:
        resource = pulumi.CustomResource(kind, name, inputs, opts)
    else:
        resource = pulumi.ComponentResource(kind, name, {}, opts)
    made[entry["urn"]] = resource

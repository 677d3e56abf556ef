"""The scene language as JSON Schema, for editors and other programs."""

from __future__ import annotations

from typing import Any

from scenegrad.scenes.kinds import Kind
from scenegrad.scenes.scene import Scene

__all__ = ["scene_schema"]


def scene_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a scene file, with every kind that is registered now."""
    definitions: dict[str, Any] = {}

    def settle(schema: Any) -> Any:
        """Moves nested definitions to the root and turns families into references."""
        if isinstance(schema, list):
            return [settle(entry) for entry in schema]
        if not isinstance(schema, dict):
            return schema
        for name, nested in schema.get("$defs", {}).items():
            if name not in definitions:
                definitions[name] = {}
                definitions[name] = settle(nested)
        if isinstance(schema.get("family"), str):
            return {"$ref": f"#/$defs/{schema['family']}"} | {k: v for k, v in schema.items() if k != "family"}
        return {key: settle(value) for key, value in schema.items() if key != "$defs"}

    root = settle(Scene.model_json_schema())
    for family in Kind.__subclasses__():
        for member in family.members.values():
            definitions[member.__name__] = settle(member.model_json_schema())
        definitions[family.__name__] = {"anyOf": [{"$ref": f"#/$defs/{m.__name__}"} for m in family.members.values()]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "$defs": definitions}

"""Holds answers of the admin API against docs/openapi.json.

Knows the part of JSON Schema that the document uses: type, enum, required,
properties, items, additionalProperties, anyOf, pattern, minimum, maximum and
$ref. A field that the document does not name is an error too, so that answers
and document cannot drift apart in either direction.

    shapes = Shapes("docs/openapi.json")
    problems = shapes.check("Job", job)             # a named shape
    problems = shapes.check_answer("GET", "/v1/jobs", answer)
"""
import json
import re
import sys

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


class Shapes:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.document = json.load(file)

    def check(self, name, value):
        """Problems of `value` as the shape `name`; an empty list is good."""
        problems = []
        self._check({"$ref": "#/components/schemas/" + name}, value, name, problems)
        return problems

    def check_answer(self, method, path, value):
        operation = self.document["paths"][path][method.lower()]
        content = operation["responses"]["200"]["content"]["application/json"]
        problems = []
        self._check(content["schema"], value, path, problems)
        return problems

    def _resolve(self, schema):
        while "$ref" in schema:
            node = self.document
            for part in schema["$ref"].lstrip("#/").split("/"):
                node = node[part]
            schema = node
        return schema

    @staticmethod
    def _has_type(value, name):
        if name == "integer" and isinstance(value, bool):
            return False
        return isinstance(value, TYPES[name])

    def _check(self, schema, value, where, problems):
        schema = self._resolve(schema)
        if "anyOf" in schema:
            tries = []
            for one in schema["anyOf"]:
                tries.append([])
                self._check(one, value, where, tries[-1])
            if all(tries):
                problems.extend(min(tries, key=len))
            return
        types = schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        if types and not any(self._has_type(value, name) for name in types):
            problems.append(f"{where}: {value!r} is not {' or '.join(types)}")
            return
        if "enum" in schema and value is not None and value not in schema["enum"]:
            problems.append(f"{where}: {value!r} is none of {schema['enum']}")
        if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
            problems.append(f"{where}: {value!r} does not match {schema['pattern']}")
        if isinstance(value, int) and not isinstance(value, bool):
            if value < schema.get("minimum", value) or value > schema.get("maximum", value):
                problems.append(f"{where}: {value} is out of range")
        if isinstance(value, list) and "items" in schema:
            for i, item in enumerate(value):
                self._check(schema["items"], item, f"{where}[{i}]", problems)
        if isinstance(value, dict):
            self._check_object(schema, value, where, problems)

    def _check_object(self, schema, value, where, problems):
        known = schema.get("properties", {})
        other = schema.get("additionalProperties")
        for name in schema.get("required", []):
            if name not in value:
                problems.append(f"{where}: lacks {name}")
        for name, item in value.items():
            if name in known:
                self._check(known[name], item, f"{where}.{name}", problems)
            elif isinstance(other, dict):
                self._check(other, item, f"{where}.{name}", problems)
            elif known:
                problems.append(f"{where}: {name} is not documented")


def main():
    """openapi_shapes.py OPENAPI SHAPE FILE [KEY...]: checks items of a file."""
    shapes = Shapes(sys.argv[1])
    with open(sys.argv[3], encoding="utf-8") as file:
        value = json.load(file)
    for key in sys.argv[4:]:
        value = value[key]
    problems = []
    for item in value if isinstance(value, list) else [value]:
        problems += shapes.check(sys.argv[2], item)
    print("\n".join(problems) or "good")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

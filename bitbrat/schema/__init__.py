"""The contract as data: JSON Schemas, an AsyncAPI document and golden examples, all made from the code."""

from bitbrat.schema.asyncapi import asyncapi
from bitbrat.schema.examples import examples
from bitbrat.schema.files import documents, export
from bitbrat.schema.models import envelope_schema, payload_schemas

__all__ = ["asyncapi", "documents", "envelope_schema", "examples", "export", "payload_schemas"]

"""Compares what Confluent's client for Python reads from Kafka, with the schemas of a registry, with the JSON lines of the same log, column by column.

    registry.py BROKERS REGISTRY TOPIC LINES.jsonl

The topics are TOPIC-avro, TOPIC-protobuf and TOPIC-jsonl. LINES.jsonl is written with --bytes base64. protoc's change_pb2 is on the path.
"""

import sys

import change_pb2
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

import readers

PATIENCE = 30  # seconds for a record


def avro_row(event):
    return event


def elements(items):
    return [{"field": f, "value": v, "score": s} for f, v, s in items]


def json_row(event):
    row = readers.event_row(event)
    row["elements"] = elements(row["elements"])
    return row


def protobuf_row(event):
    """fields that say whether they are there, and others of which the default is absent."""
    row = {"db": event.db, "segment": event.segment, "offset": event.offset, "end": event.end or None, "epoch": event.epoch or None}
    for name in ["slot", "logic_id", "term", "server_id", "ts", "expire_at_ms", "entry_id", "delta", "key", "value"]:
        row[name] = getattr(event, name) if event.HasField(name) else None
    for name in ["cmd", "scope", "from", "to", "reason"]:
        row[name] = getattr(event, name) or None
    if event.parts:
        row["part"], row["parts"] = event.part, event.parts
    for name, enum in [("op", change_pb2.Op), ("type", change_pb2.Type), ("expire_precision", change_pb2.ExpirePrecision), ("effect", change_pb2.Effect)]:
        word = enum.Name(getattr(event, name)).removeprefix(name.upper() + "_").lower()
        row[name] = None if word == "unspecified" else word
    if row["op"] in ("gap", "corrupt", "rewritten"):
        row["effect"] = None
    present = lambda e, name: getattr(e, name) if e.HasField(name) else None
    row["elements"] = elements((present(e, "field"), present(e, "value"), present(e, "score")) for e in event.elements)
    row["args"] = list(event.args)
    return row


def consume(brokers, topic, deserialize):
    """all events of the one partition of a topic."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": topic, "enable.auto.commit": False})
    try:
        low, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=PATIENCE)
        consumer.assign([TopicPartition(topic, 0, low)])
        rows, context = [], SerializationContext(topic, MessageField.VALUE)
        while low < end:
            message = consumer.poll(PATIENCE)
            if message is None:
                raise TimeoutError(f"{topic}: nothing comes after offset {low} of {end}")
            if message.error():
                raise RuntimeError(message.error())
            rows.append(deserialize(message.value(), context))
            low = message.offset() + 1
        return rows
    finally:
        consumer.close()


def protobuf_deserializer(client):
    """reads the place of the message in its schema, and the message. The schema itself the client asks for as a serialized descriptor, which not every
    registry has, so it is compared here."""
    inner = ProtobufDeserializer(change_pb2.Change, {"use.deprecated.format": False})
    with open("proto/change.proto", encoding="utf-8") as file:
        source = file.read()

    def deserialize(value, context):
        schema = client.get_schema(int.from_bytes(value[1:5], "big"))
        if (schema.schema_type, schema.schema_str) != ("PROTOBUF", source):
            raise ValueError(f"{context.topic}: id {value[1:5].hex()} is of another schema: {schema.schema_str[:200]}")
        return inner(value, context)

    return deserialize


def main(brokers, registry, topic, path):
    client = SchemaRegistryClient({"url": registry})
    want, failed = readers.lines(path), False
    for format, deserializer, row in [
        ("avro", AvroDeserializer(client), avro_row),
        ("protobuf", protobuf_deserializer(client), protobuf_row),
        ("jsonl", JSONDeserializer(None, schema_registry_client=client), json_row),
    ]:
        rows = [row(event) for event in consume(brokers, f"{topic}-{format}", deserializer)]
        trouble = readers.compare(format, rows, want)
        print(trouble or f"{format}: {len(rows)} events are equal")
        failed = failed or trouble is not None
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Reads events in the envelope of CloudEvents by their SDK, and wants in each what the plain event says, and an id of its own.

    consumer.py ENVELOPED PLAIN, two files with a line for each event.
"""
import json
import sys

from cloudevents.core.bindings import kafka

content_type = b"application/cloudevents+json; charset=UTF-8"
ids = set()
with open(sys.argv[1], "rb") as enveloped, open(sys.argv[2], "rb") as plain:
    for line, want in zip(enveloped, plain, strict=True):
        event = kafka.from_kafka_event(kafka.KafkaMessage({"content-type": content_type}, None, line))
        data = json.loads(want)
        assert event.get_specversion() == "1.0" and event.get_data() == data, line
        assert event.get_type() == "pikabin.v1." + data["op"], line
        time = event.get_time()
        assert (time and int(time.timestamp())) == data.get("ts"), line
        ids.add((event.get_source(), event.get_id()))
    assert len(ids) == sum(1 for _ in open(sys.argv[1], "rb")), "events share an id"
print(f"{len(ids)} CloudEvents, each with the data of its event and an id of its own")

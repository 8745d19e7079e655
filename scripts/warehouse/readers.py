"""Compares what readers make of files in folders of partitions with the JSON lines of the same log, column by column.

    readers.py DIR PLACE PROGRAM...

DIR holds lines.jsonl (with --bytes base64), and FORMAT-ENGINE.sql, what pikabin schema prints for a table x.changes of jsonl/ and csv/ in PLACE. PLACE, a
folder or s3://BUCKET/PREFIX, holds parquet/ (with --timestamps), avro-CODEC/, jsonl/ (with zstd) and csv/, all with --partition hive. The programs are
duckdb, pyarrow, pandas, polars, chdb, fastavro and avro-tools, for which AVRO_TOOLS names the jar.
"""

import base64
import io
import json
import os
import subprocess
import sys
from datetime import datetime, timezone

NUMBERS = ["slot", "segment", "offset", "end", "part", "parts", "logic_id", "term", "server_id", "ts", "epoch", "expire_at_ms"]
TEXTS = ["op", "type", "cmd", "entry_id", "delta", "expire_precision", "effect", "scope", "from", "to", "reason"]
BYTES = ["key", "value"]


def as_bytes(value):
    """bytes of what readers give for a binary: bytes, bytearray, or text of which each character is a byte."""
    if value is None:
        return None
    return value.encode("utf-8") if isinstance(value, str) else bytes(value)


def event_row(event):
    """a JSON event as the columns have it."""
    data = lambda holder, name: base64.b64decode(holder[name + "_b64"]) if name + "_b64" in holder else (holder[name].encode() if name in holder else None)
    row = {name: event.get(name) for name in NUMBERS + TEXTS}
    row.update({name: data(event, name) for name in BYTES})
    row["db"] = event["db"]
    row["elements"] = [(data(e, "field"), data(e, "value"), e.get("score")) for e in event.get("elements", [])]
    args = event.get("args", [])
    if "args_b64" in event:
        args = [base64.b64decode(a) for a in event["args_b64"]]
    row["args"] = [as_bytes(a) for a in args]
    if row["effect"] is None and row["op"] not in ("gap", "corrupt", "rewritten"):
        row["effect"] = "exact"
    return row


def lines(path):
    """rows of JSON lines as the columns have them."""
    with open(path, encoding="utf-8") as file:
        return [event_row(json.loads(line)) for line in file]


def text(value):
    return value.decode() if isinstance(value, (bytes, bytearray)) else value


def normal(row):
    """a reader's row in the same form."""
    out = {name: None if row.get(name) is None or row[name] != row[name] else int(row[name]) for name in NUMBERS}
    for name in TEXTS:
        value = row.get(name)
        if value is not None and value == value:
            out[name] = str(text(value))
        else:
            out[name] = None
    for name in BYTES:
        value = row.get(name)
        out[name] = None if value is None or value != value else as_bytes(value)
    elements = row.get("elements")
    out["elements"] = [(as_bytes(e["field"]), as_bytes(e["value"]), text(e["score"])) for e in (elements if elements is not None else [])]
    args = row.get("args")
    out["args"] = [as_bytes(a) for a in (args if args is not None else [])]
    out["db"] = str(text(row["db"]))
    return out


def order(row):
    return row["db"], row["slot"] or 0, row["segment"], row["offset"], row["part"] or 0, row["op"]


def compare(name, rows, want):
    rows = sorted((normal(r) for r in rows), key=order)
    want = sorted(want, key=order)
    if len(rows) != len(want):
        return f"{name}: {len(rows)} rows, {len(want)} are in the log"
    for got, expected in zip(rows, want):
        for column, value in expected.items():
            # what has no elements is null or empty: readers differ
            if got[column] != value:
                return f"{name}: at {order(expected)} {column} is {got[column]!r}, and should be {value!r}"
    return None


def times(rows, name):
    """the column time is ts."""
    for row in rows:
        time = row.get("time")
        if time is None or time != time:
            if row.get("ts") is not None and row["ts"] == row["ts"]:
                return f"{name}: a row without a time: {row}"
            continue
        if isinstance(time, (int, float)):
            seconds = int(time) // 1_000_000
        else:
            seconds = int((time if time.tzinfo else time.replace(tzinfo=timezone.utc)).timestamp())
        if seconds != int(row["ts"]):
            return f"{name}: time {time} is not ts {row['ts']}"
    return None


def duckdb_rows(place, name):
    connection = place.duckdb()
    connection.execute("SET TimeZone='UTC'")
    query = f"SELECT * FROM read_parquet('{place.url(name)}/**/*.parquet', hive_partitioning=true, hive_types={{'db': VARCHAR, 'dt': VARCHAR, 'hr': VARCHAR}})"
    result = connection.sql(query)
    names = result.columns
    return [dict(zip(names, row)) for row in result.fetchall()]


def pyarrow_rows(place, name):
    import pyarrow.parquet

    return pyarrow.parquet.read_table(place.path(name), filesystem=place.filesystem).to_pylist()


def dataset_rows(place, name):
    import pyarrow.dataset

    return pyarrow.dataset.dataset(place.path(name), filesystem=place.filesystem, format="parquet", partitioning="hive").to_table().to_pylist()


def pandas_rows(place, name):
    import pandas

    # without the types of pyarrow a column of numbers with nulls is one of floats, which round
    frame = pandas.read_parquet(place.url(name), storage_options=place.options, dtype_backend="pyarrow").astype(object)
    return frame.where(frame.notna(), None).to_dict("records")


def polars_rows(place, name):
    import polars

    files = place.url(name) + "/**/*.parquet"
    return polars.read_parquet(files, storage_options=place.polars_options, hive_partitioning=True, missing_columns="insert").to_dicts()


def chdb_rows(place, name):
    from chdb import session

    s = session.Session()
    out = s.query(
        f"SELECT *, db FROM {place.clickhouse(name + '/*/*/*/*.parquet')} "
        "SETTINGS use_hive_partitioning=1, output_format_arrow_string_as_string=0 FORMAT Arrow"
    )
    import pyarrow

    rows = pyarrow.ipc.open_file(pyarrow.py_buffer(out.bytes())).read_all().to_pylist()
    s.close()
    return rows


def text_row(row):
    """a row of a table of JSON lines or CSV, where bytes are two columns, as the others have it."""
    event = {name: value for name, value in row.items() if value is not None and value != []}
    for name in ("elements", "args", "args_b64"):
        if isinstance(event.get(name), str):  # in CSV
            event[name] = json.loads(event[name])
    event["elements"] = [{name: value for name, value in e.items() if value is not None} for e in event.get("elements", [])]
    out = event_row(event)
    out["elements"] = [dict(zip(("field", "value", "score"), e)) for e in out["elements"]]
    return out


def statement(folder, name, engine):
    with open(f"{folder}/{name}-{engine}.sql", encoding="utf-8") as file:
        return file.read()


def duckdb_table(place, sql):
    connection = place.duckdb()
    connection.execute("CREATE SCHEMA x")
    connection.execute(sql)
    result = connection.execute("SELECT * FROM x.changes")
    names = [column[0] for column in result.description]
    return [text_row(dict(zip(names, row))) for row in result.fetchall()]


def chdb_table(sql):
    from chdb import session

    s = session.Session()
    s.query("CREATE DATABASE x")
    s.query(sql)
    out = s.query("SELECT * FROM x.changes SETTINGS output_format_json_quote_64bit_integers=0", "JSONEachRow").bytes().decode("utf-8")
    s.close()
    return [text_row(json.loads(line)) for line in out.split("\n") if line]


def fastavro_rows(place, name):
    import fastavro

    return [row for data in place.files(name) for row in fastavro.reader(io.BytesIO(data))]


def avro_tools_rows(place, name, jar):
    """avro-tools prints bytes as text of which each character is a byte, and names the branch of a union."""

    def plain(value):
        if isinstance(value, dict) and len(value) == 1:
            kind, inner = next(iter(value.items()))
            if kind == "bytes":
                return inner.encode("latin-1")
            if kind in ("string", "long", "int", "array"):
                return plain(inner)
        if isinstance(value, list):
            return [plain(v) for v in value]
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        return value

    rows = []
    for data in place.files(name):
        out = subprocess.run(["java", "-jar", jar, "tojson", "-"], input=data, capture_output=True, check=True)
        for line in out.stdout.decode("utf-8").split("\n"):
            if line:
                row = {k: plain(v) for k, v in json.loads(line).items()}
                row["args"] = [a.encode("latin-1") if isinstance(a, str) else a for a in row.get("args") or []]
                rows.append(row)
    return rows


def readings(place, folder, jar):
    """(program, what it reads, how) of each."""
    for program, read in ("duckdb", duckdb_rows), ("pyarrow", pyarrow_rows), ("pyarrow", dataset_rows), ("pandas", pandas_rows), ("polars", polars_rows), ("chdb", chdb_rows):
        yield program, "parquet", lambda read=read: read(place, "parquet")
    for codec in "none", "deflate", "snappy":
        yield "fastavro", "avro-" + codec, lambda codec=codec: fastavro_rows(place, "avro-" + codec)
    for name in "jsonl", "csv":
        yield "duckdb", name, lambda name=name: duckdb_table(place, statement(folder, name, "duckdb"))
        yield "chdb", name, lambda name=name: chdb_table(statement(folder, name, "clickhouse"))
    yield "avro-tools", "avro-deflate", lambda: avro_tools_rows(place, "avro-deflate", jar)


def judge(name, what, read, want):
    """None, or what is wrong with what a reader makes of the files."""
    try:
        rows = read()
        return compare(name, rows, want) or (times(rows, name) if what == "parquet" else None)
    except Exception as error:  # a reader that refuses the files is what this looks for
        return f"{name}: {type(error).__name__}: {error}"


def main():
    import places  # it needs pyarrow, which who imports this module may not have

    folder, where, *programs = sys.argv[1:]
    want = lines(folder + "/lines.jsonl")
    failed = False
    for program, what, read in readings(places.place(where), folder, os.environ.get("AVRO_TOOLS")):
        if program in programs:
            name = f"{program}, {what}"
            wrong = judge(name, what, read, want)
            print(f"{name}: {len(want)} rows, all columns equal" if wrong is None else wrong, flush=True)
            failed = failed or wrong is not None
    sys.exit(failed)


if __name__ == "__main__":
    main()

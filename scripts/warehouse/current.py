"""Compares the view of the current state with what the keys of a simulated Pika held, see keys/main.go.

    current.py duckdb|clickhouse DIR
    current.py duckdb DIR TTL.json   with what a real server answered to TTL

Every row that is certain has to be as the server had it. DIR holds keys.jsonl, and the statements ENGINE.sql and ENGINE-current.sql. Prints how many rows were
certain, and how many keys the view does not have.
"""

import base64
import json
import sys


def held(path):
    """the time, and {(type, key, field): (value, score, deadline)} of the server."""
    rows = {}
    with open(path, encoding="utf-8") as file:
        now = json.loads(next(file))["now_ms"]
        for line in file:
            k = json.loads(line)
            data = lambda text: base64.b64decode(text or "")
            key, kind, expires = data(k["key"]), k["type"], k.get("expires", 0)
            elements, values = [data(e) for e in k.get("elements", [])], [data(v) for v in k.get("values", [])]
            if kind == "string":
                rows[kind, key, None] = data(k.get("text")), None, expires
            elif kind == "hash":
                rows.update({(kind, key, e): (v, None, expires) for e, v in zip(elements, values)})
            elif kind == "set":
                rows.update({(kind, key, e): (None, None, expires) for e in elements})
            elif kind == "zset":
                rows.update({(kind, key, e): (None, float(v), expires) for e, v in zip(elements, values)})
            else:
                rows[kind, key, None] = None, None, expires
    return now, rows


def compare(want, rows):
    """rows are (type, key, field, value, score, expire_at_ms, certain). Returns what is wrong, and the counts."""
    wrong, counts, seen, doubted = [], {"certain": 0, "uncertain": 0, "uncertain and right": 0, "missing": 0}, set(), set()
    for kind, key, field, value, score, expires, certain in rows:
        place = kind, key, field
        seen.add(place)
        expected = want.get(place)
        got = value, None if score is None else float(score), expires or 0
        counts["certain" if certain else "uncertain"] += 1
        if not certain:
            doubted.add((kind, key))
            counts["uncertain and right"] += got == expected
        elif got != expected:
            wrong.append(f"{place} is {got}, and the server had {expected}")
    missing = [p for p in want if p not in seen and p[:2] not in doubted]
    counts["missing"] = len(missing)
    return wrong, counts, missing


COLUMNS = "type, key, field, value, score, expire_at_ms, certain"


def duckdb_rows(folder, now):
    import duckdb

    connection = duckdb.connect()
    connection.execute(open(folder + "/duckdb.sql").read())
    connection.execute(open(folder + "/duckdb-current.sql").read().replace("epoch_ms(now())", str(now)))
    return connection.sql(f"SELECT {COLUMNS} FROM changes_current").fetchall()


def clickhouse_rows(folder, now):
    import pyarrow
    from chdb import session

    s = session.Session()
    s.query("CREATE DATABASE d")
    s.query("USE d")
    s.query(open(folder + "/clickhouse.sql").read())
    s.query(open(folder + "/clickhouse-current.sql").read().replace("toUnixTimestamp(now()) * 1000", str(now)))
    out = s.query(f"SELECT {COLUMNS} FROM changes_current SETTINGS output_format_arrow_string_as_string=0 FORMAT Arrow")
    rows = pyarrow.ipc.open_file(pyarrow.py_buffer(out.bytes())).read_all().to_pylist()
    s.close()
    text = lambda value: value.decode() if isinstance(value, bytes) else value
    return [(text(r["type"]), r["key"], r["field"], r["value"], text(r["score"]), r["expire_at_ms"], bool(r["certain"])) for r in rows]


def deadlines(answers, rows):
    """compares the deadlines of certain rows with those that the log of a real server implies, and the server agreed with."""
    want = {}
    for answer in json.load(open(answers, encoding="utf-8")):
        if answer["agrees"]:
            want[answer["db"], answer["key"].encode()] = answer["exists_by_log"], answer["deadline_by_log_ms"] or 0, answer["read_at_ms"]
    got = {(db, key): expires or 0 for db, key, expires, certain in rows if certain and (db, key) in want}
    wrong = []
    for place, expires in got.items():
        exists, deadline, read = want[place]
        if expires != deadline if exists else not 0 < expires <= read:
            wrong.append(f"{place} has the deadline {expires}, and the server had {deadline if exists else 'no such key'}")
    print(f"deadlines of {len(got)} certain keys of {len(want)}")
    return wrong


def main():
    engine, folder, *answers = sys.argv[1:]
    if answers:
        import duckdb

        connection = duckdb.connect()
        connection.execute(open(folder + "/duckdb.sql").read())
        connection.execute(open(folder + "/duckdb-current.sql").read().replace("epoch_ms(now())", "0"))
        wrong, missing = deadlines(answers[0], connection.sql("SELECT db, key, expire_at_ms, certain FROM changes_current").fetchall()), []
    else:
        now, want = held(folder + "/keys.jsonl")
        wrong, counts, missing = compare(want, {"duckdb": duckdb_rows, "clickhouse": clickhouse_rows}[engine](folder, now))
        print(f"{engine}:", ", ".join(f"{name} {n}" for name, n in counts.items()), f"of {len(want)}")
    for line in wrong[:20]:
        print("wrong:", line)
    for place in missing[:10]:
        print("missing:", place)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

"""Compares what Hive, Spark and Trino make of folders with the JSON lines of the same log, and their view of the current state with DuckDB's.

    hive.py hive|spark|trino PORT DIR...
    hive.py ping hive|trino PORT

Each DIR is as scripts/hive.sh writes it.
"""

import os
import sys
import time

import current
import readers


class HiveQL:
    """how Hive and Spark say it."""

    mark, hex, now = "`", "hex", "unix_timestamp() * 1000"

    def unfold(self, column, fields):
        """a row for each item of a list, which has fields, or is called a."""
        return f"LATERAL VIEW posexplode(`{column}`) x AS i, {'e' if fields else 'a'}"


class Hive(HiveQL):
    """HiveServer2."""

    def __init__(self, port):
        from pyhive import hive

        self.cursor = hive.connect("127.0.0.1", int(port), auth="NOSASL").cursor()

    def run(self, sql):
        self.cursor.execute(sql)

    def rows(self, sql):
        self.run(sql)
        return self.cursor.fetchall()


class Spark(HiveQL):
    """Spark in this process, with a metastore. With convertMetastore false it reads as Hive 2 does."""

    def __init__(self, folder):
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master("local[2]").enableHiveSupport()
        for key, value in {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.warehouse.dir": folder + "/wh",
            "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder}/metastore;create=true",
            "spark.sql.session.timeZone": "UTC",
            "spark.driver.extraJavaOptions": "-Dderby.stream.error.file=/dev/null",
        }.items():
            builder = builder.config(key, value)
        self.session = builder.getOrCreate()
        self.session.sparkContext.setLogLevel("ERROR")

    def run(self, sql):
        return self.session.sql(sql)

    def rows(self, sql):
        return [tuple(row) for row in self.run(sql).collect()]


class Trino:
    """Trino, with its connector of Hive and a metastore of files."""

    mark, hex, now = '"', "to_hex", "CAST(to_unixtime(now()) * 1000 AS BIGINT)"

    def __init__(self, port):
        import trino

        self.cursor = trino.dbapi.connect("127.0.0.1", int(port), user="test", catalog="hive", schema="default").cursor()
        self.run("CREATE SCHEMA IF NOT EXISTS hive.default")

    def run(self, sql):
        self.rows(sql)

    def rows(self, sql):
        return [tuple(row) for row in self.cursor.execute(sql).fetchall()]

    def unfold(self, column, fields):
        names = ", ".join(f'"{field}"' for field in fields or ["a"])
        return f'CROSS JOIN UNNEST("{column}") WITH ORDINALITY AS e ({names}, i)'


def statements(path):
    with open(path, encoding="utf-8") as file:
        text = "\n".join(line for line in file.read().split("\n") if not line.startswith("--"))
    return [s.strip() for s in text.split(";\n") if s.strip()]


PLACE = ["db", "slot", "segment", "offset", "part", "op"]


def quoted(engine, names):
    return ", ".join(f"{engine.mark}{name}{engine.mark}" for name in names)


def hexed(engine, names):
    return ", ".join(f"{engine.hex}({name})" for name in names)


def unhex(text):
    return None if text is None else bytes.fromhex(text)


def items(engine, name, column, what, fields=()):
    """the place of each event, and what is said of each item of a list, in order."""
    rows = engine.rows(f"SELECT {quoted(engine, PLACE)}, i, {what} FROM {name} {engine.unfold(column, fields)}")
    for row in sorted(rows, key=lambda row: row[len(PLACE)]):
        yield row[: len(PLACE)], row[len(PLACE) + 1 :]


def table_rows(engine, name):
    """the rows of a table, with bytes that went through hex()."""
    scalars = [n for n in readers.NUMBERS + readers.TEXTS if n not in PLACE]
    rows, mark = {}, engine.mark
    both = hexed(engine, [f"{mark}key{mark}", f"{mark}value{mark}"])
    for row in engine.rows(f"SELECT {quoted(engine, PLACE)}, {quoted(engine, scalars)}, {both} FROM {name}"):
        place, rest, (key, value) = row[: len(PLACE)], row[len(PLACE) : -2], row[-2:]
        rows[place] = dict(zip(PLACE, place)) | dict(zip(scalars, rest)) | {"key": unhex(key), "value": unhex(value), "elements": [], "args": []}
    fields = hexed(engine, [f"e.{mark}field{mark}", f"e.{mark}value{mark}"]) + f", e.{mark}score{mark}"
    for place, (field, value, score) in items(engine, name, "elements", fields, ["field", "value", "score"]):
        rows[place]["elements"].append({"field": unhex(field), "value": unhex(value), "score": score})
    for place, (arg,) in items(engine, name, "args", hexed(engine, ["a"])):
        rows[place]["args"].append(unhex(arg))
    return list(rows.values())


def text_table_rows(engine, name):
    """the rows of a table of JSON lines, where bytes are two columns."""
    columns = readers.NUMBERS + readers.TEXTS + ["db", "key", "key_b64", "value", "value_b64"]
    rows = {}
    for row in engine.rows(f"SELECT {quoted(engine, columns)} FROM {name}"):
        event = dict(zip(columns, row)) | {"elements": [], "args": [], "args_b64": []}
        rows[tuple(event[n] for n in PLACE)] = event
    fields = ["field", "field_b64", "value", "value_b64", "score"]
    what = ", ".join(f"e.{quoted(engine, [field])}" for field in fields)
    for place, item in items(engine, name, "elements", what, fields):
        rows[place]["elements"].append(dict(zip(fields, item)))
    for column in ("args", "args_b64"):
        for place, (arg,) in items(engine, name, column, "a"):
            rows[place][column].append(arg)
    return [readers.text_row(row) for row in rows.values()]


def current_columns(mark, hex):
    """what is compared of the view of the current state."""
    key, field, value = (f"{hex}({mark}{name}{mark})" for name in ("key", "field", "value"))
    rest = (f"{mark}{name}{mark}" for name in ("score", "expire_at_ms", "ts", "certain"))
    return f"{mark}db{mark}, {mark}slot{mark}, {key}, {mark}type{mark}, {field}, {value}, {', '.join(rest)}"


def sortable(rows):
    return sorted((tuple(row) for row in rows), key=repr)


def duckdb_current(folder, now):
    """what DuckDB's view gives, and what it should give if the folder says what the server held."""
    import duckdb

    connection = duckdb.connect()
    for sql in statements(folder + "/duckdb.sql") + statements(folder + "/duckdb-current.sql"):
        connection.execute(sql.replace("epoch_ms(now())", str(now)))
    return connection.sql(f"SELECT {current_columns(chr(34), 'hex')} FROM changes_current").fetchall()


def view(engine, folder, format, now):
    for sql in statements(f"{folder}/{format}-current.sql"):
        engine.run(sql.replace(engine.now, str(now)))
    got = sortable(engine.rows(f"SELECT {current_columns(engine.mark, engine.hex)} FROM {os.path.basename(folder)}_{format}_current"))
    want = sortable(duckdb_current(folder, now))
    if got != want:
        different = [row for row in got if row not in want][:3] + [row for row in want if row not in got][:3]
        return f"{len(got)} rows, DuckDB has {len(want)}: {different}"
    if not os.path.exists(folder + "/keys.jsonl"):
        return None
    _, held = current.held(folder + "/keys.jsonl")
    rows = [(row[3], unhex(row[2]), unhex(row[4]), unhex(row[5]), row[6], row[7], row[9]) for row in got]
    wrong, counts, _ = current.compare(held, rows)
    print("  ", ", ".join(f"{name} {n}" for name, n in counts.items()), flush=True)
    return "; ".join(wrong) or None


def check(engine, folder, format):
    """None, or what is wrong."""
    name = f"{os.path.basename(folder)}_{format}"
    create, *repair = statements(f"{folder}/{format}.sql")
    engine.run(create)
    if engine.rows(f"SELECT * FROM {name} LIMIT 1"):
        return "there are rows before the partitions were looked for"
    for sql in repair:
        engine.run(sql)
    rows = text_table_rows if format == "jsonl" else table_rows
    return readers.compare(format, rows(engine, name), readers.lines(folder + "/lines.jsonl"))


ENGINES = {"hive": Hive, "trino": Trino}


def main():
    kind, port, *folders = sys.argv[1:]
    if kind == "ping":
        ENGINES[port](folders[0]).run("SHOW TABLES")
        return
    engine = ENGINES[kind](port) if kind in ENGINES else Spark(os.path.dirname(folders[0]))
    passed, failed = 0, 0
    for folder in folders:
        log = open(folder + "/name").read().strip()
        now = current.held(folder + "/keys.jsonl")[0] if os.path.exists(folder + "/keys.jsonl") else int(time.time() * 1000)
        tests = [(f, lambda f=f: check(engine, folder, f)) for f in ("parquet", "avro", "jsonl")]
        if kind != "hive" or os.path.exists(folder + "/keys.jsonl"):  # Hive takes minutes for each
            tests.append(("current state", lambda: view(engine, folder, "parquet", now)))
        for what, test in tests:
            began = time.monotonic()
            try:
                wrong = test()
            except Exception as error:  # an engine that refuses the files or the statements is what this looks for
                wrong = f"{type(error).__name__}: {str(error)[:2000]}"
            passed, failed = passed + (wrong is None), failed + (wrong is not None)
            rows = sum(1 for _ in open(folder + "/lines.jsonl"))
            print(f"{log}: {what}: {wrong or f'{rows} rows, equal'} ({time.monotonic() - began:.0f} s)", flush=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()

"""Where the readers find the files: in a folder, or in a bucket, which each reader reaches by its own support of S3."""

import glob
import os
import sys
from urllib.parse import urlsplit

import pyarrow.fs


def place(where):
    """where is the path of a folder, or s3://BUCKET/PREFIX: then the variables of AWS say which server, and as whom."""
    return Bucket(where) if where.startswith("s3://") else Folder(where)


class Folder:
    """A folder of this machine.

    filesystem is pyarrow's, with path(name) in it; url(name) is what the others take, with options (of fsspec) and polars_options."""

    filesystem, options, polars_options = pyarrow.fs.LocalFileSystem(), None, None

    def __init__(self, where):
        self.root = where

    def path(self, name):
        return f"{self.root}/{name}"

    url = path

    def duckdb(self):
        import duckdb

        return duckdb.connect()

    def clickhouse(self, pattern):
        """the table function that reads Parquet files."""
        return f"file('{self.root}/{pattern}', Parquet)"

    def files(self, name):
        """the bytes of each file."""
        listed = self.filesystem.get_file_info(pyarrow.fs.FileSelector(self.path(name), recursive=True))
        for info in listed:
            if info.is_file and not info.base_name.startswith("."):
                with self.filesystem.open_input_file(info.path) as file:
                    yield file.read()


class Bucket(Folder):
    def __init__(self, where):
        super().__init__(where)
        self.endpoint, self.region = os.environ["AWS_ENDPOINT_URL"], os.environ["AWS_REGION"]
        self.user, self.password = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
        self.filesystem = pyarrow.fs.S3FileSystem(endpoint_override=self.endpoint, region=self.region, access_key=self.user, secret_key=self.password)
        self.options = {"key": self.user, "secret": self.password, "client_kwargs": {"endpoint_url": self.endpoint, "region_name": self.region}}
        self.polars_options = {
            "aws_endpoint_url": self.endpoint, "aws_allow_http": "true", "aws_region": self.region,
            "aws_access_key_id": self.user, "aws_secret_access_key": self.password,
        }

    def path(self, name):
        return f"{self.root}/{name}".removeprefix("s3://")

    def url(self, name):
        return f"{self.root}/{name}"

    def duckdb(self):
        """DuckDB with httpfs, from the folder that the path of Python's modules begins with."""
        import duckdb

        connection = duckdb.connect()
        extensions = glob.glob(f"{os.path.dirname(duckdb.__path__[0])}/duckdb_extension_httpfs/extensions/*/httpfs.duckdb_extension")
        if len(extensions) != 1:
            sys.exit(f"readers: DuckDB {duckdb.__version__} comes without httpfs: {extensions}")
        connection.load_extension(extensions[0])
        server = urlsplit(self.endpoint)
        connection.execute(
            f"CREATE SECRET (TYPE s3, KEY_ID '{self.user}', SECRET '{self.password}', REGION '{self.region}', ENDPOINT '{server.netloc}', "
            f"USE_SSL {server.scheme == 'https'}, URL_STYLE 'path')"
        )
        return connection

    def clickhouse(self, pattern):
        return f"s3('{self.endpoint}/{self.path(pattern)}', '{self.user}', '{self.password}', Parquet)"

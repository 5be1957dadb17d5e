"""Tables as data frames of pandas, polars and pyarrow, none of which is needed until someone asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from genai_social_sim.errors import RequestError
from genai_social_sim.export.tables import Cell, Column, ColumnType, Row

if TYPE_CHECKING:
    from genai_social_sim.export.tables import Table

BATCH_ROWS: Final = 1000
BATCH_CHARACTERS: Final = 4_000_000
_PANDAS: Final[dict[ColumnType, str]] = {"integer": "Int64", "number": "float64", "flag": "boolean"}


def needed(module: str, *, why: str) -> Any:
    """An optional package; raises RequestError saying how to get it."""
    try:
        return import_module(module)
    except ImportError as fault:
        package = module.split(".", maxsplit=1)[0]
        raise RequestError(f"{why} needs {package}, which is not installed", remedy=f"pip install {package}") from fault


def pandas_frame(table: Table) -> Any:
    """A pandas.DataFrame."""
    pandas = needed("pandas", why=f"{table.name}.df()")
    made = {}
    for column, values in _columns(table):
        if column.type == "time":
            moments = pandas.to_datetime(pandas.Series(_moments(values), dtype="object"), utc=True)
            made[column.name] = moments.astype("datetime64[us, UTC]")  # whatever the values, even without any
        else:
            made[column.name] = pandas.Series(values, dtype=_PANDAS.get(column.type, "string"))
    return pandas.DataFrame(made, columns=[column.name for column in table.columns])


def polars_frame(table: Table) -> Any:
    """A polars.DataFrame."""
    polars = needed("polars", why=f"{table.name}.pl()")
    types = {
        "integer": polars.Int64,
        "number": polars.Float64,
        "flag": polars.Boolean,
        "time": polars.Datetime("us", "UTC"),
    }
    made = []
    for column, values in _columns(table):
        cells = _moments(values) if column.type == "time" else values
        made.append(polars.Series(column.name, cells, dtype=types.get(column.type, polars.String)))
    return polars.DataFrame(made)


def arrow_table(table: Table) -> Any:
    """A pyarrow.Table; texts of any number and length, since it is made of many batches."""
    arrow = needed("pyarrow", why=f"{table.name}.arrow()")
    schema = arrow_schema(table.columns, description=table.description)
    return arrow.Table.from_batches(map(arrow_batches(table.columns), portions(table.tuples())), schema=schema)


def arrow_schema(columns: Sequence[Column], *, description: str) -> Any:
    """A pyarrow.Schema whose metadata hold the descriptions."""
    arrow = needed("pyarrow", why="Parquet")
    fields = [
        arrow.field(column.name, _arrow_type(arrow, column), metadata={"description": column.description})
        for column in columns
    ]
    return arrow.schema(fields, metadata={"description": description, "made by": "genai-social-sim"})


def arrow_batches(columns: Sequence[Column]) -> Any:
    """A function from rows to a pyarrow.RecordBatch."""
    arrow = needed("pyarrow", why="Parquet")
    types = [_arrow_type(arrow, column) for column in columns]
    names = [column.name for column in columns]

    def batch(rows: Sequence[Row]) -> Any:
        arrays = []
        for at, column in enumerate(columns):
            cells = [row[at] for row in rows]
            arrays.append(arrow.array(_moments(cells) if column.type == "time" else cells, types[at]))
        return arrow.RecordBatch.from_arrays(arrays, names=names)

    return batch


def portions(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows in lists that are bounded in number and in characters."""
    portion: list[Row] = []
    characters = 0
    for row in rows:
        portion.append(row)
        characters += row_characters(row)
        if len(portion) >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield portion
            portion, characters = [], 0
    if portion:
        yield portion


def row_characters(row: Row) -> int:
    """How many characters its texts have."""
    return sum([len(cell) for cell in row if isinstance(cell, str)])


def _arrow_type(arrow: Any, column: Column) -> Any:
    match column.type:
        case "integer":
            return arrow.int64()
        case "number":
            return arrow.float64()
        case "flag":
            return arrow.bool_()
        case "time":
            return arrow.timestamp("us", "UTC")
        case "text" | "json":
            return arrow.string()


def _columns(table: Table) -> Iterator[tuple[Column, list[Cell]]]:
    cells = [*chain.from_iterable(table.tuples())]
    width = len(table.columns)
    for at, column in enumerate(table.columns):
        yield column, cells[at::width]


def _moments(cells: Sequence[Cell]) -> list[datetime | None]:
    return [None if cell is None else datetime.fromisoformat(str(cell)) for cell in cells]

"""What a layout tells the Dagster UI about a table: columns, types, descriptions, keys."""

import dagster as dg
from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql

from spacex_assets.endpoints.layout import Column, TableLayout

_DIALECT: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]


def column_schema(layout: TableLayout) -> dg.TableSchema:
    """The declared columns, with PostgreSQL types and the same descriptions that PostgreSQL has as comments."""
    return dg.TableSchema(
        columns=[_column(column, layout) for column in layout.columns],
        constraints=dg.TableConstraints(other=[f"primary key ({', '.join(layout.key)})"]),
    )


def _column(column: Column, layout: TableLayout) -> dg.TableColumn:
    return dg.TableColumn(
        name=column.name,
        type=column.kind.sql.compile(_DIALECT).lower(),
        description=column.comment,
        constraints=dg.TableColumnConstraints(
            nullable=column.nullable,
            unique=layout.key == (column.name,),
            other=[f"references {column.references}"] if column.references else [],
        ),
    )

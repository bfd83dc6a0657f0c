"""What a layout tells Dagster about a table: columns, types, descriptions, keys, and where each column comes from."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql

from spacex_assets.endpoints.base import Endpoint
from spacex_assets.endpoints.layout import Column, TableLayout

ENDPOINT_TAG = "endpoint"
"""The tag of every asset with its endpoint: all tables of an endpoint are one step, and are selected together."""
_DIALECT: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]

Origins = Mapping[str, dg.TableColumnDep]
"""By column name, the asset and the column of it that a column comes from."""


def raw_origins(endpoint: Endpoint, layout: TableLayout) -> Origins:
    """A typed column comes from a path of the raw documents, which stands for the column there."""
    key = dg.AssetKey(["raw", endpoint.name])
    return {column.name: dg.TableColumnDep(asset_key=key, column_name=column.source) for column in layout.columns}


def typed_origins(layout: TableLayout) -> Origins:
    """A PostgreSQL column comes from the typed column of the same name."""
    key = dg.AssetKey(["typed", layout.name])
    return {column.name: dg.TableColumnDep(asset_key=key, column_name=column.name) for column in layout.columns}


def column_metadata(layout: TableLayout, origins: Origins) -> dict[str, Any]:
    """The declared columns and their lineage, as metadata of an asset's definition.

    The open-source UI draws no column lineage, so each column of the schema also carries its origin as a tag.
    """
    return {
        "dagster/column_schema": column_schema(layout, origins),
        "dagster/column_lineage": dg.TableColumnLineage({name: [origin] for name, origin in origins.items()}),
    }


def column_schema(layout: TableLayout, origins: Origins) -> dg.TableSchema:
    """The declared columns, with PostgreSQL types and the same descriptions that PostgreSQL has as comments."""
    return dg.TableSchema(
        columns=[_column(column, layout, origins[column.name]) for column in layout.columns],
        constraints=dg.TableConstraints(other=[f"primary key ({', '.join(layout.key)})"]),
    )


def _column(column: Column, layout: TableLayout, origin: dg.TableColumnDep) -> dg.TableColumn:
    return dg.TableColumn(
        name=column.name,
        type=column.kind.sql.compile(_DIALECT).lower(),
        description=column.comment,
        constraints=dg.TableColumnConstraints(
            nullable=column.nullable,
            unique=layout.key == (column.name,),
            other=[f"references {column.references}"] if column.references else [],
        ),
        tags={origin.asset_key.to_user_string(): origin.column_name},
    )

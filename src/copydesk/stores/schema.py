"""What all tables share: one catalogue, one way to name constraints, and the columns that come again and again."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData, Text

from copydesk.stores.types import Moment

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    },
)

# SQLite gives an automatic number only to a primary key of type INTEGER.
NUMBER = BigInteger().with_variant(Integer(), "sqlite")


def identity() -> Column[str]:
    return Column("id", Text, primary_key=True)


def when(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, Moment, nullable=nullable)


def of(name: str, target: str, *, primary_key: bool = False, index: bool = False) -> Column[str]:
    return Column(name, Text, ForeignKey(target), nullable=False, primary_key=primary_key, index=index)

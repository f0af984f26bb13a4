"""Questions that the fan-out and the recorder ask find their rows by an index: a long history costs them nothing."""

import pytest
from sqlalchemy import Select, create_engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql import visitors

from copydesk.stores import executions, followers, positions, signals
from copydesk.stores.migrate import upgrade

QUESTIONS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": query
    for module in (executions, followers, positions, signals)
    for name, query in vars(module).items()
    if isinstance(query, Select) and query._where_criteria
}


def plan_of(query):
    parameters = {one.key for one in visitors.iterate(query) if one.__visit_name__ == "bindparam" and one.required}
    compiled = query.params({key: ["a"] for key in parameters}).compile(
        dialect=sqlite.dialect(), compile_kwargs={"render_postcompile": True}
    )
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        upgrade(connection)
        asked = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", ('["a"]',) * len(compiled.positiontup))
        return [row[3] for row in asked if not row[3].startswith("SCAN anon")]


def test_the_questions_are_found_in_the_stores():
    assert len(QUESTIONS) > 15


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_nothing_is_looked_through_from_end_to_end(name):
    plan = plan_of(QUESTIONS[name])

    assert any(one.startswith("SEARCH") for one in plan)
    assert not [one for one in plan if one.startswith("SCAN")]

"""Marks on panels. The SDK's schema has no keys of the data sources' annotation editors, so they are added here."""

from dataclasses import dataclass

from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import DataSourceRef

PROMETHEUS_KEYS = frozenset({"step", "tagKeys", "textFormat", "titleFormat"})
INFLUX_KEYS = frozenset({"query", "tagsColumn", "textColumn"})
_STEP = "60s"


class Annotation(model.AnnotationQuery):
    """An annotation with the keys that its data source reads."""

    def __init__(self, marks: "Marks", keys: dict[str, object]) -> None:
        super().__init__(
            name=marks.name, datasource=marks.source, enable=True, hide=False, icon_color=marks.colour, built_in=0
        )
        self._keys = keys

    def to_json(self) -> dict[str, object]:
        """The schema's keys and the data source's."""
        return super().to_json() | self._keys


@dataclass(frozen=True, slots=True)
class Marks:
    """Name, colour and data source of annotations."""

    name: str
    colour: str
    source: DataSourceRef

    def of_expression(self, expression: str, title: str) -> Annotation:
        """A region wherever the expression is above 0. Grafana's versions read it from either place."""
        keys: dict[str, object] = {
            "expr": expression,
            "step": _STEP,
            "titleFormat": title,
            "textFormat": "",
            "tagKeys": "provider,model,vantage",
            "target": {"expr": expression, "interval": _STEP, "refId": "Anno"},
        }
        return Annotation(self, keys)

    def of_points(self, query: str, text: str, tags: str) -> Annotation:
        """A mark at each point that an InfluxQL query returns."""
        columns: dict[str, object] = {"query": query, "textColumn": text, "tagsColumn": tags}
        target = {**columns, "fromAnnotations": True, "rawQuery": True, "textEditor": True, "refId": "Anno"}
        return Annotation(self, {**columns, "target": target})

"""Charts: figures drawn as SVG on the server, and the same figures as a table. Pure.

A chart is a frozen value and two functions: `line_chart(figure, chart_id=…)` is its markup, `line_table(figure)` its
table. `chart_id` has to be unique on the page. The page needs `patterns.shared_patterns()` once, and the rules of
`charts.css` beside the roles (`--p1`, `--up`, …) of its own sheet.
"""

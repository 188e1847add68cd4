"""Pages for people, rendered on the server from the newest snapshot and the stored history.

Each page is a view model (pure: figures and a query in, texts and charts out), a template, and a handler that collects
the figures. `rendering.PageRenderer` renders templates in a thread and keeps the pages for a moment.
"""

"""`providerwatch top`: the scores of a running daemon on a whole terminal, live, with keys to sort, filter and group.

`app.py` connects the parts. `feed.py` receives documents, `terminal.py` draws lines and reads keys; the rest is pure.
"""

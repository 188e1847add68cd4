"""How large months of history are, and how fast the store writes and reads them."""

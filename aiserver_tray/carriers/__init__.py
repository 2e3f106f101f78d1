"""Ways between the owner of the core and its clients: sockets, HTTP, inside one process."""

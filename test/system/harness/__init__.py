"""What the system tests are made of: namespaces, processes, terminusd, and peers that use the kernel's TCP."""

"""The same clients against the kernel's TCP and against Terminus, and where the two answer differently."""

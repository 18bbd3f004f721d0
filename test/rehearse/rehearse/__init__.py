"""terminusd on a server that QEMU emulates: PCI NICs behind an IOMMU, Debian's kernel, clients and backends in namespaces."""

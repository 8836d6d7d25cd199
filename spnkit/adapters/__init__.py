"""One adapter per kind of array: allocate, widen half precision, and run a backend on the result."""

"""The record store, measured: `python -m benchmarks.xapi`."""
